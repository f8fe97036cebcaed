"""`python -m tests.cluster build` builds the programs; `up` keeps a cluster up until Ctrl-C and says how to reach it."""

import argparse
import signal
import sys

from . import binaries
from .cluster import Cluster


def _up() -> None:
    with Cluster.start("up") as cluster:
        print(
            f"\nexport KUBECONFIG={cluster.kubeconfig}\n"
            f"kubectl get nodes            # your own kubectl, or: {cluster.programs / 'kubectl'}\n"
            f"gateway     {cluster.gateway_url}   (send the route's host name as the Host header)\n"
            f"Prometheus  {cluster.prometheus_url}\n"
            f"logs        {cluster.home / 'logs'}\n\nCtrl-C ends it and leaves nothing behind."
        )
        signal.sigwait({signal.SIGINT, signal.SIGTERM})


def main() -> int:
    """Exit code 0, or 1 with the reason."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("what", choices=("build", "up"))
    try:
        if parser.parse_args().what == "build":
            print(binaries.ensure())
        else:
            _up()
    except binaries.Missing as error:
        print(f"cannot run here: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
