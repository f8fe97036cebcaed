"""The plugin beside a live rollout: doctor (what can be judged), why (the reasoning), backtest (what the past would give)."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import yaml

from tests.conftest import SCRAPE_SECONDS

from .shop import Shop, rollout
from .story import Stories

PLUGIN = str(Path(sys.executable).parent / "kubectl-hotfix")
THIS_BUG = 'http_requests_total{namespace="$(namespace)",pod=~"$(pods)",code="500"}'


def run(shop: Shop, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The installed program, as a person on call would run it."""
    env = {**os.environ, "KUBECONFIG": str(shop.cluster.kubeconfig), "HOTFIX_PROMETHEUS_URL": shop.cluster.prometheus_url}
    env["HOTFIX_SCRAPE_INTERVAL"] = f"{SCRAPE_SECONDS}s"
    return subprocess.run(
        [PLUGIN, *arguments, "-n", shop.namespace], capture_output=True, text=True, check=False, env=env, timeout=60
    )


def test_a_rollout_can_be_examined_explained_and_played_back(shop: Stories, tmp_path: Path) -> None:
    shop.open()
    manifest = rollout(fix={"errors": THIS_BUG}, paused=True)
    with shop.story("Promoted", rate=40) as load:
        shop.cluster.until(lambda: len(load.answers()) > 1200, "half a minute of history", seconds=90)
        shop.apply(manifest)
        shop.held("Paused")
        examined = run(shop, "doctor", "fix")
        assert examined.returncode == 0, examined.stdout + examined.stderr
        assert "Queries: contour." in examined.stdout
        assert f"scraped every {SCRAPE_SECONDS} s" in examined.stdout
        assert "checkout-hotfix has no request series yet" in examined.stdout
        shop.edit(paused=False)
        shop.phase("Baking", seconds=180)
        why = run(shop, "why", "fix")
        assert why.returncode == 0, why.stderr
        assert why.stdout.startswith("fix: Baking, patched gets")
        assert "errors of this bug reduced by at least" in why.stdout
        told = json.loads(run(shop, "why", "fix", "-o", "json").stdout)
        # a hold has none, and on a busy machine one may be the last of them
        assert any(decision.get("evidence") for decision in told["decisions"])
    (tmp_path / "fix.yaml").write_text(yaml.safe_dump(rollout(metrics={"preset": "contour"})))
    now = datetime.now(UTC)
    moments = [(now - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z") for minutes in (5, 0)]
    played = run(shop, "backtest", "-f", str(tmp_path / "fix.yaml"), "--from", moments[0], "--to", moments[1], "-o", "json")
    assert played.returncode == 0, played.stderr
    outcomes = {window["outcome"] for window in json.loads(played.stdout)}
    assert "rolled back" not in outcomes


def test_what_cannot_be_judged_is_named_with_exit_code_1(shop: Stories, tmp_path: Path) -> None:
    shop.open()
    with shop.load() as load:
        shop.cluster.until(lambda: len(load.answers()) > 200, "ten seconds of requests")
        series = 'sum(http_requests_total{pod=~"$(pods)"'
        summed = {"requests": f"{series}}})", "errors": f'{series},code="500"}})'}
        (tmp_path / "summed.yaml").write_text(yaml.safe_dump(rollout(metrics=summed)))
        examined = run(shop, "doctor", "-f", str(tmp_path / "summed.yaml"))
        assert examined.returncode == 1
        assert "problem: " in examined.stdout
        assert "neither a pod nor an instance label" in examined.stdout
        assert load.lost() == []
    missing = run(shop, "why", "nothing")
    assert missing.returncode == 1
    assert "There is no HotfixRollout nothing" in missing.stderr
