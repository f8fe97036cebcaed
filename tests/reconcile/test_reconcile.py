"""The one imperative path: saved before acted, conflicts drop a look, what cannot be read is said, crashes change no ending."""

import asyncio
import gc
import itertools

import pytest

from hotfix.adapters.announcer import TIMEOUT_SECONDS
from hotfix.adapters.webhook import Told, Webhook
from hotfix.errors import Conflict, OutsideError, Refused, Unavailable
from tests.e2e.shop import rollout

from .shop import INTERVAL, KEY, NAMESPACE, Shop


def ended(shop: Shop) -> bool:
    """The rollout is over and everything of it has been done."""
    held = shop.api.read("HotfixRollout", NAMESPACE, "fix")["metadata"].get("finalizers")
    return shop.status.get("phase") in ("Promoted", "RolledBack") and not held


def told(shop: Shop) -> bool:
    """It is over, and all of it was told."""
    decisions = shop.status.get("decisions") or [{}]
    return ended(shop) and shop.status.get("announced") == decisions[-1].get("sequence")


POINTS = 8  # of all calls of a rollout, evenly spread; each is a whole rollout with a crash in it


class Stop(BaseException):
    """The process dies here."""


async def test_a_good_hotfix_is_promoted_through_the_real_adapters() -> None:
    shop = await Shop().run(ended)
    assert shop.ending()["phase"] == "Promoted"
    assert shop.ending()["stable"] == "sample:1.1"
    assert shop.weights == {"checkout": 1}
    assert not shop.ending()["ours"]


async def test_events_without_an_answer_keep_traffic_waiting_now_and_then_and_are_told_afterwards() -> None:
    quick, shop, tries = Shop(patched="sample:crash"), Shop(patched="sample:crash"), list[float]()
    await quick.run(ended)

    def hang(method: str, url: str) -> None:
        if method == "POST" and url.endswith("/events"):
            tries.append(shop.clock.monotonic())
            shop.clock.advance(TIMEOUT_SECONDS)
            raise Unavailable("no answer")

    shop.kube.before = hang
    await shop.run(ended)
    assert 0 < len(tries) <= 5
    assert all(later - earlier > TIMEOUT_SECONDS for earlier, later in itertools.pairwise(tries))
    slower = shop.clock.monotonic() - quick.clock.monotonic()
    assert slower < TIMEOUT_SECONDS * len(tries) + 2 * INTERVAL
    shop.kube.before = lambda method, url: None
    await shop.run(told)
    assert shop.ending() == quick.ending()
    assert len(list(shop.api.every("Event", NAMESPACE))) == shop.status["announced"]


async def test_one_that_is_made_anew_under_the_same_name_is_told_of_from_its_beginning() -> None:
    shop = await Shop(patched="sample:crash").run(told)
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    anew = rollout("fix")
    shop.api.apply({**anew, "metadata": {**anew["metadata"], "namespace": NAMESPACE}})
    uid = shop.api.read("HotfixRollout", NAMESPACE, "fix")["metadata"]["uid"]
    shop.controllers.step()
    await shop.run(told)
    found = [event["metadata"]["name"] for event in shop.api.every("Event", NAMESPACE) if event["regarding"]["uid"] == uid]
    assert sorted(int(name.rsplit(".", 1)[-1]) for name in found) == list(range(1, shop.status["announced"] + 1))


@pytest.mark.parametrize("kept", [{}, {"phase": "Analyzing", "stage": "nonsense"}], ids=["taken away", "not to be read"])
async def test_what_is_decided_after_a_status_is_lost_is_told_although_it_is_numbered_anew(kept: dict[str, str]) -> None:
    shop = await Shop(traffic={"drain": "0s"}).run(lambda shop: shop.status.get("acknowledgedWeight") == 5)
    before = len(list(shop.api.every("Event", NAMESPACE)))
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", kept)
    for _ in range(3):
        await shop.reconciler.reconcile(KEY)
    value = {"hotfix-operator.dev/request": "release:1"}
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "add", "path": "/metadata/annotations", "value": value}])
    await shop.run(told)
    reasons = [event["reason"] for event in shop.api.every("Event", NAMESPACE)][before:]
    assert sorted(reasons) == sorted(decision["reason"] for decision in shop.status["decisions"])
    assert "RolledBack" in reasons


