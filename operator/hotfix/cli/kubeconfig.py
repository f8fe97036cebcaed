"""The context that is meant and the namespace that it names, as kubectl finds them. Logging in is adapters/login.py's."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from hotfix.adapters import login
from hotfix.errors import Refused

DEFAULT = "default"


def current(*, kubeconfig: str | None) -> str | None:
    """The context that is meant where none is named; None where no file says so. Refused for an unreadable file."""
    return _current([_read(path) for path in _paths(kubeconfig)])


def namespace(*, kubeconfig: str | None, context: str | None) -> str:
    """Namespace of the context (default: the current one), else of this pod, else `default`; Refused for an unreadable file."""
    found = [_read(path) for path in _paths(kubeconfig)]
    chosen = context or _current(found)
    if chosen is None and kubeconfig is None:
        return login.own_namespace() or DEFAULT
    for config in found:
        for entry in config.get("contexts") or ():
            if entry.get("name") == chosen:
                return str((entry.get("context") or {}).get("namespace") or DEFAULT)
    return DEFAULT


def _current(found: Sequence[Mapping[str, Any]]) -> str | None:
    return next((config["current-context"] for config in found if config.get("current-context")), None)


def _paths(kubeconfig: str | None) -> list[Path]:
    """kubectl's order: the flag, KUBECONFIG (several, the first wins), the file in the home folder."""
    if kubeconfig:
        return [Path(kubeconfig)]
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    files = named or [str(Path.home() / ".kube" / "config")]
    return [Path(file) for file in files if os.path.exists(file)]  # noqa: PTH110 - False in a folder that is not ours to search


def _read(path: Path) -> Mapping[str, Any]:
    try:
        read = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Refused(f"The kubeconfig {path} cannot be read: {error.strerror}.", reason="NoCredentials") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read as a kubeconfig: {error}", reason="NoCredentials") from error
    return read if isinstance(read, dict) else {}
