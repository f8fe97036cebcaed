"""The image decides what a process does: image name -> program and knobs. An image that is not here cannot be pulled."""

import hashlib
import sys
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Program:
    """What a container runs. `env` are the image's defaults; the container's own env wins. All pods share one machine:
    `address_in` is the variable in which a program that would listen everywhere takes the pod's address."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    address_in: str = ""


# tag of image `sample` -> knobs of sample.py
SAMPLES: dict[str, dict[str, str]] = {
    "1.0": {"ERRORS": "5"},  # fails 5 % of all requests
    "1.1": {"ERRORS": "0.1"},  # the cure
    "1.2": {"ERRORS": "0.1", "NOTE": "same behaviour, another version"},
    "worse": {"ERRORS": "10"},  # 5 pp more than 1.0
    "placebo": {"ERRORS": "5", "NOTE": "another version of 1.0 that cures nothing"},
    "refusing": {"ERRORS": "0.1", "REFUSED": "20"},  # answers good requests with 403
    "slow": {"ERRORS": "0.1", "SLOW": "40", "SLOW_MS": "1800"},
    "crash": {"ERRORS": "100"},  # answers every request with 500
    "hang": {"HANG": "60"},  # takes requests and finishes none
    "exit": {"EXIT": "1"},  # ends at start: CrashLoopBackOff
    "unready": {"UNREADY": "1"},  # runs, never ready
    "good": {"ERRORS": "0"},
}


def program(image: str) -> Program | None:
    """What this image runs; None when it does not exist."""
    name, _, tag = image.rsplit("/", 1)[-1].partition(":")
    if name == "hotfix-operator" and tag.startswith("skewed"):
        return Program((sys.executable, "-P", str(HERE / "skewed.py"), tag.removeprefix("skewed")))
    if name == "hotfix-operator":
        return Program((sys.executable, "-m", "hotfix"))
    if name == "sample" and tag in SAMPLES:
        return Program((sys.executable, "-I", "-S", str(HERE / "sample.py")), {**SAMPLES[tag], "IMAGE": image}, "POD_IP")
    return None


def image_id(image: str) -> str:
    """A digest that differs for each image."""
    return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"
