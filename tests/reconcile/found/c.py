from base import *
from hotfix.errors import Unavailable
RULE2=({"matches":[{"path":{"type":"PathPrefix","value":"/pay"}}],"backendRefs":[{"name":"checkout","port":80,"weight":3},{"name":"legacy","port":80,"weight":1}]},{"backendRefs":[{"name":"checkout","port":80,"weight":1}]})
@s
async def s11_older_unreadable_until_newer_promoted():
    shop=Two(**SLOWLY)
    shop.by_flux("HTTPRoute")
    t={"apiVersion":"apps/v1","kind":"Deployment","name":"checkout"}
    shop.api.apply({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"checkout","namespace":NAMESPACE},"spec":{"scaleTargetRef":t,"minReplicas":1,"maxReplicas":5}})
    before=route(shop)
    await shop.both(lambda s: s.phase("fix")=="Analyzing" and s.share("checkout-hotfix")>0)
    shop.requests.silent=True
    shop.hurry()
    await shop.takes_over()
    shop.respec("fix", steps=[500])
    await tryuntil(shop, lambda s: s.phase("second") in("Promoted","AwaitingGit"), 3000, "second promoted")
    tell(shop)
    shop.respec("fix", steps=[25,50])
    await tryuntil(shop, lambda s: s.ended("fix"), 600, "fix ends")
    tell(shop)
    print("before", before)
    print("hpa", shop.api.read("HorizontalPodAutoscaler",NAMESPACE,"checkout")["spec"]["minReplicas"])
@s
async def s12_rule1_hotfix_only_rule0_reset():
    rules=({"matches":[{"path":{"type":"PathPrefix","value":"/pay"}}],"backendRefs":[{"name":"checkout","port":80,"weight":1}]},{"backendRefs":[{"name":"checkout","port":80,"weight":1}]})
    shop=await analysed(rules=rules)
    shop.hurry(**SLOWLY)
    await shop.takes_over()
    await shop.both(lambda s: s.phase("second")=="Analyzing" and s.share("checkout-second")>0)
    shop.requests.silent=True
    g=[dict(rules[0]), {"backendRefs":[{"name":"checkout-hotfix","port":80,"weight":1}]}]
    reset(shop, g)
    n=len(shop.api.writes)
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==25, 300, "rule 0 restored")
    print("writes", len(shop.api.writes)-n); tell(shop)
@s
async def s12b_rule1_reset_rule0_not():
    rules=({"matches":[{"path":{"type":"PathPrefix","value":"/pay"}}],"backendRefs":[{"name":"checkout","port":80,"weight":1}]},{"backendRefs":[{"name":"checkout","port":80,"weight":1},{"name":"legacy","port":80,"weight":1}]})
    for manager in ("argocd-controller","kustomize-controller"):
        shop=await analysed(rules=rules)
        shop.hurry(**SLOWLY)
        await shop.takes_over()
        await shop.both(lambda s: s.phase("second")=="Analyzing" and s.share("checkout-second")>0)
        shop.requests.silent=True
        before=shop.rules
        now=shop.api.read("HTTPRoute",NAMESPACE,"checkout")["spec"]["rules"]
        for rounds in range(4):
            now=shop.api.read("HTTPRoute",NAMESPACE,"checkout")["spec"]["rules"]
            reset(shop,[now[0], {**rules[1],"matches":now[1].get("matches")}] if now[1].get("matches") else [now[0],rules[1]], manager)
            await shop.wait(10)
            print(rounds, shop.rules)
        shop.requests.silent=False
        await tryuntil(shop, lambda s: s.phase("second")=="Promoted", 3600, "promoted")
        print(route(shop))
@s
async def s13_stable_lost_before_newer():
    shop=await analysed()
    shop.crash("checkout","sample:1.0")
    await shop.both(lambda s: s.share("checkout-hotfix")==100)
    shop.hurry()
    shop.requests.silent=False
    await tryuntil(shop, lambda s: s.share("checkout-second")>0, 3600, "second gets something")
    tell(shop)
@s
async def s14_rule_inserted_before():
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    now=shop.api.read("HTTPRoute",NAMESPACE,"checkout")["spec"]["rules"]
    new={"matches":[{"path":{"type":"PathPrefix","value":"/new"}}],"backendRefs":[{"name":"other","port":80,"weight":1}]}
    shop.api.edit("HTTPRoute",NAMESPACE,"checkout",[{"op":"add","path":"/spec/rules/0","value":new}]); shop.controllers.step(); shop.wake()
    await shop.wait(20)
    print(shop.rules, shop.state("fix").get("held"))
    shop.hurry(promotion=WAITS)
    await tryuntil(shop, lambda s: s.phase("second")=="AwaitingGit", 900, "second awaits git")
    tell(shop)
@s
async def s15_copied_selector():
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    ERRORS.setdefault("sample:good",0.0)
    shop.hurry(promotion=WAITS)
    shop.api.edit("Service",NAMESPACE,"checkout-second",[{"op":"replace","path":"/spec/selector","value":{"app":"checkout"}}]); shop.controllers.step()
    await shop.wait(60)
    tell(shop)
    # the same against stable
    shop=Two(**SLOWLY)
    await shop.both(lambda s: s.phase("fix")=="Analyzing" and s.share("checkout-hotfix")>0)
    shop.requests.silent=True
    shop.hurry()
    shop.api.edit("Service",NAMESPACE,"checkout-second",[{"op":"replace","path":"/spec/selector","value":{"app":"checkout"}}]); shop.controllers.step()
    await shop.wait(60)
    tell(shop)
@s
async def s18_quiet():
    for make in (beside,):
        shop=await make()
        await shop.wait(10); n=len(shop.api.writes)
        await shop.wait(120)
        print([ (w[0],w[1][-40:]) for w in shop.api.writes[n:] if "httproutes" in w[1]])
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.hurry(promotion=WAITS, startWeight=25, steps=[25])
    await shop.both(lambda s: s.share("checkout-second")==25)
    shop.requests.silent=True
    await shop.wait(10); n=len(shop.api.writes)
    await shop.wait(120)
    print([ (w[0],w[1][-40:]) for w in shop.api.writes[n:] if "httproutes" in w[1]])
main()
