from base import *
ERRORS.update({"sample:bad":0.9})
RULES=({"name":"pay","matches":[{"path":{"type":"PathPrefix","value":"/pay"}}],"backendRefs":[{"name":"checkout","port":80,"weight":3},{"name":"legacy","port":80,"weight":1}]},{"backendRefs":[{"name":"checkout","port":80,"weight":1}]})
@s
async def busy_reason():
    shop=Two(analysis={"bakeTime":"20s"}, traffic={"drain":"60s"})
    await shop.both(lambda s: s.phase("fix")=="Promoting")
    shop.hurry()
    got=shop.noting(lambda s: (s.stage("fix"), s.state("second").get("held"), (s.state("second").get("message") or "")[:90]))
    await shop.wait(100)
    seen=[]
    for g in got:
        if g not in seen: seen.append(g)
    print("\n".join(map(str,seen)))
@s
async def s2b_baking_control_dead():
    shop=Two(analysis={"bakeTime":"10m"})
    await shop.both(lambda s: s.phase("fix")=="Baking")
    shop.hurry(startWeight=25, steps=[25], traffic={"drain":"30s"})
    await shop.both(lambda s: s.share("checkout-second")>20)
    shop.requests.errors["checkout-second"]=1.0
    await shop.both(lambda s: s.phase("second")=="RollingBack")
    shop.crash("checkout-hotfix","sample:1.1")
    await tryuntil(shop, lambda s: s.share("checkout")==100, 600, "stable serves")
    tell(shop)
@s
async def both_taken_back():
    for how in ("rollback","delete","release"):
      for first in ("fix","second"):
        for gap in (0,0.5,1.5,6,9):
            shop=await analysed(rules=RULES)
            git={"rules":None}
            shop.hurry(**SLOWLY); await shop.takes_over()
            await shop.both(lambda s: s.phase("second")=="Analyzing" and s.share("checkout-second")>0)
            shop.requests.silent=True
            for n in (first, "second" if first=="fix" else "fix"):
                if how=="delete": shop.delete(n)
                else: shop.ask(n,how)
                if gap: await shop.wait(gap)
            ok=True
            try: await shop.both(lambda s: s.ended("fix") and s.ended("second"), seconds=600)
            except AssertionError: ok=False
            r=route(shop)
            good= shop.rules==[{"checkout":3,"legacy":1},{"checkout":1}] and not r["ann"] and "hotfix-operator" not in r["mgr"]
            print(how,first,gap,ok,good, "" if ok and good else (r, brief(shop)))
@s
async def both_deleted_control():
    for st in ("Scaling","Adopting","Shifting"):
        shop=Two(analysis={"bakeTime":"10m"}, rules=RULES)
        await shop.both(lambda s: s.phase("fix")=="Baking")
        shop.hurry(**SLOWLY)
        await shop.both(lambda s: s.stage("second")==st)
        shop.delete("fix"); shop.delete("second")
        ok=await tryuntil(shop, lambda s: not s.of("fix") and not s.of("second"), 600, "both go "+st)
        print(route(shop))
        if not ok: tell(shop)
@s
async def keep_patched():
    for mode in ("AwaitGit","PatchStable"):
        shop=Two(promotion={"mode":mode}, rules=RULES, analysis={"bakeTime":"10m"} if mode=="PatchStable" else {})
        await shop.both(lambda s: s.phase("fix")==("AwaitingGit" if mode=="AwaitGit" else "Baking"))
        shop.hurry(promotion={"mode":"KeepPatched"})
        await tryuntil(shop, lambda s: s.phase("second")=="Promoted" and s.ended("fix"), 900, "kept")
        print(route(shop))
    shop=await analysed(rules=RULES)
    shop.hurry(promotion={"mode":"KeepPatched"}); await shop.takes_over()
    await tryuntil(shop, lambda s: s.phase("second")=="Promoted" and s.ended("fix"), 900, "kept")
    print(route(shop))
@s
async def explicit_rules():
    http=[{"name":"checkout","rules":["pay"]}]
    for mode in ("AwaitGit",None):
        spec={"traffic":{"httpRoutes":http}}
        shop=Two(rules=RULES, **({"promotion":WAITS} if mode else SLOWLY), **spec)
        before=route(shop)
        await shop.both(lambda s: s.phase("fix")==("AwaitingGit" if mode else "Analyzing") and s.share("checkout-hotfix")>0)
        git=[dict(r) for r in before["rules"]]
        if not mode: shop.requests.silent=True
        shop.hurry(traffic={"httpRoutes":[{"name":"checkout","rules":[0]}]}, startWeight=25, steps=[25], **({"promotion":WAITS} if mode else {}))
        shop.requests.silent=False if mode else True
        if not mode: await shop.takes_over()
        await shop.both(lambda s: s.share("checkout-second")>0)
        shop.requests.silent=True
        await shop.wait(5); print("split", shop.rules)
        reset(shop, git)
        await shop.wait(20); print("after reset", shop.rules, shop.state("second").get("held"))
        for rounds in range(2):
            reset(shop, git, "kustomize-controller"); await shop.wait(20)
        print("after resets", shop.rules, shop.state("second").get("held"))
        # a rule inserted in front by git
        reset(shop, [{"matches":[{"path":{"type":"PathPrefix","value":"/x"}}],"backendRefs":[{"name":"other","port":80,"weight":1}]}]+git)
        await shop.wait(20); print("after insertion", shop.rules, shop.state("second").get("held"), shop.state("second").get("message"))
        shop.requests.silent=False
        await tryuntil(shop, lambda s: s.phase("second")==("AwaitingGit" if mode else "Promoted"), 3600, "done")
        print(shop.rules)
        if mode:
            shop.ask("second","release"); await tryuntil(shop, lambda s: s.ended("second"), 300, "released")
        print(route(shop))
@s
async def git_names_second():
    """control: git commits the newer patch beside stable"""
    shop=Two(promotion=WAITS)
    await shop.both(lambda s: s.phase("fix")=="AwaitingGit")
    shop.hurry(promotion=WAITS, startWeight=25, steps=[25])
    await shop.both(lambda s: s.share("checkout-second")==25)
    shop.requests.silent=True
    reset(shop, [{"backendRefs":[{"name":"checkout","port":80,"weight":90},{"name":"checkout-second","port":80,"weight":10}]}])
    await tryuntil(shop, lambda s: s.share("checkout")==0, 600, "stable at 0 again (control)")
    print(brief(shop))
    shop=await beside()
    reset(shop, [{"backendRefs":[{"name":"checkout","port":80,"weight":90},{"name":"checkout-second","port":80,"weight":10}]}])
    await tryuntil(shop, lambda s: s.share("checkout-hotfix")==25, 600, "older restored (no control)")
    reset(shop, [{"backendRefs":[{"name":"checkout","port":80,"weight":90},{"name":"checkout-hotfix","port":80,"weight":10}]}])
    await shop.wait(30); print("git keeps older at 10:", shop.rules)
    reset(shop, [{"backendRefs":[{"name":"checkout","port":80,"weight":90},{"name":"checkout-hotfix","port":80,"weight":0},{"name":"checkout-second","port":80,"weight":0}]}])
    await shop.wait(30); print("git prepared zeros:", shop.rules)
main()
