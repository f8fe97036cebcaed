from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import Two


def p(s):
    print("\n".join(s.story()))


async def until(s, seconds):
    t = s.clock.now() + seconds
    await s.both(lambda s: s.clock.now() >= t)


async def test_31_older_goes_bad_while_newer_is_analysed():
    s = Two(startWeight=50, steps=[50], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    s.requests.silent = True
    s.hurry(startWeight=1, steps=[1], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.share("checkout-second") > 0)
    s.requests.errors["checkout-hotfix"] = 1.0
    t0 = s.clock.now()
    await s.both(lambda s: s.share("checkout-hotfix") == 0)
    p(s)
    print("seconds with half of all requests failing:", s.clock.now() - t0)
    assert s.clock.now() - t0 < 30


async def test_2c_for_how_long():
    s = Two(startWeight=25, steps=[25, 50])
    await s.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") == 25)
    s.requests.silent = True
    s.controllers.never_ready.add("sample:never")
    s.hurry("sample:never")
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")
    s.api.delete("HotfixRollout", NAMESPACE, "second")
    s.wake()
    s.requests.silent = False
    await until(s, 1700)
    p(s)
    assert s.phase("fix") == "Promoted"


async def test_32_never_ready_control_awaitgit():
    s = Two(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.controllers.never_ready.add("sample:never")
    s.hurry("sample:never")
    s.least_stable.clear()
    await s.both(lambda s: s.phase("second") == "RolledBack")
    await until(s, 60)
    p(s)
    r = s.api.read("HTTPRoute", NAMESPACE, "checkout")
    print(r["metadata"].get("annotations"), s.weights, max(s.least_stable))
    assert s.share("checkout-hotfix") == 100 and s.state("fix").get("held") is None
