"""Which cluster the tests run on. HOTFIX_CLUSTER: nothing for the embedded one, `kind:FOLDER` for one that `python -m
tests.cluster.kind` holds, `kubeconfig` for the user's own.
"""

import os
import tempfile
from pathlib import Path

from .cluster import Cluster
from .kind import Kind
from .pods import InPods
from .provider import Provider

_kind, _, _folder = os.environ.get("HOTFIX_CLUSTER", "embedded").partition(":")
KINDS: dict[str, type[Provider]] = {"embedded": Cluster, "kind": Kind, "kubeconfig": InPods}
NAME, PROVIDER = _kind, KINDS[_kind]
EMBEDDED = _kind == "embedded"


def there() -> Path:
    """The folder of a cluster that is there already."""
    return Path(_folder or tempfile.mkdtemp(prefix="hotfix-own-"))


def attach(home: Path) -> Provider:
    """The session's cluster, which another process may hold."""
    if _kind == "kubeconfig":
        return InPods.named(home)
    return Kind.attach(home) if _kind == "kind" else Cluster.attach(home)


def alone(name: str, scrape_seconds: float) -> Provider:
    """One that nobody else uses until it is stopped: the embedded one is made, the one of kind is had for a while."""
    return Cluster.start(name, scrape_seconds=scrape_seconds) if EMBEDDED else Kind.borrow(there())
