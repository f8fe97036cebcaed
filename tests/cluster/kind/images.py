"""The images of a cluster of kind: `docker build`, from the embedded cluster's programs and a Python base image."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import envoy

from tests.cluster.components import scrapes
from tests.cluster.images import SAMPLES
from tests.cluster.provider import ROOT

HERE = Path(__file__).parent
BUILT = ("kubectl", "contour", "prometheus")  # of the embedded cluster's programs: the control plane is kind's own
BASE = os.environ.get("BASE_IMAGE", "python:3.13-slim")
WITH_SHELL = os.environ.get("BUILD_IMAGE") or BASE  # of everything but the operator
OPERATOR = "hotfix-operator:dev"
SKEWED = (3600, -3600)
SCRAPE_SECONDS = 2
CONTOUR_CONFIGURATION = "gateway: {gatewayRef: {namespace: projectcontour, name: contour}}\n"


def build(programs: Path, log: Callable[[str], None]) -> list[str]:
    """All of them; their names."""
    log("building images")
    _docker(ROOT, OPERATOR, f"BASE_IMAGE={BASE}", f"BUILD_IMAGE={WITH_SHELL}")
    log(f"{OPERATOR}: {inspected(OPERATOR)['Size'] / 1e6:.0f} MB")
    with tempfile.TemporaryDirectory(prefix="hotfix-images-") as folder:
        place = Path(folder)
        _gather(place, programs)
        recipes = _recipes()
        for name, recipe in recipes.items():
            (place / "Dockerfile").write_text(recipe)
            (place / ".dockerignore").write_text("\n".join(["*", *(f"!{file}" for file in _copied(recipe))]))
            _docker(place, name)
    return [OPERATOR, *recipes]


def inspected(name: str) -> dict[str, Any]:
    """What docker knows of an image."""
    told = subprocess.run(["docker", "image", "inspect", name], capture_output=True, text=True, check=True).stdout
    return dict(json.loads(told)[0])


def _gather(place: Path, programs: Path) -> None:
    """What recipes copy."""
    for name in ("contour", "prometheus"):
        os.link(programs / name, place / name) if _same(programs, place) else shutil.copy(programs / name, place / name)
    shutil.copy(Path(envoy.__file__).parent / "_bin" / "envoy", place / "envoy")
    for file in ("sample.py", "load.py", "relay.py", "skewed.py"):
        shutil.copy(HERE.parent / file, place / file)
    shutil.copy(HERE / "targets.py", place / "targets.py")
    (place / "contour.yaml").write_text(CONTOUR_CONFIGURATION)
    addresses = {"envoy": "envoy.projectcontour:8002", "rules": "/data/rules/*.json", "pods": "/targets/*.json"}
    (place / "prometheus.yaml").write_text(json.dumps(scrapes(addresses, SCRAPE_SECONDS)))


def _same(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def _copied(recipe: str) -> list[str]:
    return [name for line in recipe.splitlines() if line.startswith("COPY ") for name in line.split()[1:-1]]


def _recipes() -> dict[str, str]:
    """Name of an image -> its Dockerfile."""
    recipes = {
        "hotfix-test/gateway:1": f"FROM {WITH_SHELL}\nCOPY contour envoy /usr/local/bin/\nCOPY relay.py contour.yaml /\n",
        "hotfix-test/prometheus:1": f"FROM {WITH_SHELL}\nCOPY prometheus /usr/local/bin/\nCOPY targets.py prometheus.yaml /\n",
        "hotfix-test/load:1": f"FROM {WITH_SHELL}\nCOPY load.py /\nUSER 65532\n",
    }
    app = f"FROM {WITH_SHELL}\nCOPY sample.py /\nUSER 65532\nENV POD_IP=0.0.0.0 PYTHONUNBUFFERED=1\n"
    for tag, knobs in SAMPLES.items():
        env = {**knobs, "IMAGE": f"sample:{tag}"}
        lines = "".join(f"ENV {name}={json.dumps(value)}\n" for name, value in env.items())
        recipes[f"sample:{tag}"] = f'{app}{lines}CMD ["python3", "-I", "-S", "/sample.py"]\n'
    for seconds in SKEWED:
        run = json.dumps(["python3", "-P", "/skewed.py", str(seconds)])
        recipes[f"hotfix-operator:skewed{seconds}"] = f"FROM {OPERATOR}\nCOPY skewed.py /\nENTRYPOINT {run}\n"
    return recipes


def _docker(context: Path, name: str, *arguments: str) -> None:
    """Build one, in a way that every builder knows."""
    command = ["docker", "build", "--quiet", "--network", "host", "--tag", name]
    for argument in arguments:
        command += ["--build-arg", argument]
    done = subprocess.run([*command, str(context)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"docker build of {name} failed:\n{(done.stdout + done.stderr)[-3000:]}")
