"""`kubectl hotfix promote` and its like: what is written, and every answer to it; time is a number."""

import re

import pytest

from hotfix.cli.following import Follower, Pace
from hotfix.cli.requesting import Request, ask
from hotfix.errors import NotFound, Refused, Unavailable
from tests.reconcile.shop import KEY, Shop

from .patience import PLACE, Patience, both, ended, nothing


async def asked(patience: Patience, verb: str = "promote", *, timeout_seconds: float = 60.0) -> str:
    return await ask(Request(patience.kube, verb), patience.follower(), patience.said.append, timeout_seconds)


async def test_a_request_is_an_annotation_with_a_token_of_its_own_under_the_manager_that_gitops_leaves_alone() -> None:
    tokens = set()
    for verb in ("promote", "retry-same"):
        patience = Patience()
        await asked(patience.then(patience.answers("Accepted", "Patched gets 95 %.")), verb)
        assert re.fullmatch(rf"{verb}:[0-9a-f]{{8}}", patience.asked or "")
        assert patience.kube.managers == ["hotfix-cli"], "Flux takes away what managers wrote whose names begin with kubectl"
        tokens.add((patience.asked or "").partition(":")[2])
    assert len(tokens) == 2


async def test_what_is_accepted_is_told_in_the_operators_words() -> None:
    patience = Patience()
    patience.then(nothing, nothing, patience.answers("Accepted", "Baking at 95 %."))
    assert await asked(patience) == "Baking at 95 %."
    assert (patience.said, patience.noted, patience.times_asked) == ([], [], 1)


async def test_what_is_refused_is_an_error_with_the_operators_reason() -> None:
    patience = Patience()
    with pytest.raises(Refused, match="It has ended as RolledBack"):
        await asked(patience.then(patience.answers("Refused", "It has ended as RolledBack: patched was worse.")))


async def test_an_answer_without_a_word_is_one_all_the_same() -> None:
    patience = Patience()
    assert await asked(patience.then(patience.answers("Accepted"))) == "It is accepted."
    with pytest.raises(Refused, match="without a reason"):
        await asked(patience.then(patience.answers("Refused")))


async def test_what_is_waited_for_is_told_once() -> None:
    patience = Patience()
    waiting = [patience.answers("Waiting", f"{n} requests counted.") for n in (10, 20)]
    patience.then(patience.answers("Waiting"), *waiting, patience.answers("Accepted", "Baking."))
    assert await asked(patience) == "Baking."
    assert patience.said == ["Waiting: 10 requests counted."]


async def test_an_answer_to_somebody_elses_request_is_none() -> None:
    patience = Patience()
    patience.answers("Accepted", "Paused.", request="promote:00000000")()
    with pytest.raises(Unavailable, match="No operator answered within 1m"):
        await asked(patience)


async def test_a_request_that_vanished_unanswered_is_written_again_with_the_same_token() -> None:
    patience = Patience()
    seen: list[str | None] = []
    patience.then(lambda: seen.append(patience.asked), patience.annotate(None), nothing, lambda: seen.append(patience.asked))
    assert await asked(patience.then(patience.answers("Accepted", "Paused.")), "pause") == "Paused."
    assert patience.times_asked == 2
    assert seen[0] == seen[1] != None  # noqa: E711


async def test_a_request_that_was_taken_up_is_not_repeated_when_it_vanishes() -> None:
    patience = Patience()
    patience.then(patience.answers("Waiting", "Soon."), patience.annotate(None), nothing)
    with pytest.raises(Unavailable):
        await asked(patience, timeout_seconds=10)
    assert patience.asked is None
    assert patience.times_asked == 1


async def test_what_was_asked_earlier_gives_way_and_may_still_be_answered() -> None:
    patience = Patience()
    patience.annotate("promote:11111111")()
    late = patience.answers("Accepted", "Baking.", request="promote:11111111")
    patience.then(late, patience.annotate(None), nothing, nothing)
    assert await asked(patience.then(patience.answers("Accepted", "It goes back.")), "rollback") == "It goes back."
    assert patience.times_asked == 2, "what the earlier one overtook and GitOps took away is asked again"


async def test_a_later_request_of_somebody_else_is_not_overwritten() -> None:
    patience = Patience()
    with pytest.raises(Refused, match="Another request, pause:22222222, took the place of this one"):
        await asked(patience.then(nothing, patience.annotate("pause:22222222")))
    assert patience.asked == "pause:22222222"
    assert patience.times_asked == 1


