from tests.reconcile.shop import ERRORS, NAMESPACE
from tests.reconcile.two import Two


def p(s):
    print("\n".join(s.story()))


LONG = {"bakeTime": "20s", "deadline": "2h"}


async def analysed(rules=(), **kw):
    s = Two(startWeight=25, steps=[25, 50], **{"analysis": LONG, **kw})
    if rules:
        s.api.edit("HTTPRoute", NAMESPACE, "checkout", [{"op": "replace", "path": "/spec/rules", "value": rules}])
        s.controllers.step()
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") > 0)
    return s


async def until(s, seconds):
    t = s.clock.now() + seconds
    await s.both(lambda s: s.clock.now() >= t)


THIRD = [{"backendRefs": [{"name": "checkout", "port": 80, "weight": 1}, {"name": "legacy", "port": 80, "weight": 1}]}]


async def test_9_third_backend_newer_promoted():
    s = await analysed(THIRD)
    before = s.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]
    s.hurry(startWeight=1)
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.phase("second") == "Promoted")
    p(s)
    print(s.weights)
    assert s.weights == {"checkout": 1, "legacy": 1}


async def test_9b_third_backend_newer_rolled_back():
    s = await analysed(THIRD)
    s.hurry("sample:crash", startWeight=1)
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.phase("second") == "RolledBack" and s.phase("fix") == "Promoted")
    print(s.weights)
    assert s.weights == {"checkout": 1, "legacy": 1}


async def test_10_older_is_bad_and_frozen():
    ERRORS["sample:bad"] = 0.5
    s = Two("sample:bad", startWeight=25, steps=[25, 50], analysis=LONG)
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    await s.both(lambda s: s.share("checkout-hotfix") > 0)
    s.requests.silent = True
    s.hurry()
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.api.edit("HotfixRollout", NAMESPACE, "second", [{"op": "add", "path": "/spec/paused", "value": True}])
    s.requests.silent = False
    s.wake()
    await until(s, 600)
    p(s)
    assert s.phase("fix") in ("RollingBack", "RolledBack")


async def test_11_stable_dies_while_frozen_and_newer_waits_for_prometheus():
    s = await analysed()
    s.hurry()
    await s.both(lambda s: s.state("second").get("stage") == "Adopting")  # metrics are silent: it stays there
    s.controllers.crashing.add("sample:1.0")
    s.api.edit(
        "Deployment",
        NAMESPACE,
        "checkout",
        [{"op": "replace", "path": "/spec/template/spec/terminationGracePeriodSeconds", "value": 11}],
    )
    s.controllers.step()
    s.wake()
    await until(s, 300)
    p(s)
    assert s.share("checkout") == 0


async def test_14_stamps():
    s = await analysed()
    s.hurry("sample:crash", traffic={"drain": "60s"})
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.state("second").get("stage") == "DrainingPatched")
    n0 = len([w for w in s.api.writes if "httproutes" in w[1]])
    t0 = s.clock.now()
    await s.both(lambda s: s.state("second").get("stage") == "GivingBack", seconds=200)
    n1 = len([w for w in s.api.writes if "httproutes" in w[1]])
    print(n1 - n0, s.clock.now() - t0)
    p(s)
    assert n1 - n0 < 10


async def test_15_git_puts_its_route_back_while_both_live():
    s = await analysed()
    s.hurry()
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.share("checkout-second") > 0)
    before = dict(s.weights)
    s.api.edit(
        "HTTPRoute",
        NAMESPACE,
        "checkout",
        [{"op": "replace", "path": "/spec/rules", "value": [{"backendRefs": [{"name": "checkout", "port": 80, "weight": 1}]}]}],
        manager="argocd-controller",
    )
    s.controllers.step()
    s.wake()
    s.requests.silent = True
    await until(s, 30)
    p(s)
    print(before, s.weights)
    assert s.share("checkout-hotfix") == 25


async def test_16_older_waits_for_git_without_pods():
    s = Two(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.controllers.crashing.add("sample:1.1")
    s.api.edit(
        "Deployment",
        NAMESPACE,
        "checkout-hotfix",
        [{"op": "replace", "path": "/spec/template/spec/terminationGracePeriodSeconds", "value": 11}],
    )
    s.controllers.step()
    s.wake()
    await s.both(lambda s: s.share("checkout") == 100)
    s.hurry(promotion={"mode": "AwaitGit"})
    await until(s, 900)
    p(s)
    assert s.phase("second") != "Pending"
