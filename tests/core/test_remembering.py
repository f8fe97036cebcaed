"""A judgement is made anew when anything that it rests on changed, and only then."""

import pytest

from hotfix.core import remembering
from hotfix.core.remembering import judged_anew_or_remembered as judged

from .made import START, counter, side, terms, view

GROWING = [float(100 * place) for place in range(9)]
ROLLOUT = ("shop", "fix")


def seen() -> remembering.MetricsView:
    return view(side([counter("p|a", GROWING)]), side([counter("s|a", GROWING)]), 8)


def test_the_same_counters_under_the_same_terms_are_judged_once() -> None:
    counters = seen()
    first = judged(ROLLOUT, counters, (), terms(), swapped=False)
    assert judged(ROLLOUT, counters, (), terms(now=START + 9000), swapped=False)[0] is first[0]
    assert judged(ROLLOUT, seen(), (), terms(), swapped=False)[0] is not first[0]


@pytest.mark.parametrize(
    "changed", [{"weight": 25}, {"spans": ((START, START + 20.0),)}, {"swapped": True}], ids=["weight", "spans", "sides"]
)
def test_whatever_else_changed_is_judged_anew(changed: dict[str, object]) -> None:
    counters = seen()
    first = judged(ROLLOUT, counters, (), terms(), swapped=False)[0]
    spans = changed.get("spans", ())
    weight = changed.get("weight", terms().weight)
    again = judged(ROLLOUT, counters, spans, terms(weight=weight), swapped=bool(changed.get("swapped")))[0]  # type: ignore[arg-type]
    assert again is not first


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "REMEMBERED", 2)
    remembering._remembered.clear()
    counters = [seen() for _ in range(3)]
    first = [judged(("shop", str(place)), one, (), terms(), swapped=False)[0] for place, one in enumerate(counters)]
    assert [name for _, name in remembering._remembered] == ["1", "2"]
    assert judged(("shop", "2"), counters[2], (), terms(), swapped=False)[0] is first[2]
    assert judged(("shop", "0"), counters[0], (), terms(), swapped=False)[0] is not first[0]