async def test_the_intention_is_stored_before_anything_is_done() -> None:
    shop = Shop()
    order: list[str] = []
    shop.kube.before = lambda method, url: order.append(url) if method == "PATCH" else None
    await shop.run(ended)
    route = next(index for index, url in enumerate(order) if "httproutes" in url)
    assert any(url.endswith("/status") for url in order[:route])
    assert order[0].endswith("/status")


async def test_a_conflict_while_saving_drops_the_look_and_nothing_is_done() -> None:
    shop = await Shop().run(lambda s: s.status.get("stage") == "Adopting")
    written = len(shop.api.writes)

    def rival(method: str, url: str) -> None:
        if method == "PATCH":
            raise Conflict("somebody wrote first")

    shop.kube.before = rival
    shop.advance(5)
    with pytest.raises(Conflict):
        await shop.reconciler.reconcile(KEY)
    assert len(shop.api.writes) == written


async def test_a_look_that_is_broken_off_leaves_nothing_that_was_begun() -> None:
    shop = await Shop().run(lambda s: s.status.get("phase") == "Analyzing")
    for turns in range(12):
        look = asyncio.create_task(shop.reconciler.reconcile(KEY))
        for _ in range(turns):
            await asyncio.sleep(0)
        look.cancel()
        await asyncio.wait({look})
    gc.collect()  # what was never awaited is told by now, which is an error here
    assert shop.status["phase"] == "Analyzing"


async def test_an_api_server_that_does_not_answer_is_not_taken_for_anything() -> None:
    shop = await Shop().run(lambda s: s.status.get("phase") == "Analyzing")
    weights = shop.weights

    def silent(method: str, url: str) -> None:
        if "hotfixrollouts" not in url:
            raise Unavailable("no answer")

    shop.kube.before = silent
    await shop.run(lambda s: s.status.get("held") == "ClusterUnavailable", seconds=30)
    assert shop.weights == weights


async def test_a_manifest_that_cannot_be_read_is_said_and_nothing_begins() -> None:
    shop = Shop(steps=["nonsense"])
    assert await shop.reconciler.reconcile(KEY) == 30.0
    assert {c["type"]: c["reason"] for c in shop.status["conditions"]}["Stalled"] == "InvalidSpec"
    assert "steps" in shop.status["message"]
    began = shop.clock.now()
    shop.advance(60)
    await shop.reconciler.reconcile(KEY)
    (first, since), again = shop.refusals
    assert first == "InvalidSpec"
    assert since == pytest.approx(began, abs=1), "since when, and not since the last look"
    assert again == (first, since)


async def unreadable(image: str = "sample:1.1") -> Shop:
    """Traffic has moved, and then the manifest can be read no more."""
    shop = await Shop(image, startWeight=10, steps=[10, 50]).run(lambda s: s.status.get("acknowledgedWeight") == 10)
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "add", "path": "/spec/steps", "value": ["nonsense"]}])
    return await shop.run(lambda s: s.status.get("held") == "InvalidSpec", seconds=30)


async def test_a_manifest_that_cannot_be_read_any_more_holds_the_weight_until_it_can_be() -> None:
    shop = await unreadable()
    assert {c["type"]: c["reason"] for c in shop.status["conditions"]}["Stalled"] == "InvalidSpec"
    assert "steps" in shop.status["message"]
    end = shop.clock.now() + 120
    await shop.run(lambda s: s.clock.now() >= end)
    assert (shop.status["weight"], shop.status["phase"]) == (10, "Analyzing")
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "replace", "path": "/spec/steps", "value": [10, 50]}])
    await shop.run(ended)
    assert shop.status["phase"] == "Promoted"


async def test_the_web_hook_is_told_how_a_rollout_ends_whose_manifest_cannot_be_read() -> None:
    shop = await unreadable()
    hook, told = Webhook(url="http://hook", secret_file=None, now=shop.clock.now, given_up=lambda: None), []
    hook.put = told.append  # type: ignore[method-assign]
    shop.reconciler._announcer = Told(shop.reconciler._announcer, hook)
    shop.requests.errors["checkout-hotfix"] = 1.0
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    await shop.run(lambda s: s.gone)
    assert [event["data"]["phase"] for event in told] == ["RollingBack", "RolledBack"]


