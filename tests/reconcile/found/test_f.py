from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import Two


def p(s):
    print("\n".join(s.story()))


LONG = {"bakeTime": "20s", "deadline": "2h"}
FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


async def until(s, seconds):
    t = s.clock.now() + seconds
    await s.both(lambda s: s.clock.now() >= t)


def ann(s):
    return s.api.read("HTTPRoute", NAMESPACE, "checkout")["metadata"].get("annotations") or {}


async def test_25_control_goes_while_newer_waits_for_pods():
    s = Two(analysis={"bakeTime": "10m"})
    await s.both(lambda s: s.phase("fix") == "Baking")
    s.hurry()
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")
    s.api.edit(
        "HotfixRollout",
        NAMESPACE,
        "fix",
        [{"op": "add", "path": "/metadata/annotations", "value": {"hotfix-operator.dev/request": "rollback:1"}}],
    )
    s.wake()
    await s.both(lambda s: s.phase("fix") == "RolledBack")
    await until(s, 600)
    p(s)
    assert s.phase("second") != "Pending"


async def test_26_mark_control_newer_deleted_in_scaling():
    "Flux: is there a moment without the mark while the older one has traffic?"
    s = Two(analysis={"bakeTime": "10m"})
    s.api.edit("HTTPRoute", NAMESPACE, "checkout", [{"op": "add", "path": "/metadata/labels", "value": FLUX}])
    await s.both(lambda s: s.phase("fix") == "Baking")
    s.controllers.never_ready.add("sample:never")
    s.hurry("sample:never")
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")
    assert ann(s).get("kustomize.toolkit.fluxcd.io/reconcile") == "disabled"
    s.api.delete("HotfixRollout", NAMESPACE, "second")
    s.wake()
    gap = []
    orig = s._look

    async def look(key):
        await orig(key)
        gap.append((s.clock.now(), ann(s).get("kustomize.toolkit.fluxcd.io/reconcile"), s.share("checkout-hotfix")))

    s._look = look
    await until(s, 10)
    print(gap)
    assert all(m == "disabled" for _, m, _ in gap)


async def test_27_moved_then_chain_third():
    "N supersedes O, then N2 supersedes N; all ends well, and stable never rises"
    s = Two(promotion={"mode": "AwaitGit"})
    before = s.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.hurry(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("second") == "AwaitingGit")
    s.hurry("sample:good2", name="third", promotion={"mode": "AwaitGit"})
    s.least_stable.clear()
    await s.both(lambda s: s.phase("third") == "AwaitingGit")
    await until(s, 60)
    p(s)
    print(max(s.least_stable), s.weights)
    assert max(s.least_stable) == 0 and s.phase("second") == "Superseded"
    s.api.edit(
        "HotfixRollout",
        NAMESPACE,
        "third",
        [{"op": "add", "path": "/metadata/annotations", "value": {"hotfix-operator.dev/request": "release:1"}}],
    )
    s.wake()
    await s.both(lambda s: s.phase("third") == "RolledBack")
    assert s.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"] == before


async def test_28_stable_dies_control_newer_analysed():
    "the older one (Baking, 95 %) is the control; stable, which has 5 %, dies"
    s = Two(analysis={"bakeTime": "10m"})
    await s.both(lambda s: s.phase("fix") == "Baking")
    s.hurry()
    await s.both(lambda s: s.share("checkout-second") > 0)
    s.requests.silent = True
    for pod in list(s.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["labels"].get("app") == "checkout":
            s.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    s.controllers.crashing.add("sample:1.0")
    s.controllers.step()
    s.wake()
    await until(s, 300)
    p(s)
    assert s.share("checkout") == 0


async def test_29_analysing_newest_of_three():
    "a chain on non-control"
    s = Two(startWeight=25, steps=[25, 50], analysis=LONG)
    before = s.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"]
    await s.both(lambda s: s.phase("fix") == "Analyzing")
    s.requests.silent = True
    s.hurry(analysis={"bakeTime": "10m"})
    await s.both(lambda s: bool(s.state("fix").get("supersededBy")))
    s.requests.silent = False
    await s.both(lambda s: s.phase("second") == "Baking")
    s.hurry("sample:crash", name="third")
    s.least_stable.clear()
    await s.both(lambda s: s.phase("third") == "RolledBack")
    await until(s, 30)
    p(s)
    assert max(s.least_stable) <= 21 and s.phase("second") == "Baking" and s.phase("fix") == "Superseded"
    await s.both(lambda s: s.phase("second") == "Promoted")
    print(s.weights)
    assert s.api.read("HTTPRoute", NAMESPACE, "checkout")["spec"] == before


async def test_27b_print():
    s = Two(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("fix") == "AwaitingGit")
    s.hurry(promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("second") == "AwaitingGit")
    s.hurry("sample:good2", name="third", promotion={"mode": "AwaitGit"})
    await s.both(lambda s: s.phase("third") == "AwaitingGit")
    await until(s, 60)
    s.api.edit(
        "HotfixRollout",
        NAMESPACE,
        "third",
        [{"op": "add", "path": "/metadata/annotations", "value": {"hotfix-operator.dev/request": "release:1"}}],
    )
    s.wake()
    await s.both(lambda s: s.phase("third") == "RolledBack")
    print(s.weights)
    assert 0
