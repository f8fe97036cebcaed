from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import Two


async def test_x():
    s = Two(startWeight=25, steps=[25, 50])
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") == 25)
    s.hurry()
    s.api.delete("HotfixRollout", NAMESPACE, "fix")
    s.wake()
    for i in range(12):
        t = s.clock.now() + 0.4
        await s.both(lambda s: s.clock.now() > t)
        print(
            s.clock.now(),
            s.state("fix").get("held"),
            s.state("fix").get("phase"),
            s.state("fix").get("message")[:80],
            "|",
            s.state("second").get("stage"),
            s.state("second").get("held"),
            (s.state("second").get("supersedes") or {}).get("ready"),
        )
    assert 0
