from hotfix.errors import Unavailable
from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import NEWER, Two


def p(s):
    print("\n".join(s.story()))


LONG = {"bakeTime": "20s", "deadline": "2h"}


async def analysed(**kw):
    s = Two(startWeight=25, steps=[25, 50], **{"analysis": LONG, **kw})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") == 25)
    return s


async def until(s, seconds):
    t = s.clock.now() + seconds
    await s.both(lambda s: s.clock.now() >= t)


async def test_3_deadlock_by_a_third_that_waits():
    "alpha (newest, name sorts first) claims too; O looks only at alpha's claim, which is not ready"
    s = Two(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.hurry(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")
    s.hurry("sample:good2", name="alpha", promotion={"mode": "AwaitGit"})
    await until(s, 600)
    p(s)
    assert s.phase("second") != "Pending"


async def test_5_no_ack():
    "the older one's pods end although no controller has confirmed that it has no share"
    s = Two(startWeight=25, steps=[25, 50], traffic={"drain": "30s"})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.hurry(analysis={"bakeTime": "10m"})
    await s.both(lambda s: s.phase("second") == "Analyzing")
    s.controllers.deaf.add("checkout")

    # let acks so far be
    def ack_gen():
        r = s.api.read("HTTPRoute", NAMESPACE, "checkout")
        return r["metadata"]["generation"], r["status"]["parents"][0]["conditions"][0]["observedGeneration"]

    s.controllers.deaf.discard("checkout")
    orig = s._look

    async def look(key):
        await orig(key)
        if (s.state("second").get("supersedes") or {}).get("moved"):
            s.controllers.deaf.add("checkout")

    s._look = look
    await s.both(lambda s: bool((s.state("second").get("supersedes") or {}).get("moved")))
    await until(s, 60)
    p(s)
    print(ack_gen())
    g, o = ack_gen()
    assert o < g
    assert s.api.read("Deployment", NAMESPACE, "checkout-hotfix")["spec"]["replicas"] > 0


async def test_6_stable_dies_while_superseded_drains():
    s = Two(startWeight=25, steps=[25, 50], traffic={"drain": "30s"})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.hurry(analysis={"bakeTime": "10m"})
    await s.both(lambda s: s.phase("fix") == "Superseded")
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
    s.api.delete("HotfixRollout", NAMESPACE, "fix")
    s.wake()
    await until(s, 300)
    p(s)
    print(s.refusals[-1:])
    assert not s.of("fix")


async def test_7_failed_before_under_control():
    s = Two(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.hurry("sample:crash", promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("second") == "RolledBack")
    s.hurry("sample:crash", name="third", promotion={"mode": "AwaitGit"})
    await until(s, 60)
    p(s)
    assert s.state("third").get("held") == "FailedBefore"


async def test_8_hpa():
    s = Two(startWeight=25, steps=[25, 50], analysis=LONG)
    s.api.apply(
        {
            "kind": "HorizontalPodAutoscaler",
            "apiVersion": "autoscaling/v2",
            "metadata": {"name": "checkout", "namespace": NAMESPACE},
            "spec": {
                "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "checkout"},
                "minReplicas": 1,
                "maxReplicas": 5,
                "metrics": [],
            },
        }
    )
    floor = lambda: s.api.read("HorizontalPodAutoscaler", NAMESPACE, "checkout")["spec"]["minReplicas"]
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") == 25)
    assert floor() == 2
    s.hurry("sample:crash", analysis=LONG)
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    low = []
    orig = s._look

    async def look(key):
        await orig(key)
        low.append(floor())

    s._look = look
    await s.both(lambda s: s.phase("second") == "RolledBack")
    p(s)
    assert min(low) == 2, low


async def test_12_rivals_not_seen_while_deleted():
    s = await analysed()
    s.hurry()
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")

    def fault(method, path):
        if method == "GET" and path.split("?")[0].endswith("/hotfixrollouts"):
            raise Unavailable("timeout")

    s.kube.before = fault
    s.api.delete("HotfixRollout", NAMESPACE, "fix")
    s.wake()
    await until(s, 3)
    p(s)
    assert s.phase("fix") != "RollingBack"


async def test_13_rolled_back_right_after_moved():
    s = Two(startWeight=25, steps=[25, 50], traffic={"drain": "30s"})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.hurry(analysis={"bakeTime": "10m"})
    # a newer one that is rolled back in the very next look after the share moved (a person asks for it)
    orig = s._look

    async def look(key):
        await orig(key)
        if key == NEWER and (s.state("second").get("supersedes") or {}).get("moved") and s.phase("second") == "Baking":
            s.api.edit(
                "HotfixRollout",
                NAMESPACE,
                "second",
                [{"op": "add", "path": "/metadata/annotations", "value": {"hotfix-operator.dev/request": "rollback:1"}}],
            )
            await orig(key)

    s._look = look
    await s.both(lambda s: s.phase("second") in ("RollingBack", "RolledBack"))
    await until(s, 20)
    p(s)
    assert s.share("checkout-hotfix") >= 25
