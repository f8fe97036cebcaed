from tests.reconcile.shop import ERRORS, NAMESPACE
from tests.reconcile.two import Two


def p(s):
    print("\n".join(s.story()))


LONG = {"bakeTime": "20s", "deadline": "2h"}


async def analysed(**kw):
    s = Two(startWeight=25, steps=[25, 50], **{"analysis": LONG, **kw})
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    await s.both(lambda s: s.share("checkout-hotfix") > 0)
    return s


async def until(s, seconds):
    t = s.clock.now() + seconds
    await s.both(lambda s: s.clock.now() >= t)


def crash(s, image, name):
    s.controllers.crashing.add(image)
    n = s.api.read("Deployment", NAMESPACE, name)["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    # pods die (the in-memory kubelet only looks at new pods)
    for pod in list(s.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["labels"].get("app") == name:
            s.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    s.controllers.step()
    s.wake()


async def test_17_stable_and_newer_die_older_is_well():
    s = await analysed()
    s.hurry()
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.share("checkout-second") > 0)
    s.requests.silent = True
    crash(s, "sample:1.0", "checkout")
    await until(s, 20)
    p(s)
    crash(s, "sample:good", "checkout-second")
    await until(s, 300)
    p(s)
    assert s.share("checkout-hotfix") == 100


async def test_18_stable_dies_while_the_bad_newer_drains():
    s = await analysed(traffic={"drain": "30s"})
    s.hurry("sample:crash", traffic={"drain": "30s"})  # answers 500, its pods are ready
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.state("second").get("stage") == "DrainingPatched")
    crash(s, "sample:1.0", "checkout")
    await until(s, 60)
    p(s)
    assert s.share("checkout-second") == 0


async def test_19_breakglass_control_is_not_proven():
    ERRORS["sample:bad"] = 0.4
    ERRORS["sample:mid"] = 0.3
    s = Two("sample:bad", urgency="BreakGlass", analysis={"bakeTime": "10m"})
    await s.both(lambda s: s.phase("fix") == "Baking")
    s.requests.silent = True
    s.hurry("sample:mid")
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.phase("second") in ("Promoted", "RolledBack"))
    p(s)
    assert s.phase("second") == "RolledBack"


async def test_20_newer_waits_long_then_a_pod_restarts():
    s = await analysed()
    s.edit_rules(
        {"op": "replace", "path": "/spec/rules/0/backendRefs/0/weight", "value": 60},
        {"op": "replace", "path": "/spec/rules/0/backendRefs/1/weight", "value": 40},
    )
    s.wake()
    await s.both(lambda s: s.state("fix").get("held") == "WeightsEdited")
    s.hurry()
    await until(s, 1200)
    p(s)
    pod = next(
        x["metadata"]["name"] for x in s.api.every("Pod", NAMESPACE) if x["metadata"]["labels"].get("app") == "checkout-second"
    )
    s.api.set_status(
        "Pod", NAMESPACE, pod, {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": []}, "kubelet"
    )
    s.controllers._addresses(s.api.read("Service", NAMESPACE, "checkout-second"))
    await until(s, 5)
    p(s)
    assert s.phase("second") == "Pending"


async def test_21_newer_paused_in_adopting():
    s = await analysed()
    s.hurry()
    await s.both(lambda s: s.state("second").get("stage") == "Adopting")
    s.api.edit("HotfixRollout", NAMESPACE, "second", [{"op": "add", "path": "/spec/paused", "value": True}])
    s.wake()
    await until(s, 600)
    p(s)
    assert not s.state("fix").get("supersededBy")


async def test_22_older_template_changes_while_frozen():
    s = await analysed()
    s.hurry()
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.share("checkout-second") > 0)
    s.requests.silent = True
    ERRORS["sample:never-judged"] = 1.0
    s.api.edit(
        "Deployment",
        NAMESPACE,
        "checkout-hotfix",
        [{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "sample:never-judged"}],
    )
    s.controllers.step()
    s.wake()
    s.requests.silent = False
    await s.both(lambda s: s.phase("second") == "Baking")
    p(s)


async def test_23_mode_refused_late():
    s = Two(promotion={"mode": "AwaitGit"})
    s.api.edit(
        "Deployment",
        NAMESPACE,
        "checkout",
        [
            {
                "op": "add",
                "path": "/metadata/labels",
                "value": {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"},
            }
        ],
    )
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.hurry(promotion={"mode": "PatchStable"})
    await until(s, 300)
    p(s)
    assert s.state("second").get("held") == "ManagedByGitOps" and s.phase("second") == "Pending"


async def test_24_newer_never_ends_where_the_older_cannot_be_read():
    s = await analysed()
    s.hurry("sample:crash")
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op": "add", "path": "/spec/steps", "value": [500]}])
    s.wake()
    s.requests.silent = False
    await s.both(lambda s: s.state("second").get("stage") == "GivingBack")
    s.api.delete("HotfixRollout", NAMESPACE, "second")
    s.wake()
    await until(s, 900)
    p(s)
    assert not s.of("second")
