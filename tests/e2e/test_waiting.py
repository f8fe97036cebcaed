"""Who waits for a rollout from its beginning: what ends the real `kubectl wait`, and what does not, as docs/gitops.md has it."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field

from .shop import PLUGIN, rollout
from .story import Stories

FLUX = ("kustomize.toolkit.fluxcd.io/name=shop", "kustomize.toolkit.fluxcd.io/namespace=flux-system")
CONDITIONS = ("Stalled", "Paused", "Ready", "Completed", "Succeeded")
SERVED, ENDED = "kubectl hotfix status --for ready", "kubectl hotfix status"


@dataclass
class Waits:
    """Commands that wait, each since its start."""

    shop: Stories
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def begin(self) -> None:
        """All of them."""
        cluster, env = self.shop.cluster, {**os.environ, "KUBECONFIG": str(self.shop.cluster.kubeconfig)}
        where = ("-n", self.shop.namespace)
        commands = {
            of: [*cluster.kubectl_command, "wait", f"--for=condition={of}", "hfr/fix", "--timeout=20m", *where]
            for of in CONDITIONS
        }
        status = [PLUGIN, "status", "fix", "--wait", "--timeout", "20m", *where]
        commands |= {SERVED: [*status, "--for", "ready"], ENDED: status}
        for name, command in commands.items():
            self.running[name] = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)

    def ended(self) -> dict[str, int]:
        """What does not wait any more -> its exit code."""
        codes = {name: process.poll() for name, process in self.running.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def assert_ended(self, **codes: int) -> None:
        """These have ended, or are about to, and no others."""
        named = {{"status": ENDED, "served": SERVED}.get(name, name): code for name, code in codes.items()}
        with contextlib.suppress(TimeoutError):
            self.shop.cluster.until(lambda: self.ended() == named, "what waits for that ends", seconds=20)
        assert self.ended() == named


@contextlib.contextmanager
def waiting(shop: Stories) -> Iterator[Waits]:
    """None goes on after the block."""
    waits = Waits(shop)
    try:
        yield waits
    finally:
        for process in waits.running.values():
            process.kill()
            process.wait()


def test_a_wait_for_ready_outlives_a_refusal_and_a_pause_and_ends_when_git_is_awaited(shop: Stories) -> None:
    shop.open(patched="sample:1.0")
    shop.kubectl("label", "deployment", "checkout", *FLUX)
    with waiting(shop) as waits, shop.story("Promoted", rate=40):
        shop.apply(rollout(analysis={"bakeTime": "5s"}))
        waits.begin()
        shop.held("NothingToPromote")
        waits.assert_ended(Stalled=0)
        shop.kubectl("set", "image", "deployment/checkout-hotfix", "app=sample:1.1")
        shop.phase("Analyzing")
        shop.edit(paused=True)
        shop.held("Paused")
        waits.assert_ended(Stalled=0, Paused=0)
        shop.edit(paused=False)
        shop.phase("AwaitingGit", seconds=180)
        waits.assert_ended(Stalled=0, Paused=0, Ready=0, served=0)
        shop.kubectl("set", "image", "deployment/checkout", "app=sample:1.1")
        shop.phase("Promoted", seconds=180)
        waits.assert_ended(Stalled=0, Paused=0, Ready=0, served=0, Completed=0, Succeeded=0, status=0)


def test_at_a_rollback_a_wait_for_its_end_ends_and_one_for_its_success_does_not(shop: Stories) -> None:
    shop.open(patched="sample:crash")
    with waiting(shop) as waits:
        ended = {"Stalled": 0, "Completed": 0, "served": 1, "status": 1}
        with shop.story("RolledBack", rate=40):
            shop.apply(rollout())
            waits.begin()
            shop.phase("RolledBack")
            waits.assert_ended(**ended)
        waits.assert_ended(**ended)
