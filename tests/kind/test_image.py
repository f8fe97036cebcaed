"""The operator's image, as docker and whoever is inside see it."""

import json
import re
import subprocess
from typing import Any

import pytest

from tests.cluster.kind import images
from tests.cluster.provider import ROOT

INSTALLERS = ("pip", "ensurepip", "setuptools")
PROGRAMS = ("pip", "pip3", "apt", "apt-get", "dpkg", "apk", "gcc", "cc", "make", "ld")
PATH = "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin"
LOOK = f"""
import importlib.util, json, os, shutil, stat
def lends(path):
    mode = os.lstat(path).st_mode
    return stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID)
places = [os.path.join(folder, name) for top in ("/bin", "/sbin", "/usr", "/opt", "/etc", "/home", "/root")
          for folder, _, names in os.walk(top) for name in names]
print(json.dumps({{
    "lends rights": [path for path in places if lends(path)],
    "programs": [name for name in {PROGRAMS} if shutil.which(name, path="{PATH}")],
    "modules": [name for name in {INSTALLERS} if importlib.util.find_spec(name)],
    "places": len(places),
}}))
"""


@pytest.fixture(scope="module")
def inside() -> dict[str, Any]:
    """What is found in a container of it."""
    command = ["docker", "run", "--rm", "--network", "none", "--entrypoint", "python3", images.OPERATOR, "-c", LOOK]
    return dict(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def test_its_user_is_a_number_so_that_a_kubelet_knows_that_it_is_not_root() -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", images.inspected(images.OPERATOR)["Config"]["User"])


def test_its_labels_say_what_it_is_and_which_version() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    labels = images.inspected(images.OPERATOR)["Config"]["Labels"]
    told = {name: labels[f"org.opencontainers.image.{name}"] for name in ("title", "version", "licenses")}
    assert told == {"title": "hotfix-operator", "version": version.group(1), "licenses": "Apache-2.0"}


def test_nothing_in_it_installs_builds_or_lends_rights(inside: dict[str, Any]) -> None:
    assert inside.pop("places") > 1000
    assert inside == {"lends rights": [], "programs": [], "modules": []}
