"""`kubectl hotfix release` on an API server in memory: with an operator, without one, and where it cannot come to an end."""

import asyncio
import contextlib

import pytest

from hotfix.adapters.store import FINALIZER
from hotfix.cli import release
from hotfix.cli.release import Release
from hotfix.errors import Conflict, NotFound, Refused, Unavailable
from hotfix.ports import Key
from tests.fakes.clock import FakeClock
from tests.reconcile.shop import KEY, NAMESPACE, Shop
from tests.reconcile.two import NEWER, OLDER, SLOWLY, WAITS, Two


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(release, "OPERATOR_SECONDS", 0.2)
    monkeypatch.setattr(release, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(release, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(release, "SILENT_SECONDS", 0.5)
    monkeypatch.setattr(release, "UNAVAILABLE_SECONDS", 0.05)


async def analyzing() -> Shop:
    return await Shop(traffic={"drain": "0s"}).run(lambda shop: shop.status.get("acknowledgedWeight") == 5)


async def a_control() -> Two:
    """The older one waits for git with all that stable has not, and a newer one is judged against it."""
    shop = Two(promotion=WAITS, traffic={"drain": "0s"})
    await shop.both(lambda shop: shop.phase("fix") == "AwaitingGit")
    shop.hurry(**SLOWLY, promotion=WAITS, traffic={"drain": "0s"})
    await shop.both(lambda shop: shop.phase("second") == "Analyzing" and shop.share("checkout-second") > 0)
    shop.requests.silent = True
    return shop


def finalizers(shop: Shop, name: str = "fix") -> list[str]:
    return shop.api.read("HotfixRollout", NAMESPACE, name)["metadata"].get("finalizers") or []


async def operator(shop: Shop) -> None:
    """One that runs until it has let go; a look that somebody else's write came before is dropped."""
    while finalizers(shop):
        with contextlib.suppress(Conflict):
            await shop.reconciler.reconcile(KEY)
        shop.advance(1)
        await asyncio.sleep(0.01)


async def released(shop: Shop, said: list[str], *, key: Key = KEY, timeout_seconds: float = 20.0) -> str:
    """Run it while the cluster's controllers work."""

    async def controllers() -> None:
        while True:
            shop.controllers.step()
            await asyncio.sleep(0.02)

    working = asyncio.create_task(controllers())
    try:
        return await Release(shop.kube, key, said.append).run(timeout_seconds)
    finally:
        working.cancel()


async def test_without_an_operator_it_is_done_from_here(quick: None) -> None:
    shop, said = await analyzing(), list[str]()
    # its moments are those of the wall clock; the shop's are in the future, as those of a clock that was put back
    await released(shop, said)
    assert shop.weights == {"checkout": 1}
    assert finalizers(shop) == []
    assert shop.status["why"] == "Released"
    assert not shop.ending()["ours"]
    assert "No operator takes it up; it is done from here." in said


async def test_an_operator_that_runs_does_it(quick: None) -> None:
    shop, said = await analyzing(), list[str]()

    working = asyncio.create_task(operator(shop))
    sentence = await released(shop, said)
    await working
    assert "released" in sentence.lower()
    assert "No operator takes it up; it is done from here." not in said


async def test_a_request_that_a_gitops_tool_takes_away_is_written_again(quick: None) -> None:
    shop, said, taken = await analyzing(), list[str](), list[str]()

    def take_away(method: str, url: str) -> None:
        if method == "PATCH" and url.endswith("/hotfixrollouts/fix") and not taken:
            taken.append(url)
            shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "replace", "path": "/metadata/annotations", "value": {}}])

    shop.kube.after = take_away
    await released(shop, said)
    assert taken
    assert shop.status["why"] == "Released"


async def test_an_operator_that_goes_on_with_it_is_left_to_it_however_long_it_takes(quick: None) -> None:
    """Also where it was on its way back already, for a reason of its own."""
    shop, said, clock, seen = await analyzing(), list[str](), FakeClock(), list[str]()
    release = Release(shop.kube, KEY, said.append)
    release._clock = clock  # type: ignore[assignment]

    def operator(method: str, url: str) -> None:
        rollout = shop.api.read("HotfixRollout", NAMESPACE, "fix")
        asked = (rollout["metadata"].get("annotations") or {}).get("hotfix-operator.dev/request")
        if asked is None:
            return
        clock.advance(60)
        seen.append(asked)
        status = {"why": "PatchedWorse", "lastHandledRequest": {"request": asked, "result": "Waiting"}, "weight": 9 - len(seen)}
        if len(seen) == 4:
            status["stage"] = "Done"
            shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "remove", "path": "/metadata/finalizers"}])
        shop.api.set_status("HotfixRollout", NAMESPACE, "fix", status)

    shop.kube.after = operator
    await release.run(20.0)
    assert said == ["Patched gets 5 %; waiting for counts at this weight."]
    assert len(set(seen)) == 1


async def test_it_can_be_asked_again_after_it_was_broken_off(quick: None) -> None:
    shop, first, again = await analyzing(), list[str](), list[str]()
    shop.controllers.deaf.add("checkout")  # nobody confirms weight 0
    with pytest.raises(Unavailable, match="Not released within"):
        await released(shop, first, timeout_seconds=1.5)
    assert (shop.status["why"], finalizers(shop)) == ("Released", [FINALIZER])
    shop.controllers.deaf.clear()
    await released(shop, again)
    assert finalizers(shop) == []
    assert "No operator goes on with it; it is done from here." in again


