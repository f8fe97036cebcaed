from base import *
ERRORS.update({"sample:bad":0.9})
async def s1x(how):
    shop = await beside()
    shop.crash("checkout","sample:1.0")
    await tryuntil(shop, lambda s: s.share("checkout-second")==75, 30, "second serves stable's share")
    shop.requests.errors["checkout-second"]=1.0
    if how=="delete": shop.delete("second")
    else: shop.ask("second", how)
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==100, 600, how+": older serves all")
    tell(shop)
@s
async def s1_rollback(): await s1x("rollback")
@s
async def s1_release(): await s1x("release")
@s
async def s1_delete(): await s1x("delete")
async def ctl(**newer):
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.hurry(promotion=WAITS, **newer)
    return shop
@s
async def s2_control_dead_newer_falls():
    shop=await ctl(startWeight=25, steps=[25], traffic={"drain":"30s"})
    await shop.both(lambda s: s.share("checkout-second")==25)
    shop.requests.errors["checkout-second"]=1.0
    await shop.both(lambda s: s.phase("second")=="RollingBack")
    shop.crash("checkout-hotfix","sample:1.1")
    await tryuntil(shop, lambda s: s.share("checkout")==100, 600, "stable serves")
    tell(shop)
@s
async def s2_control_dead_newer_bad_person():
    shop=await ctl(startWeight=1, steps=[1])
    await shop.both(lambda s: s.share("checkout-second")>0)
    shop.requests.silent=True
    shop.crash("checkout-hotfix","sample:1.1")
    await tryuntil(shop, lambda s: s.share("checkout-second")==100, 60, "newer unproven serves all")
    shop.requests.silent=False
    shop.requests.errors["checkout-second"]=1.0
    await tryuntil(shop, lambda s: s.share("checkout-second")<100, 600, "newer looses by itself")
    shop.ask("second","rollback")
    await tryuntil(shop, lambda s: s.share("checkout-second")<100, 300, "after rollback second")
    shop.ask("second","release")
    await tryuntil(shop, lambda s: s.share("checkout-second")<100, 300, "after release second")
    shop.ask("fix","release")
    await tryuntil(shop, lambda s: s.share("checkout-second")<100, 300, "after release fix")
    shop.delete("second")
    await tryuntil(shop, lambda s: s.share("checkout-second")<100, 300, "after delete second")
    tell(shop)
@s
async def s3_control_dies_newer_adopting_blind():
    shop=await ctl()
    await shop.both(lambda s: s.stage("second")=="Scaling")
    shop.requests.silent=True
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    await shop.wait(5)
    shop.crash("checkout-hotfix","sample:1.1")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")<100, 900, "anybody else serves")
    tell(shop)
    shop.ask("fix","release")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")<100, 60, "release fix")
@s
async def s3_control_dies_newer_adopting_seeing():
    shop=await ctl()
    await shop.both(lambda s: s.stage("second")=="Adopting" and s.stands_still())
    shop.crash("checkout-hotfix","sample:1.1")
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")<100, 900, "anybody else serves")
    tell(shop)
main()
