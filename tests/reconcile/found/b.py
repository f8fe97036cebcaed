from base import *
ERRORS.update({"sample:bad":0.9})
async def ctl(**newer):
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.hurry(promotion=WAITS, **newer)
    return shop
@s
async def s4_awaiting_at_zero_stable_dies():
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.crash("checkout-hotfix","sample:1.1")
    await shop.both(lambda s: s.share("checkout")==100)
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second")=="Scaling")
    shop.requests.silent=True
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    heal(shop,"sample:1.1","checkout-hotfix")
    await shop.wait(20)
    print("hotfix back; stable dies", shop.weights)
    shop.crash("checkout","sample:1.0")
    await tryuntil(shop, lambda s: s.share("checkout")<100, 900, "anybody else serves")
    tell(shop)
@s
async def s4_awaiting_at_zero_pods_back_newer_blind():
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.crash("checkout-hotfix","sample:1.1")
    await shop.both(lambda s: s.share("checkout")==100)
    shop.hurry(promotion=WAITS)
    await shop.both(lambda s: s.stage("second")=="Scaling")
    shop.requests.silent=True
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    heal(shop,"sample:1.1","checkout-hotfix")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==100, 900, "hotfix, proven, has everything again")
    tell(shop)
@s
async def s5_force_removed_and_deleted():
    shop=await ctl()
    await shop.both(lambda s: s.stage("second")=="Scaling")
    shop.requests.silent=True
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    await shop.wait(3)
    shop.delete("fix")
    await shop.wait(10)
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op":"remove","path":"/metadata/finalizers"}])
    print("fix there:", bool(shop.of("fix")))
    shop.delete("second")
    await tryuntil(shop, lambda s: not s.of("second"), 300, "second goes")
    tell(shop)
@s
async def s5b_force_removed_newer_goes_on():
    shop=await ctl()
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    shop.delete("fix")
    await shop.wait(1)
    shop.api.edit("HotfixRollout", NAMESPACE, "fix", [{"op":"remove","path":"/metadata/finalizers"}])
    print("fix there:", bool(shop.of("fix")))
    await tryuntil(shop, lambda s: s.phase("second")=="AwaitingGit", 900, "second awaits git")
    tell(shop)
    shop.ask("second","release")
    await tryuntil(shop, lambda s: s.ended("second"), 300, "second ends")
    print(route(shop))
@s
async def s6_git_resets_while_newer_crashed_in_scaling():
    shop=await analysed(startWeight=50, steps=[50])
    shop.hurry()
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    shop.crash("checkout-second","sample:good")
    await shop.both(lambda s: s.stage("second")=="Scaling")
    await shop.wait(2)
    reset(shop)
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==50, 1500, "older has 50 again")
    tell(shop)
@s
async def s7_latency_unknown():
    shop=await analysed()
    shop.hurry(analysis={"latency":{"threshold":"250ms"}})
    await shop.takes_over()
    await tryuntil(shop, lambda s: not s.stands_still() or s.phase("second")!="Pending", 3600, "older goes on or newer starts")
    tell(shop)
@s
async def s7_capacity():
    shop=await analysed()
    shop.hurry(patched={"deployment":"checkout-second","replicas":"Own"})
    await shop.takes_over()
    await tryuntil(shop, lambda s: not s.stands_still() or s.phase("second")!="Pending", 3600, "older goes on or newer starts")
    tell(shop)
@s
async def s8_hpa_of_hotfix():
    shop=Two(promotion=WAITS)
    t={"apiVersion":"apps/v1","kind":"Deployment","name":"checkout-hotfix"}
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.api.apply({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"hotfix","namespace":NAMESPACE},"spec":{"scaleTargetRef":t,"minReplicas":1,"maxReplicas":5}})
    floor=lambda: shop.api.read("HorizontalPodAutoscaler",NAMESPACE,"hotfix")["spec"]["minReplicas"]
    shop.hurry(promotion=WAITS)
    fl=shop.noting(lambda s: (s.stage("second"),floor()))
    await shop.both(lambda s: s.phase("second")=="AwaitingGit" and s.ended("fix"))
    print(sorted(set(map(str,fl))))
    shop.ask("second","release")
    await shop.both(lambda s: s.ended("second"))
    print("floor at the end", floor())
@s
async def s9_person_takes_older_out():
    shop=await beside()
    reset(shop, manager="kubectl-edit")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==25, 120, "restored after kubectl-edit")
    tell(shop)
main()
