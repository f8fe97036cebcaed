"""What a person asks for on the command line, of the operator as installed, and under a tool that restores what is in git."""

import pytest

from .shop import rollout
from .story import Stories, everything_on_patched

UNDECIDED = {"startWeight": 5, "steps": [5]}


def on_its_way(shop: Stories) -> None:
    """Undecided for long at its first weight, which is acknowledged."""
    shop.apply(rollout(**UNDECIDED))
    shop.until(lambda status: status.get("acknowledgedWeight") == 5, "5 % are acknowledged")


def test_a_person_promotes_without_waiting_for_the_evidence(shop: Stories) -> None:
    shop.open(stable="sample:good", patched="sample:1.1")
    with shop.story("Promoted"):
        on_its_way(shop)
        shop.hotfix("promote", "fix")
        status = shop.phase("Baking", seconds=10)
        assert "Requested" in [decision["reason"] for decision in status["decisions"]]
        assert status["lastHandledRequest"]["result"] == "Accepted"
    assert shop.hotfix("status", "fix", "--wait", "--timeout", "10s")


def test_a_person_rolls_back(shop: Stories) -> None:
    shop.open(stable="sample:good", patched="sample:1.1")
    with shop.story("RolledBack", rate=40):
        on_its_way(shop)
        shop.hotfix("rollback", "fix")
        assert shop.weights().get("checkout-hotfix", 0) == 0
        assert shop.status()["why"] == "Requested"


def test_a_pause_outlives_its_annotation(shop: Stories) -> None:
    """Flux and Argo CD take away what is not in git; a request is kept in the status."""
    shop.open()
    with shop.story("Promoted"):
        on_its_way(shop)
        shop.hotfix("pause", "fix")
        shop.kubectl("annotate", "hfr", "fix", "hotfix-operator.dev/request-", "--field-manager=kustomize-controller")
        shop.held("Paused", seconds=10)
        shop.cluster.until(lambda: shop.conditions().get("Paused") is not None, "the condition says so")
        assert shop.weights()["checkout-hotfix"] == shop.weights()["checkout"] * 5 / 95
        shop.hotfix("resume", "fix")
        shop.edit(steps=[5, 50])
        shop.phase("Baking", seconds=120)


@pytest.mark.parametrize("verb", ["promote", "resume"])
def test_what_cannot_be_done_is_refused_with_the_reason_and_an_exit_code(shop: Stories, verb: str) -> None:
    shop.open()
    with shop.story("Promoted", but=everything_on_patched, served_by=("checkout-hotfix",)):
        shop.apply(rollout(promotion={"mode": "KeepPatched"}))
        shop.phase("Baking", seconds=120)
        with pytest.raises(AssertionError, match=r"past that|not paused"):
            shop.hotfix(verb, "fix")
        assert shop.status()["lastHandledRequest"]["result"] == "Refused"