async def test_the_guards_stay_armed_while_the_manifest_cannot_be_read() -> None:
    shop = await unreadable()
    shop.controllers.crashing.add("sample:1.1")
    for pod in list(shop.api.every("Pod", NAMESPACE)):
        shop.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    shop.controllers.step()
    await shop.run(ended, seconds=300)
    assert (shop.status["phase"], shop.weights) == ("RolledBack", {"checkout": 1})


@pytest.mark.parametrize("verb", ["release", "rollback"])
async def test_a_person_can_end_one_whose_manifest_cannot_be_read(verb: str) -> None:
    shop = await unreadable()
    request = {"hotfix-operator.dev/request": f"{verb}:1"}
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "add", "path": "/metadata/annotations", "value": request}])
    await shop.run(ended, seconds=300)
    assert (shop.status["phase"], shop.weights) == ("RolledBack", {"checkout": 1})


async def test_one_whose_manifest_cannot_be_read_can_be_deleted() -> None:
    shop = await unreadable()
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    await shop.run(lambda s: s.gone, seconds=300)
    assert shop.weights == {"checkout": 1}


@pytest.mark.parametrize("answer", [Refused("no such right", reason="Forbidden"), Unavailable("no answer")])
async def test_a_version_that_cannot_be_moved_on_is_tried_again_only_where_that_may_help(answer: OutsideError) -> None:
    shop = await Shop().run(lambda s: s.status.get("stage") == "Adopting")
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    tries: list[str] = []

    def refused(method: str, url: str) -> None:
        if method == "PATCH" and url.endswith("/deployments/checkout-hotfix") and len(tries) < 3:
            tries.append(url)
            raise answer

    shop.kube.before = refused
    await shop.run(lambda s: s.gone, seconds=60)
    assert len(tries) == (1 if isinstance(answer, Refused) else 3)


async def test_a_rollout_that_is_gone_is_forgotten() -> None:
    shop = Shop()
    shop.api.delete("HotfixRollout", NAMESPACE, "fix")
    assert await shop.reconciler.reconcile(KEY) is None
    assert shop.gone


async def test_a_route_that_cannot_be_given_back_keeps_the_finalizer() -> None:
    shop = await Shop("sample:crash").run(lambda s: s.status.get("stage") == "DrainingPatched")

    def refuse(method: str, url: str) -> None:
        if method == "PATCH" and "httproutes" in url:
            raise Unavailable("no")

    shop.kube.before = refuse
    for _ in range(40):
        try:
            await shop.reconciler.reconcile(KEY)
        except Unavailable:
            shop.advance(1)
        shop.advance(1)
    assert shop.api.read("HotfixRollout", NAMESPACE, "fix")["metadata"]["finalizers"]
    shop.kube.before = lambda method, url: None
    await shop.run(ended)
    assert shop.weights == {"checkout": 1}


async def calls(patched: str) -> int:
    """How many calls to the API server a whole rollout makes."""
    shop = await Shop(patched).run(ended)
    return len(shop.api.requests)


@pytest.mark.parametrize("lost", [False, True], ids=["refused", "done but the answer lost"])
@pytest.mark.parametrize("patched", ["sample:1.1", "sample:crash"])
async def test_a_crash_at_any_call_comes_to_the_same_end(patched: str, lost: bool) -> None:
    expected = (await Shop(patched).run(ended)).ending()
    total = await calls(patched)
    for number in range(0, total, total // POINTS):
        shop, seen = Shop(patched), 0

        def dies(method: str, url: str, number: int = number) -> None:
            nonlocal seen
            seen += 1
            if seen == number + 1:
                raise Stop

        setattr(shop.kube, "after" if lost else "before", dies)
        try:
            await shop.run(ended)
        except Stop:
            shop.restart()
        else:
            raise AssertionError(f"call {number} was never made")
        await shop.run(ended)
        assert shop.ending() == expected, f"after a crash at call {number}"