async def test_an_operator_that_took_it_up_and_is_gone_does_not_leave_it_undone(quick: None) -> None:
    shop, said = await analyzing(), list[str]()

    async def until_it_is_taken_up() -> None:
        while shop.status.get("why") != "Released":
            with contextlib.suppress(Conflict):
                await shop.reconciler.reconcile(KEY)
            shop.advance(1)
            await asyncio.sleep(0.01)

    running = asyncio.create_task(until_it_is_taken_up())
    await released(shop, said)
    await running
    assert finalizers(shop) == []
    assert "No operator goes on with it; it is done from here." in said


async def test_an_answer_that_does_not_come_is_asked_for_again(quick: None) -> None:
    shop, said, gone = await analyzing(), list[str](), list[str]()

    def away(method: str, url: str) -> None:
        if url.endswith("/fix") and len(gone) < 3:
            gone.append(method)
            raise Unavailable("The API server does not answer")

    release_ = asyncio.create_task(released(shop, said))
    await asyncio.sleep(0.1)
    shop.kube.before = away
    await release_
    assert finalizers(shop) == []
    assert len(gone) == 3
    assert "The API server does not answer" in said


REFUSAL = "HotfixRollout second is judged against it; end that one first"


@pytest.mark.parametrize("runs", [False, True], ids=["from here", "by an operator"])
async def test_a_refusal_is_told_at_once(quick: None, monkeypatch: pytest.MonkeyPatch, runs: bool) -> None:
    shop, said = await a_control(), list[str]()
    weights = shop.weights
    if runs:
        monkeypatch.setattr(release, "OPERATOR_SECONDS", 20.0)
        working = asyncio.create_task(operator(shop))
    with pytest.raises(Refused, match=REFUSAL):
        await released(shop, said, timeout_seconds=5.0)
    if runs:
        working.cancel()
    assert ("No operator takes it up; it is done from here." in said) is not runs
    assert shop.state("fix")["lastHandledRequest"]["result"] == "Refused"
    assert (shop.phase("fix"), shop.weights) == ("AwaitingGit", weights)


async def test_of_two_the_newer_goes_first_and_then_the_older_also_without_an_operator(quick: None) -> None:
    shop, said = await a_control(), list[str]()
    with pytest.raises(Refused, match=REFUSAL):
        await released(shop, said)
    for key in (NEWER, OLDER):
        await released(shop, said, key=key)
        assert finalizers(shop, key.name) == []
    assert shop.weights == {"checkout": 1}


async def test_a_refusal_because_it_has_ended_is_no_reason_to_leave_the_finalizer(quick: None) -> None:
    """An operator wrote the end, refused what came after it, and died before it took the finalizer off."""
    shop, said = await analyzing(), list[str]()
    working = asyncio.create_task(operator(shop))
    await released(shop, said)
    await working
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "add", "path": "/metadata/finalizers", "value": [FINALIZER]}])
    status, answered = shop.status, list[str]()

    def refuse(method: str, url: str) -> None:
        asked = shop.api.read("HotfixRollout", NAMESPACE, "fix")["metadata"]["annotations"]["hotfix-operator.dev/request"]
        if asked != status["lastHandledRequest"]["request"] and not answered:
            answered.append(asked)
            refused = {"request": asked, "result": "Refused", "time": "2030-01-01T00:00:00Z"}
            shop.api.set_status("HotfixRollout", NAMESPACE, "fix", {**status, "lastHandledRequest": refused})

    shop.kube.after = refuse
    await released(shop, said)
    assert answered
    assert finalizers(shop) == []


async def test_what_does_not_exist_is_said() -> None:
    with pytest.raises(NotFound, match="There is no HotfixRollout none in namespace shop"):
        await Release(Shop().kube, Key(NAMESPACE, "none"), print).run(1.0)


async def test_what_does_not_come_to_an_end_is_said_in_time(quick: None) -> None:
    shop, said = await analyzing(), list[str]()
    shop.controllers.deaf.add("checkout")
    with pytest.raises(Unavailable, match="Not released within 1 s"):
        await released(shop, said, timeout_seconds=1.0)
    assert shop.weights["checkout-hotfix"] == 0, "traffic is away all the same"


@pytest.mark.parametrize("kept", [{}, {"phase": "Analyzing", "stage": "nonsense"}], ids=["taken away", "not to be read"])
@pytest.mark.parametrize("runs", [False, True], ids=["from here", "by an operator"])
async def test_a_status_that_is_lost_is_no_obstacle(
    quick: None, monkeypatch: pytest.MonkeyPatch, kept: dict[str, str], runs: bool
) -> None:
    shop, said = await analyzing(), list[str]()
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", kept)

    if runs:
        monkeypatch.setattr(release, "OPERATOR_SECONDS", 20.0)
        working = asyncio.create_task(operator(shop))
        await released(shop, said)
        await working
    else:
        await released(shop, said)
    assert ("No operator takes it up; it is done from here." in said) is not runs
    assert shop.weights == {"checkout": 100, "checkout-hotfix": 0}
    assert finalizers(shop) == []
    assert (shop.status["phase"], shop.status["why"], shop.ending()["ours"]) == ("RolledBack", "Released", False)


@pytest.mark.parametrize(("kept", "reason"), [({}, "MemoryLost"), ({"phase": "Analyzing", "stage": "nonsense"}, "InvalidStatus")])
async def test_before_that_nothing_is_done_and_the_way_out_is_said(kept: dict[str, str], reason: str) -> None:
    shop = await analyzing()
    weights = shop.weights
    shop.api.set_status("HotfixRollout", NAMESPACE, "fix", kept)
    for _ in range(3):
        await shop.reconciler.reconcile(KEY)
        shop.advance(5)
    stalled = next(entry for entry in shop.status["conditions"] if entry["type"] == "Stalled")
    assert (stalled["reason"], shop.weights, finalizers(shop) != []) == (reason, weights, True)
    assert "release" in stalled["message"]
