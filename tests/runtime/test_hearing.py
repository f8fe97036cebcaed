"""Which looks the changes of other objects ask for."""

from hotfix.adapters.store import ROLLOUTS
from hotfix.adapters.workloads import PODS
from hotfix.ports import Key
from hotfix.runtime.hearing import GATHERED_SECONDS, REMEMBERED, SPACED_SECONDS, Hearing

FIX, OTHER = Key("shop", "fix"), Key("shop", "other")


class Ears:
    """A Hearing, its clock, and what it asked for."""

    def __init__(self) -> None:
        self.now, self.due = 100.0, []
        self.about = {"checkout-7f": [FIX], None: [FIX, OTHER]}
        self.hearing = Hearing(lambda _, name: self.about.get(name, ()), self.add, lambda: self.now)

    def add(self, key: Key, *, after_seconds: float = 0.0) -> None:
        self.due.append((key, round(self.now + after_seconds - 100.0, 3)))

    def hear(self, name: str | None, at: float) -> None:
        self.now = 100.0 + at
        self.hearing.heard(PODS, "shop", name)


def test_a_rollout_that_was_changed_is_looked_at_at_once_each_time() -> None:
    ears = Ears()
    for _ in range(2):
        ears.hearing.heard(ROLLOUTS, "shop", "fix")
    assert ears.due == [(FIX, 0.0), (FIX, 0.0)]


def test_a_pod_that_changes_asks_for_a_look_at_the_rollouts_that_it_is_about_and_at_no_others() -> None:
    ears = Ears()
    ears.hear("checkout-7f", 0.0)
    ears.hear("cart-12", 1.0)
    assert ears.due == [(FIX, GATHERED_SECONDS)]


def test_a_crowd_of_changes_asks_for_one_look_soon_and_one_each_second_and_the_last_change_is_never_missed() -> None:
    ears = Ears()
    for tenth in range(31):
        ears.hear("checkout-7f", tenth / 10)
    assert [due for _, due in ears.due] == [GATHERED_SECONDS + number * SPACED_SECONDS for number in range(4)]
    assert ears.due[-1][1] >= 3.0


def test_when_a_watch_has_ended_every_rollout_of_the_namespace_is_looked_at() -> None:
    ears = Ears()
    ears.hear(None, 0.0)
    assert {key for key, _ in ears.due} == {FIX, OTHER}


def test_what_was_asked_for_long_ago_is_not_remembered() -> None:
    ears = Ears()
    for number in range(REMEMBERED + 10):
        ears.about[f"app-{number}"] = [Key("shop", f"fix-{number}")]
        ears.hear(f"app-{number}", 2.0 * number)
    assert len(ears.hearing._asked) <= 10
