"""A rollout that was rolled back is begun again, while a person watches it on the command line."""

import contextlib
import os
import subprocess
from collections.abc import Iterator

import pytest

from .shop import PLUGIN, rollout
from .story import Stories


@contextlib.contextmanager
def watched(shop: Stories, *, ends_as: int) -> Iterator[list[str]]:
    """The lines that `kubectl hotfix watch` prints during the block, there after it; it ends by itself, with that code."""
    env = {**os.environ, "KUBECONFIG": str(shop.cluster.kubeconfig)}
    command = [PLUGIN, "watch", "fix", "-n", shop.namespace]
    lines: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env, text=True) as watch:
        try:
            yield lines
            out, _ = watch.communicate(timeout=20)
        finally:
            watch.kill()
    lines += out.splitlines()
    assert watch.returncode == ends_as, out


def refused_as_it_is(shop: Stories) -> None:
    """The same patch would do the same again."""
    with pytest.raises(AssertionError, match=r"kubectl hotfix retry fix --same"):
        shop.hotfix("retry", "fix")


def test_a_patch_that_was_rolled_back_is_mended_and_tried_again(shop: Stories) -> None:
    shop.open(patched="sample:crash")
    with shop.story("Promoted", rate=40):
        shop.apply(rollout())
        with watched(shop, ends_as=1) as told:
            shop.phase("RolledBack")
        assert any("Rolling" in line and "PatchedWorse" not in line for line in told), told
        assert told[-1].endswith("It is over."), told
        refused_as_it_is(shop)
        shop.kubectl("set", "image", "deployment/checkout-hotfix", "app=sample:1.1")
        shop.hotfix("retry", "fix")
        with watched(shop, ends_as=0) as told:
            shop.phase("Promoted", seconds=240)
        assert told[-1].endswith("It is over."), told
    assert shop.image("checkout") == "sample:1.1"
    assert shop.status()["lastHandledRequest"]["request"].startswith("retry:")


def test_a_patch_that_a_person_rolled_back_too_soon_is_tried_again_as_it_is(shop: Stories) -> None:
    shop.open()
    with shop.story("Promoted", rate=40):
        shop.apply(rollout(startWeight=5, steps=[5]))
        shop.until(lambda status: status.get("acknowledgedWeight") == 5, "5 % are acknowledged")
        shop.hotfix("rollback", "fix")
        assert shop.phase("RolledBack", seconds=60)["why"] == "Requested"
        refused_as_it_is(shop)
        shop.edit(steps=[5, 50])
        shop.hotfix("retry", "fix", "--same")
        shop.phase("Promoted", seconds=240)
    assert shop.status()["lastHandledRequest"]["request"].startswith("retry-same:")
