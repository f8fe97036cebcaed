"""`make test-kind`: a cluster of kind, the stories on it, and its end. `up` keeps one until Ctrl-C, `images` builds alone."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

from tests.cluster import binaries
from tests.cluster.provider import ROOT

from . import images
from .cluster import ENDINGS, Kind, leave_alone, missing

SIDE_BY_SIDE = ("-m", "cluster and not alone", "-n", os.environ.get("WORKERS", "6"), "--dist", "worksteal")
ONE_BY_ONE = ("-m", "cluster and alone")
NO_TESTS_COLLECTED = 5
LAST_WORDS_SECONDS = 60


def main() -> int:
    """The exit code."""
    images_alone = sys.argv[1:] == ["images"]
    lacking = missing(images_alone=images_alone)
    if lacking:
        print(lacking, file=sys.stderr)
        return 1
    for ending in ENDINGS:
        signal.signal(ending, signal.default_int_handler)  # as Ctrl-C: the cluster goes
    try:
        if images_alone:
            print("\n".join(images.build(binaries.ensure(print, images.BUILT), print)))
            return 0
        return _on_a_cluster()
    except binaries.Missing as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _on_a_cluster() -> int:
    """With a cluster that goes afterwards, whatever happens."""
    began, cluster = time.monotonic(), Kind.start("kind")
    try:
        if sys.argv[1:] == ["up"]:
            print(f"export HOTFIX_CLUSTER=kind:{cluster.home} KUBECONFIG={cluster.kubeconfig}; Ctrl-C ends it", flush=True)
            threading.Event().wait()
        return _tests(cluster)
    finally:
        leave_alone()
        _say("deleting the cluster")
        cluster.delete()
        _say(f"Kubernetes {cluster.version}: in all {time.monotonic() - began:.0f} s")


def _say(text: str) -> None:
    """Whoever would read it may be gone: a terminal that was closed, a `tee` that Ctrl-C ended too."""
    with contextlib.suppress(OSError):
        print(text, flush=True)


def _tests(cluster: Kind) -> int:
    """The stories that can be told side by side, then those that need the cluster alone."""
    env = {**os.environ, "HOTFIX_CLUSTER": f"kind:{cluster.home}"}
    asked = ("-k", os.environ["ONLY"]) if os.environ.get("ONLY") else ()
    codes = []
    for options in (SIDE_BY_SIDE, ONE_BY_ONE):
        began = time.monotonic()
        command = [sys.executable, "-m", "pytest", "tests/kind", "tests/e2e", "--durations=0", "--durations-min=1", *options]
        codes.append(_told([*command, *asked], env))
        print(f"{' '.join(options)}: {time.monotonic() - began:.0f} s", flush=True)
    return 0 if set(codes) <= {0, NO_TESTS_COLLECTED} and 0 in codes else 1


def _told(command: list[str], env: dict[str, str]) -> int:
    """The exit code of pytest; where it is interrupted it has time to tell what it saw."""
    with subprocess.Popen(command, cwd=ROOT, env=env, start_new_session=True) as telling:
        try:
            return telling.wait()
        except KeyboardInterrupt:
            telling.send_signal(signal.SIGINT)
            try:
                telling.wait(LAST_WORDS_SECONDS)
            finally:
                telling.kill()
            raise


if __name__ == "__main__":
    sys.exit(main())
