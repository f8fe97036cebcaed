"""The namespace that a kubeconfig's context names, as kubectl finds it. Logging in is adapters/login.py's."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hotfix.adapters import login
from hotfix.errors import Refused

DEFAULT = "default"


def namespace(*, kubeconfig: str | None, context: str | None) -> str:
    """Namespace of the context (default: the current one), else of this pod, else `default`; Refused for an unreadable file."""
    if kubeconfig is None and context is None and login.in_a_pod():
        return login.own_namespace() or "default"
    found = [_read(path) for path in _paths(kubeconfig)]
    chosen = context or next((config["current-context"] for config in found if config.get("current-context")), None)
    for config in found:
        for entry in config.get("contexts") or ():
            if entry.get("name") == chosen:
                return str((entry.get("context") or {}).get("namespace") or DEFAULT)
    return DEFAULT


def _paths(kubeconfig: str | None) -> list[Path]:
    """kubectl's order: the flag, KUBECONFIG (several, the first wins), the file in the home folder."""
    if kubeconfig:
        return [Path(kubeconfig)]
    named = [part for part in os.environ.get("KUBECONFIG", "").split(os.pathsep) if part]
    return [path for path in map(Path, named or [str(Path.home() / ".kube" / "config")]) if path.exists()]


def _read(path: Path) -> Mapping[str, Any]:
    try:
        read = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Refused(f"The kubeconfig {path} cannot be read: {error.strerror}.", reason="NoCredentials") from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise Refused(f"{path} cannot be read as a kubeconfig: {error}", reason="NoCredentials") from error
    return read if isinstance(read, dict) else {}
