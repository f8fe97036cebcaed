from base import *
from e import scale, reps, hpa, floor
ALL.clear()
@s
async def e33_stable_scaled_down():
    shop=Two(startWeight=50, steps=[50])
    scale(shop,"checkout",6); hpa(shop, owner=True)
    await shop.both(lambda s: s.phase("fix")=="Analyzing" and s.share("checkout-hotfix")==50)
    shop.requests.silent=True
    scale(shop,"checkout",2)   # its HPA, which is git's, follows half of the traffic down
    shop.hurry(); await shop.takes_over()
    await shop.both(lambda s: s.phase("second")=="Baking" and s.share("checkout-hotfix")==0)
    print("second has", reps(shop,"checkout-second"), "pods for", shop.share("checkout-second"), "%; hotfix had", reps(shop,"checkout-hotfix"), shop.state("second")["baseline"]["stablePods"], shop.state("fix")["baseline"]["stablePods"])
@s
async def third_alone_scaled_down():
    "the same without an older one: R is stable's at the start"
    shop=Two(startWeight=50, steps=[50]); scale(shop,"checkout",6)
    await shop.both(lambda s: s.phase("fix")=="Baking"); print(reps(shop,"checkout-hotfix"))
@s
async def e1_control_baking_stable_flaps():
    shop=Two(analysis={"bakeTime":"20m"})
    before=route(shop)
    await shop.both(lambda s: s.phase("fix")=="Baking")
    shop.hurry(analysis={"bakeTime":"3m"}); await shop.both(lambda s: s.share("checkout-second")>20)
    shop.crash("checkout","sample:1.0"); await shop.wait(5); print(shop.rules)
    shop.least_stable.clear(); await shop.wait(60); print(max(shop.least_stable), shop.rules)
    heal(shop,"sample:1.0","checkout")
    await tryuntil(shop, lambda s: s.phase("second")=="Promoted" and s.ended("fix"), 1800, "promoted"); print(route(shop)==before, route(shop))
@s
async def e1b_control_baking_stable_dead_for_good():
    shop=Two(analysis={"bakeTime":"20m"})
    await shop.both(lambda s: s.phase("fix")=="Baking")
    shop.hurry(analysis={"bakeTime":"20s"}); await shop.both(lambda s: s.share("checkout-second")>20)
    shop.crash("checkout","sample:1.0"); await shop.wait(5)
    shop.least_stable.clear()
    ok=await tryuntil(shop, lambda s: s.share("checkout-second")==100, 600, "second has all")
    print(max(shop.least_stable)); tell(shop)
@s
async def e1c_control_baking_stable_dead_newer_bad():
    shop=Two(analysis={"bakeTime":"20m"})
    await shop.both(lambda s: s.phase("fix")=="Baking")
    shop.hurry("sample:crash"); await shop.both(lambda s: s.share("checkout-second")>0)
    shop.crash("checkout","sample:1.0"); await shop.wait(2)
    shop.least_stable.clear()
    ok=await tryuntil(shop, lambda s: s.share("checkout-hotfix")==100 and s.ended("second"), 600, "hotfix has all")
    print(max(shop.least_stable)); print(brief(shop)[:2])
@s
async def e16_git_gives_stable_the_fix_meanwhile():
    for newer in ("sample:crash","sample:good"):
        shop=Two(promotion=WAITS); before=route(shop)
        await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
        shop.hurry(newer, promotion=WAITS)
        await shop.both(lambda s: s.share("checkout-second")>0)
        image_of(shop,"checkout","sample:1.1")
        await tryuntil(shop, lambda s: s.phase("second") in("RolledBack","AwaitingGit"), 900, newer)
        if newer=="sample:good": image_of(shop,"checkout","sample:good")
        await tryuntil(shop, lambda s: s.ended("second") and s.ended("fix"), 900, "both ended")
        print(shop.phase("fix"), shop.phase("second"), route(shop)==before)
@s
async def e7_third_everywhere():
    for st in ("Scaling","Adopting","Shifting"):
        shop=Two(**SLOWLY); before=route(shop)
        await shop.both(lambda s: s.phase("fix")=="Analyzing")
        shop.requests.silent=True
        shop.hurry(); 
        if st=="Shifting": await shop.takes_over()
        await shop.both(lambda s: s.stage("second")==st); shop.requests.silent=True
        ERRORS["sample:g3"]=0.0
        shop.hurry("sample:g3", name="third"); await shop.wait(5)
        shop.delete("second"); await shop.wait(30)
        shop.requests.silent=False
        ok=await tryuntil(shop, lambda s: s.phase("third")=="Promoted" and s.ended("fix"), 2400, "third promoted, second deleted at "+st)
        print(route(shop)==before);  
        if not ok: tell(shop)
@s
async def e20_deaf():
    shop=await beside()
    shop.controllers.deaf.add("checkout")
    shop.ask("second","rollback"); 
    ok=await tryuntil(shop, lambda s: s.ended("second") and not s.stands_still(), 600, "newer ends though deaf"); print(shop.rules, brief(shop)[1])
    if not ok: tell(shop)
main()
