from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import Two


def p(s):
    print("\n".join(s.story()))


async def test_1_older_deleted_in_the_commit_that_makes_the_newer():
    s = Two(startWeight=25, steps=[25, 50])
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") == 25)
    s.hurry()
    s.api.delete("HotfixRollout", NAMESPACE, "fix")
    s.wake()
    s.least_stable.clear()

    async def go():
        await s.both(
            lambda s: s.phase("fix") == "RollingBack" or bool(s.state("second").get("supersedes", {}).get("yielded")), seconds=120
        )

    await go()
    s.requests.silent = False
    p(s)
    assert s.phase("fix") != "RollingBack"


async def test_1b_older_deleted_while_baking():
    s = Two(analysis={"bakeTime": "10m"})
    await s.both(lambda s: s.phase("fix") == "Baking")
    s.hurry()
    s.api.delete("HotfixRollout", NAMESPACE, "fix")
    s.wake()
    await s.both(
        lambda s: s.phase("fix") == "RollingBack" or bool(s.state("second").get("supersedes", {}).get("yielded")), seconds=120
    )
    p(s)
    assert s.phase("fix") != "RollingBack"


async def test_2_newer_never_ready():
    s = Two(startWeight=25, steps=[25, 50], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") == 25)
    s.controllers.never_ready.add("sample:never")
    s.hurry("sample:never")
    s.least_stable.clear()
    await s.both(lambda s: s.phase("second") == "RolledBack" or s.share("checkout-hotfix") < 25, seconds=1000)
    p(s)
    assert s.share("checkout-hotfix") == 25
    assert max(s.least_stable) <= 75


async def test_2b_newer_deleted_while_its_pods_start():
    s = Two(startWeight=25, steps=[25, 50], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") == 25)
    s.controllers.never_ready.add("sample:never")
    s.hurry("sample:never")
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")
    s.least_stable.clear()
    s.api.delete("HotfixRollout", NAMESPACE, "second")
    s.wake()
    await s.both(lambda s: not s.of("second") or s.share("checkout-hotfix") < 25, seconds=1000)
    p(s)
    assert s.share("checkout-hotfix") == 25


async def test_4_let_go():
    s = Two(startWeight=25, steps=[25, 50], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    s.hurry()
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.api.edit("HotfixRollout", NAMESPACE, "second", [{"op": "add", "path": "/spec/paused", "value": True}])
    s.wake()
    n = s.clock.now() + 300
    await s.both(lambda s: s.clock.now() > n)
    p(s)
    assert not s.state("fix").get("supersededBy")