@pytest.mark.parametrize("before", ["unanswered", "taken up"])
async def test_a_later_request_that_was_answered_ends_the_waiting_too(before: str) -> None:
    """Whether this one was answered in between cannot be told, so it is not repeated."""
    patience = Patience()
    if before == "taken up":
        patience.then(patience.answers("Waiting", "Soon."))
    patience.then(both(patience.annotate(None), patience.answers("Accepted", "Paused.", request="pause:22222222")))
    with pytest.raises(Refused, match="Another request, pause:22222222"):
        await asked(patience)
    assert patience.times_asked == 1


async def test_without_an_operator_it_says_so_in_time_and_how_to_go_back_without_one() -> None:
    patience = Patience()
    begun = patience.clock.now()
    with pytest.raises(Unavailable, match=r"^No operator answered within 10s; the request stays .* until one does\.$"):
        await asked(patience, timeout_seconds=10)
    assert patience.clock.now() - begun == 10
    with pytest.raises(Unavailable, match="`kubectl hotfix release fix -n shop` works without an operator"):
        await asked(patience, "rollback")


async def test_what_still_waits_when_the_time_is_over_is_not_called_unanswered() -> None:
    patience = Patience()
    with pytest.raises(Unavailable, match="took it up, and after 1m it still waits; it stays asked for: Too few requests"):
        await asked(patience.then(patience.answers("Waiting", "Too few requests.")), "rollback")


async def test_a_rollout_that_ended_meanwhile_unanswered_is_told() -> None:
    patience = Patience()
    with pytest.raises(Unavailable, match="The rollout has ended as Promoted: checkout has the fix"):
        await asked(patience.then(lambda: patience.status(**ended("True", "Promoted", "checkout has the fix."))))


async def test_what_does_not_exist_is_said_and_nothing_is_written() -> None:
    patience = Patience()
    patience.delete()
    with pytest.raises(NotFound, match="There is no HotfixRollout fix in namespace shop; `kubectl get hfr -n shop` lists them"):
        await asked(patience)
    assert patience.times_asked == 0


@pytest.mark.parametrize("how", ["delete", "replace"])
async def test_a_rollout_that_is_deleted_meanwhile_ends_the_waiting(how: str) -> None:
    patience = Patience()
    with pytest.raises(NotFound, match="fix is gone: it was deleted meanwhile"):
        await asked(patience.then(getattr(patience, how)))
    assert patience.times_asked == 1, "another one of that name is not asked"


async def test_an_api_server_that_is_silent_for_a_while_is_noted_once_each_time() -> None:
    patience = Patience()
    patience.then(patience.silent(), nothing, patience.back, patience.silent(), nothing, patience.back)
    assert await asked(patience.then(patience.answers("Accepted", "Paused."))) == "Paused."
    assert patience.noted == ["The API server does not answer to GET; still trying."] * 2


async def test_a_request_that_could_not_be_written_is_written_when_it_can_be() -> None:
    patience = Patience()
    patience.silent("PATCH")()
    patience.then(nothing, patience.back, nothing)
    assert await asked(patience.then(patience.answers("Accepted", "Paused."))) == "Paused."
    assert patience.noted == ["The API server does not answer to PATCH; still trying."]


async def test_an_api_server_that_does_not_answer_at_first_is_an_error_at_once() -> None:
    patience = Patience()
    patience.silent()()
    with pytest.raises(Unavailable, match=r"does not answer to GET$"):
        await asked(patience)


async def test_no_right_to_read_namespaces_is_needed_also_while_it_is_being_deleted() -> None:
    patience = Patience()
    patience.api.edit(*PLACE, [{"op": "add", "path": "/metadata/finalizers", "value": ["hotfix-operator.dev/traffic"]}])

    def refuse(method: str, url: str) -> None:
        if url == "/api/v1/namespaces/shop":
            raise Refused("namespaces is forbidden")

    patience.kube.before = refuse
    assert await asked(patience.then(patience.delete, patience.answers("Accepted", "It goes back."))) == "It goes back."


async def test_the_operator_itself_answers_as_is_expected_here() -> None:
    shop = await Shop(traffic={"drain": "0s"}).run(lambda shop: shop.status.get("acknowledgedWeight") == 5)

    async def looks(seconds: float) -> None:
        shop.advance(seconds)
        await shop.reconciler.reconcile(KEY)

    async def answer(verb: str) -> str:
        follower = Follower(shop.kube, KEY, print, Pace(shop.clock, looks))
        return await ask(Request(shop.kube, verb), follower, print, 60.0)

    assert "Paused at 5 %" in await answer("pause")
    with pytest.raises(Refused, match="Paused at 5 %"):
        await answer("promote")
    assert "5 %" in await answer("resume")
    with pytest.raises(Refused, match="Nothing waits"):
        await answer("acknowledge")
    assert await answer("rollback")
    assert shop.status["phase"] == "RollingBack"
