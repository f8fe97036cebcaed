"""Which cluster the tests run on. HOTFIX_CLUSTER: nothing for the embedded one, `kind:FOLDER` for one that `python -m
tests.cluster.kind` holds, `kubeconfig` for the user's own.
"""

import os
from pathlib import Path

from .cluster import Cluster
from .kind import Kind
from .pods import InPods
from .provider import Provider

_kind, _, _folder = os.environ.get("HOTFIX_CLUSTER", "embedded").partition(":")
KINDS: dict[str, type[Provider]] = {"embedded": Cluster, "kind": Kind, "kubeconfig": InPods}
NAME, PROVIDER = _kind, KINDS[_kind]
EMBEDDED = _kind == "embedded"
FOLDER = Path(_folder)  # of a cluster that is there already


def held(scrape_seconds: float) -> Provider:
    """The one that is there already, or one for this session, which goes at its end."""
    if PROVIDER is Kind and not _folder:
        raise RuntimeError("HOTFIX_CLUSTER=kind:FOLDER: `python -m tests.cluster.kind up` makes one, and says its folder")
    return PROVIDER.attach(FOLDER) if _folder else PROVIDER.start("session", scrape_seconds=scrape_seconds)
