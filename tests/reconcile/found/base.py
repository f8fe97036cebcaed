import asyncio, sys, json
import hotfix.core.machine as m
from hotfix.errors import Unavailable
from tests.reconcile.two import *
from tests.reconcile.two import WAITS, FLUX
from tests.reconcile.shop import ERRORS, NAMESPACE
import tests.reconcile.two as _t
RULES_OF_GIT=[{"backendRefs": [{"name": "checkout", "port": 80, "weight": 1}]}]
def reset(shop, rules=RULES_OF_GIT, manager="argocd-controller"):
    shop.api.edit("HTTPRoute", NAMESPACE, "checkout", [{"op":"replace","path":"/spec/rules","value":rules}], manager=manager)
    shop.controllers.step(); shop.wake()
def route(shop):
    raw=shop.api.read("HTTPRoute",NAMESPACE,"checkout")
    return {"rules":raw["spec"]["rules"],"ann":raw["metadata"].get("annotations"),"mgr":[e["manager"] for e in raw["metadata"].get("managedFields",[])]}
def tell(shop, title=""):
    print("==",title, "t=%.0f"%shop.clock.now()); print("\n".join(l[:230] for l in brief(shop))); print("route", json.dumps(route(shop)))
def brief(shop):
    out=["weights %s"%shop.rules]
    for key in shop.due:
        st=shop.state(key.name)
        out.append("%s: %s/%s w=%s held=%s lost=%s claim=%s bound=%s"%(key.name,st.get("phase"),st.get("stage"),st.get("weight"),st.get("held"),bool(st.get("stableLost")),{k:v for k,v in (st.get("supersedes") or {}).items() if k in("ready","yielded","weight","control","moved","ended")} or None,(st.get("supersededBy") or {}).get("name")))
        out+=["    %s %s: %s: %s"%(d["time"][11:19],d["what"],d["reason"],d.get("message","")[:120]) for d in st.get("decisions",())[-5:]]
        out.append("    > "+str(st.get("message"))[:160])
    return out
def heal(shop, image, dep):
    shop.controllers.crashing.discard(image); shop.controllers.never_ready.discard(image); shop.renew_pods(dep)
async def tryuntil(shop, cond, seconds, label=""):
    t=shop.clock.now()
    try:
        await shop.both(cond, seconds=seconds); print("OK", label, "after %.1fs"%(shop.clock.now()-t)); return True
    except AssertionError:
        print("NEVER", label, "in", seconds); return False
def image_of(shop, dep, image):
    shop.api.edit("Deployment", NAMESPACE, dep, [{"op":"replace","path":"/spec/template/spec/containers/0/image","value":image}]); shop.controllers.step(); shop.wake()
ALL={}
def s(f): ALL[f.__name__]=f; return f
def main():
    for n in sys.argv[1:] or ALL:
        print("########",n)
        try: asyncio.run(ALL[n]())
        except BaseException as e:
            import traceback; print("FAILED", type(e).__name__, str(e)[:3500]); 
            if not isinstance(e, AssertionError): traceback.print_exc()
