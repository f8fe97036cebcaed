from tests.reconcile.shop import NAMESPACE
from tests.reconcile.two import Two


def p(s):
    print("\n".join(s.story()))


FLUX = {"kustomize.toolkit.fluxcd.io/name": "shop", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}


async def until(s, seconds):
    t = s.clock.now() + seconds
    await s.both(lambda s: s.clock.now() >= t)


def ann(s):
    return s.api.read("HTTPRoute", NAMESPACE, "checkout")["metadata"].get("annotations") or {}


async def test_30_newer_deleted_after_the_older_went_on_to_promote():
    s = Two(analysis={"bakeTime": "30s"}, traffic={"drain": "60s"})
    s.api.edit("HTTPRoute", NAMESPACE, "checkout", [{"op": "add", "path": "/metadata/labels", "value": FLUX}])
    await s.both(lambda s: s.phase("fix") == "Baking")
    s.controllers.never_ready.add("sample:slow")
    s.hurry("sample:slow")
    await s.both(lambda s: s.state("second").get("stage") == "Scaling")
    await s.both(lambda s: s.phase("fix") == "Promoting")
    s.controllers.never_ready.discard("sample:slow")
    for pod in list(s.api.every("Pod", NAMESPACE)):
        if pod["metadata"]["labels"].get("app") == "checkout-second":
            s.api.delete("Pod", NAMESPACE, pod["metadata"]["name"])
    s.controllers.step()
    await until(s, 20)
    p(s)
    print(ann(s), s.state("second").get("borrowed"))
    s.api.delete("HotfixRollout", NAMESPACE, "second")
    s.wake()
    gap = []
    orig = s._look

    async def look(key):
        await orig(key)
        gap.append((s.clock.now(), ann(s).get("kustomize.toolkit.fluxcd.io/reconcile"), dict(s.weights)))

    s._look = look
    await until(s, 10)
    print(gap)
    p(s)
    assert all(m == "disabled" for _, m, _ in gap) and all(w["checkout-hotfix"] for _, _, w in gap)


async def test_31_older_bad_late_while_newer_is_analysed_slowly():
    "the older one, with 50 %, begins to fail everything while the newer is analysed: only pods are looked at"
    s = Two(startWeight=50, steps=[50], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: s.phase("fix") == "Analyzing" and s.share("checkout-hotfix") > 0)
    s.requests.silent = True
    s.hurry(
        startWeight=1,
        steps=[1],
        analysis={"bakeTime": "20s", "deadline": "2h"},
        fix={"errors": {"query": "x"}} if False else None,
    ) if False else s.hurry(startWeight=1, steps=[1], analysis={"bakeTime": "20s", "deadline": "2h"})
    await s.both(lambda s: s.share("checkout-second") > 0)
    s.requests.silent = False
    s.requests.errors["checkout-hotfix"] = 1.0
    t0 = s.clock.now()
    await s.both(lambda s: s.share("checkout-hotfix") == 0)
    p(s)
    print("seconds with 50 % of all requests failing:", s.clock.now() - t0)
    assert s.clock.now() - t0 < 30
