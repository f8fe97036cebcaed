from base import *
ERRORS.update({"sample:bad":0.9})
def scale(shop,dep,n):
    shop.api.edit("Deployment",NAMESPACE,dep,[{"op":"replace","path":"/spec/replicas","value":n}]); shop.controllers.step(); shop.wake()
def reps(shop,dep): return shop.api.read("Deployment",NAMESPACE,dep)["spec"]["replicas"]
def hpa(shop, name="checkout", owner=False):
    t={"apiVersion":"apps/v1","kind":"Deployment","name":name}
    shop.api.apply({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":name,"namespace":NAMESPACE, **({"labels":FLUX} if owner else {})},"spec":{"scaleTargetRef":t,"minReplicas":1,"maxReplicas":10}})
def floor(shop,name="checkout"): return shop.api.read("HorizontalPodAutoscaler",NAMESPACE,name)["spec"]["minReplicas"]
@s
async def e33_stable_scaled_down():
    shop=Two(startWeight=50, steps=[50])
    scale(shop,"checkout",6); hpa(shop, owner=True)
    await shop.both(lambda s: s.phase("fix")=="Analyzing" and s.share("checkout-hotfix")==50)
    shop.requests.silent=True
    print("hotfix", reps(shop,"checkout-hotfix"))
    scale(shop,"checkout",1)   # its HPA, which is git's, follows half of the traffic down
    shop.hurry(); await shop.takes_over()
    await shop.both(lambda s: s.phase("second")=="Baking" and s.share("checkout-hotfix")==0)
    print("second has", reps(shop,"checkout-second"), "pods for", shop.share("checkout-second"), "%; hotfix had", reps(shop,"checkout-hotfix"), shop.state("second")["baseline"]["stablePods"], shop.state("fix")["baseline"]["stablePods"])
@s
async def e5_paused_older():
    shop=await analysed()
    shop.ask("fix","pause"); await shop.wait(10)
    shop.hurry(); await shop.wait(20)
    print(brief(shop)[1:3])
    shop.requests.silent=False
    await tryuntil(shop, lambda s: s.phase("second")=="Promoted", 900, "second promoted over a paused older")
    shop=await analysed()
    shop.ask("fix","pause"); await shop.wait(10)
    shop.hurry("sample:crash"); shop.requests.silent=False
    await tryuntil(shop, lambda s: s.phase("second")=="RolledBack", 900, "second back")
    await shop.wait(60); print(shop.rules, brief(shop)[1])
    shop.ask("fix","resume"); await tryuntil(shop, lambda s: s.phase("fix")=="Promoted", 900, "older after resume")
@s
async def e2_control_all_to_patched_dies():
    shop=Two(promotion=WAITS)
    before=route(shop)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second")=="AllToPatched")
    shop.crash("checkout-second","sample:good")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==100, 60, "older control serves")
    shop.least_stable.clear()
    await shop.wait(60); print(max(shop.least_stable), brief(shop))
@s
async def e2b_moved_then_dies():
    for extra in ({"promotion":WAITS},{}):
        shop=Two(**({"promotion":WAITS} if extra else SLOWLY))
        await shop.both(lambda s: s.phase("fix")==("AwaitingGit" if extra else "Analyzing"))
        shop.hurry(analysis={"bakeTime":"10m" if not extra else "20s"}, **extra)
        await shop.both(lambda s: (s.state("second").get("supersedes") or {}).get("moved"))
        shop.crash("checkout-second","sample:good")
        await shop.wait(30); print(shop.rules, [b for b in brief(shop) if ":" in b and "/" in b][:2])
@s
async def e10_breakglass():
    ref={"reference":"INC-1","reason":"card data is shown"}
    for mode in ("AwaitGit","slow"):
      for img in ("sample:good","sample:crash"):
        shop=Two(**({"promotion":WAITS} if mode=="AwaitGit" else SLOWLY))
        before=route(shop)
        await shop.both(lambda s: s.phase("fix")==("AwaitingGit" if mode=="AwaitGit" else "Analyzing"))
        if mode!="AwaitGit": shop.requests.silent=True
        shop.hurry(img, urgency="BreakGlass", incident=ref, control="None", promotion=WAITS, analysis={"bakeTime":"1m"})
        await shop.takes_over()
        shop.least_stable.clear()
        ok=await tryuntil(shop, lambda s: s.phase("second") in("AwaitingGit","RolledBack"), 900, mode+img)
        print(max(shop.least_stable), shop.rules); 
        if not ok: tell(shop)
@s
async def e11_older_breakglass_none():
    ref={"reference":"INC-1","reason":"card data is shown"}
    for img in ("sample:good","sample:crash"):
        shop=Two(urgency="BreakGlass", incident=ref, control="None", analysis={"bakeTime":"30m"}, promotion=WAITS)
        await tryuntil(shop, lambda s: s.share("checkout-hotfix")==100, 300, "alone")
        print(brief(shop)[1])
        shop.hurry(img, promotion=WAITS)
        shop.least_stable.clear()
        ok=await tryuntil(shop, lambda s: s.phase("second") in("AwaitingGit","RolledBack"), 900, img)
        print(max(shop.least_stable), shop.rules, brief(shop)[1])
@s
async def e13_hpa():
    for how in ("both_rollback","older_then_promote","control_promote","control_rollback"):
        shop=Two(**(SLOWLY if not how.startswith("control") else {"promotion":WAITS}))
        hpa(shop); shop.by_flux("HTTPRoute"); before=route(shop)
        if how.startswith("control"):
            await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
            shop.hurry(promotion=WAITS, **({} if how.endswith("promote") else SLOWLY))
            if how=="control_promote":
                await shop.both(lambda s: s.phase("second")=="AwaitingGit" and s.ended("fix")); print(floor(shop))
                image_of(shop,"checkout","sample:good")
                await tryuntil(shop, lambda s: s.phase("second")=="Promoted",900,"promoted")
            else:
                await shop.both(lambda s: s.share("checkout-second")==25); shop.ask("second","rollback")
                await shop.both(lambda s: s.ended("second")); print(floor(shop), shop.rules)
                shop.ask("fix","rollback"); await tryuntil(shop, lambda s: s.ended("fix"),300,"fix back")
        else:
            await shop.both(lambda s: s.phase("fix")=="Analyzing"); shop.requests.silent=True
            shop.hurry(**SLOWLY); await shop.takes_over()
            await shop.both(lambda s: s.share("checkout-second")>0); shop.requests.silent=True
            shop.ask("fix","rollback")
            if how=="both_rollback": shop.ask("second","rollback"); await tryuntil(shop, lambda s: s.ended("fix") and s.ended("second"),300,how)
            else:
                await shop.both(lambda s: s.ended("fix")); print(floor(shop)); shop.requests.silent=False
                await tryuntil(shop, lambda s: s.phase("second")in("Promoted","AwaitingGit"),900,how)
                print(shop.phase("second"))
                if shop.phase("second")=="AwaitingGit": shop.ask("second","rollback"); await tryuntil(shop, lambda s: s.ended("second"),300,"x")
        r=route(shop); r["rules"]==before["rules"]
        print(how, floor(shop), r["rules"]==before["rules"], r["ann"], r["mgr"])
@s
async def e25_person_edit_then_rollback():
    for verb in ("rollback","release","delete"):
        shop=await beside()
        before=None
        reset(shop, manager="kubectl-edit"); await shop.wait(10)
        shop.delete("second") if verb=="delete" else shop.ask("second",verb)
        await tryuntil(shop, lambda s: s.share("checkout-hotfix")==25 and s.ended("second"), 200, verb)
        shop.requests.silent=False
        await tryuntil(shop, lambda s: s.phase("fix")=="Promoted", 900, "older promoted"); print(route(shop))
    shop=await beside(); reset(shop, manager="kubectl-edit"); await shop.wait(10)
    shop.ask("second","pause"); await shop.wait(5); shop.ask("second","resume")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==25, 60, "pause/resume restores")
if __name__=="__main__": main()
