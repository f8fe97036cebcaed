"""The terms of a judgement, as they follow from manifest and memory."""

import pytest

from hotfix.core import moments
from hotfix.core.counting import Counter
from hotfix.core.look import Look
from hotfix.core.observation import Observation
from hotfix.core.spec import parse
from hotfix.core.status import Baseline, Phase, Stage, Status
from hotfix.core.terms import terms_of
from tests.core.made import START

BASELINE = Baseline(
    rates={"bad": "0.05"},
    sigma2={"bad": "1e-05"},
    slow_bound="",
    interval_seconds=5,
    late_blocks=720,
    stable_template="a",
    patched_template="b",
    stable_pods=6,
)


def look(analysis=None, **status):
    """A look 60 s after a start that fell between two scrapes."""
    began = moments.rfc3339(START + 2)
    values = {
        "phase": Phase.ANALYZING,
        "stage": Stage.SHIFTING,
        "weight": 5,
        "started_at": began,
        "evidence_from": began,
        "phase_started_at": began,
        "acknowledged_weight": 5,
        "acknowledged_at": began,
        "baseline": BASELINE,
    }
    spec = parse({"stable": {"deployment": "a"}, "patched": {"deployment": "b"}, "analysis": analysis or {}})
    return Look(spec, Status(**{**values, **status}), Observation(now=START + 60, generation=1, deleting=False, finalizer=True))


def test_shares_of_the_manifest_become_numbers():
    terms = terms_of(
        look({"maxErrorRateIncrease": "1%", "maxUserImpact": "3%", "risk": {"falseRollback": "2%", "falsePromotion": "10%"}})
    )
    assert (terms.delta, terms.tau, terms.max_impact) == (0.01, 0.002, 0.03)
    assert (terms.rollback_level, terms.beta) == (0.02, 0.1)
    assert (terms.rate(Counter.BAD), terms.sigma2, terms.late_blocks) == (0.05, ((Counter.BAD, 1e-5),), 720)
    assert terms.interval_seconds == 5.0
    assert terms.ramp_weights == (1, 5, 25, 50)


def test_the_block_in_which_traffic_begins_is_judged():
    assert terms_of(look()).evidence_from == START


def test_after_a_version_change_no_block_with_old_requests_is_judged():
    terms = terms_of(look(evidence_from=moments.rfc3339(START + 31)))
    assert terms.evidence_from == START + 36
    assert terms.warm_until == START + 61


def test_with_the_sides_swapped_stable_is_judged_from_its_first_requests_at_its_own_share():
    returning = look(phase=Phase.PROMOTING, stage=Stage.RETURNING, weight=95, evidence_from=moments.rfc3339(START + 31))
    terms = terms_of(returning, swapped=True)
    assert (terms.weight, terms.share, terms.evidence_from) == (5, 0.05, START + 30)


@pytest.mark.parametrize("weight", [0, 100])
def test_where_one_side_gets_nothing_there_is_no_share(weight):
    assert terms_of(look(weight=weight)).share is None


def test_the_weight_counts_from_its_acknowledgement_and_settling():
    assert terms_of(look()).weight_since == START + 3
    assert terms_of(look(acknowledged_weight=1)).weight_since is None


def test_a_bake_counts_from_its_phase_and_then_from_what_was_counted():
    assert terms_of(look()).bake_from is None
    baking = {"phase": Phase.BAKING, "phase_started_at": moments.rfc3339(START + 40)}
    assert terms_of(look(**baking)).bake_from == START + 40
    assert terms_of(look(**baking, baked_until=moments.rfc3339(START + 55))).bake_from == START + 55


def test_without_a_moment_evidence_begins_now():
    assert terms_of(look(evidence_from=None, started_at=None)).evidence_from == START + 60
