"""The commands as they are typed: what goes to which output, and exit codes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hotfix.adapters.kube import Kube
from hotfix.cli import following
from hotfix.cli.app import main

from .patience import Patience, ended, nothing

Run = Callable[..., tuple[int, str, str]]
VERBS = ("promote", "rollback", "pause", "resume", "acknowledge", "retry")


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    """The cluster that every login leads to, and its time."""
    patience = Patience()

    async def login(**_: object) -> object:
        return patience.session()

    monkeypatch.setattr(Kube, "login", login)
    monkeypatch.setattr(following, "REAL", patience.pace)
    return patience


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Exit code, standard output, standard error."""

    def ran(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as exited:
            main(list(arguments))
        output = capsys.readouterr()
        return int(exited.value.code or 0), output.out, output.err

    return ran


@pytest.mark.parametrize("verb", VERBS)
def test_each_verb_asks_for_itself(patience: Patience, run: Run, verb: str) -> None:
    patience.then(patience.answers("Waiting", "Soon."), patience.answers("Accepted", "It is done."))
    assert run(verb, "fix", "-n", "shop") == (0, "Waiting: Soon.\nIt is done.\n", "")
    assert (patience.asked or "").partition(":")[0] == verb


@pytest.mark.parametrize("command", [*VERBS, "get", "watch", "status", "handover", "why", "release", "doctor"])
def test_an_empty_name_is_wrong_usage(run: Run, command: str) -> None:
    code, out, err = run(command, "", "-n", "shop")
    assert (code, out) == (2, "")
    assert "give the name of a HotfixRollout" in err


@pytest.mark.parametrize("output", ["json", "yaml"])
@pytest.mark.parametrize(("verb", "result"), [*((verb, "Accepted") for verb in VERBS), ("pause", "Refused")])
def test_an_answer_is_data_where_that_is_asked_for(patience: Patience, run: Run, verb: str, result: str, output: str) -> None:
    patience.then(patience.answers("Waiting", "Soon."), patience.answers(result, "Because."))
    code, out, err = run(verb, "fix", "-n", "shop", "-o", output)
    assert code == (result == "Refused")
    assert (json.loads if output == "json" else yaml.safe_load)(out) == {
        "namespace": "shop",
        "name": "fix",
        "request": patience.asked,
        "result": result,
        "message": "Because.",
    }
    assert err == "note: Waiting: Soon.\n" + ("error: Because.\n" if code else "")


@pytest.mark.parametrize("output", [(), ("-o", "json"), ("-o", "yaml")])
def test_a_release_is_data_where_that_is_asked_for(patience: Patience, run: Run, output: tuple[str, ...]) -> None:
    patience.status(**ended("False", "RolledBack", "Everything is stable's."))
    code, out, err = run("release", "fix", "-n", "shop", *output)
    assert (code, err) == (0, "")
    if not output:
        assert out == "Released: It is over.\n"
        return
    assert (json.loads if output[1] == "json" else yaml.safe_load)(out) == {
        "namespace": "shop",
        "name": "fix",
        "request": "release",
        "result": "Released",
        "message": "It is over.",
    }


@pytest.mark.parametrize("command", [*VERBS, "status", "handover", "why", "release"])
def test_a_format_that_is_none_is_refused(patience: Patience, run: Run, command: str) -> None:
    patience.status(phase="Analyzing", stage="Shifting")
    code, out, err = run(command, "fix", "-n", "shop", "-o", "wide")
    assert (code, out, patience.asked) == (1, "", None)
    assert err == "error: --output wide is not known; give json or yaml, or nothing for text.\n"


@pytest.mark.parametrize(("succeeded", "outcome", "code"), [("True", "Succeeded", 0), ("False", "Failed", 1), (None, None, 3)])
def test_status_is_data_where_that_is_asked_for(
    patience: Patience, run: Run, succeeded: str | None, outcome: str | None, code: int
) -> None:
    patience.status(**(ended(succeeded, "Promoted") if succeeded else {"phase": "Analyzing", "weight": 5}))
    found, out, err = run("status", "fix", "-n", "shop", "-o", "json")
    assert (found, err) == (code, "")
    shown = json.loads(out)
    status = patience.api.read("HotfixRollout", "shop", "fix")["status"]
    assert shown == {"namespace": "shop", "name": "fix", "outcome": outcome, "status": status}
    assert yaml.safe_load(run("status", "fix", "-n", "shop", "-o", "yaml")[1]) == shown


def test_a_retry_of_the_same_is_another_request(patience: Patience, run: Run) -> None:
    patience.then(patience.answers("Accepted", "It begins again."))
    assert run("retry", "fix", "--same", "-n", "shop") == (0, "It begins again.\n", "")
    assert (patience.asked or "").startswith("retry-same:")


def test_a_refusal_ends_with_1_and_its_reason_as_an_error(patience: Patience, run: Run) -> None:
    patience.then(patience.answers("Refused", "It is not paused."))
    assert run("resume", "fix", "-n", "shop") == (1, "", "error: It is not paused.\n")


def test_no_answer_in_time_ends_with_3(patience: Patience, run: Run) -> None:
    begun = patience.clock.now()
    code, out, err = run("rollback", "fix", "-n", "shop")
    assert (code, out) == (3, "")
    assert err.startswith("error: No operator answered within 1m;")
    assert "kubectl hotfix release fix -n shop" in err
    assert patience.clock.now() - begun == 60
    assert run("pause", "fix", "-n", "shop", "--timeout", "5s")[0] == 3
    assert patience.clock.now() - begun == 65
    assert run("pause", "fix", "-n", "shop", "--timeout", "soon")[:2] == (1, "")


@pytest.mark.parametrize("command", [*VERBS, "get", "watch", "status", "release"])
def test_a_rollout_that_is_not_there_ends_with_1(patience: Patience, run: Run, command: str) -> None:
    code, out, err = run(command, "none", "-n", "shop")
    assert (code, out) == (1, "")
    assert err == "error: There is no HotfixRollout none in namespace shop; `kubectl get hfr -n shop` lists them.\n"


def test_the_namespace_is_that_of_the_context_where_none_is_named(
    patience: Patience, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = {"current-context": "live", "contexts": [{"name": "live", "context": {"namespace": "shop"}}]}
    (tmp_path / "config").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    assert run("get", "fix", "-o", "json")[0] == 0
    assert run("status", "fix")[0] == 3


def test_get_prints_a_table_or_data_or_that_there_is_nothing(patience: Patience, run: Run) -> None:
    code, out, err = run("get", "-n", "shop")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["NAME", "fix"]
    assert run("get", "-A")[1].split()[0] == "NAMESPACE"
    assert "MESSAGE" in run("get", "fix", "-n", "shop", "-o", "wide")[1]
    assert json.loads(run("get", "fix", "-n", "shop", "-o", "json")[1])["kind"] == "HotfixRollout"
    assert json.loads(run("get", "-A", "-o", "json")[1])["kind"] == "List"
    assert run("get", "-n", "shop", "-o", "text")[0] == 1
    assert "give NAME with -n NAMESPACE" in run("get", "fix", "-A")[2]
    patience.delete()
    assert run("get", "-n", "shop") == (0, "", "note: There is no HotfixRollout in namespace shop.\n")
    assert run("get", "-A") == (0, "", "note: There is no HotfixRollout in any namespace.\n")


@pytest.mark.parametrize(("succeeded", "phase", "code"), [("True", "Promoted", 0), ("False", "RolledBack", 1)])
def test_watch_and_status_end_as_the_rollout_did(patience: Patience, run: Run, succeeded: str, phase: str, code: int) -> None:
    patience.then(nothing, lambda: patience.status(**ended(succeeded, phase)))
    found, out, err = run("watch", "fix", "-n", "shop")
    assert (found, err, out.splitlines()[-1].partition("Z  ")[2]) == (code, "", f"{phase}. It is over.")
    assert run("status", "fix", "-n", "shop") == (code, f"fix: {phase}. It is over.\n", "")


@pytest.mark.parametrize(("succeeded", "phase", "code"), [("True", "Promoted", 0), ("False", "RolledBack", 1)])
def test_status_waits_for_the_end(patience: Patience, run: Run, succeeded: str, phase: str, code: int) -> None:
    patience.then(
        nothing, patience.silent(), patience.back, lambda: patience.status(phase="Analyzing", weight=5, message="Five.")
    )
    patience.then(lambda: patience.status(**ended(succeeded, phase)))
    note = "note: The API server does not answer to GET; still trying.\n"
    share = ", patched gets 5 %"
    assert run("status", "fix", "--wait", "-n", "shop") == (code, f"fix: {phase}{share}. It is over.\n", note)


def test_status_of_what_has_not_ended_ends_with_3(patience: Patience, run: Run) -> None:
    begun = patience.clock.now()
    patience.status(
        phase="Pending", message="Deployment checkout does not exist.", conditions=[{"type": "Stalled", "status": "True"}]
    )
    line = "fix: Pending. Deployment checkout does not exist.\n"
    assert run("status", "fix", "-n", "shop") == (3, line, "")
    assert patience.clock.now() == begun, "it does not wait"
    waited = run("status", "fix", "--wait", "--timeout", "90s", "-n", "shop")
    assert waited == (3, line, "error: It has not ended within 90s.\n")
    assert patience.clock.now() - begun == 90


def test_status_waits_for_the_moment_in_which_the_fix_serves_everybody(patience: Patience, run: Run) -> None:
    ready = {"type": "Ready", "status": "True", "observedGeneration": 1}
    serving = {"phase": "AwaitingGit", "weight": 100, "message": "It waits for git.", "conditions": [ready]}
    patience.then(nothing, lambda: patience.status(**serving))
    line = "fix: AwaitingGit, patched gets 100 %. It waits for git.\n"
    assert run("status", "fix", "--wait", "--for", "ready", "-n", "shop") == (0, line, "")
    assert run("status", "fix", "--for", "ready", "-n", "shop") == (0, line, "")
    assert run("status", "fix", "-n", "shop")[0] == 3
    assert run("status", "fix", "--for", "healthy", "-n", "shop")[0] == 2


def test_a_wait_for_ready_ends_with_a_rollback_and_with_the_time(patience: Patience, run: Run) -> None:
    waited = run("status", "fix", "--wait", "--for", "ready", "--timeout", "5s", "-n", "shop")
    assert (waited[0], waited[2]) == (3, "error: It is not ready within 5s.\n")
    patience.then(lambda: patience.status(**ended("False", "RolledBack")))
    assert run("status", "fix", "--wait", "--for", "ready", "-n", "shop") == (1, "fix: RolledBack. It is over.\n", "")


def test_a_rollout_that_is_deleted_while_its_end_is_awaited_is_an_error(patience: Patience, run: Run) -> None:
    patience.then(nothing, patience.delete)
    assert run("status", "fix", "--wait", "-n", "shop") == (
        1,
        "",
        "error: HotfixRollout fix is gone: it was deleted meanwhile.\n",
    )


def typed(arguments: list[str], **env: str) -> str:
    """Output of the program in a process of its own, as a shell starts it."""
    command = [sys.executable, "-c", "from hotfix.cli.app import main; main()", *arguments]
    more = {"PYTHONPATH": ":".join(sys.path), "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", **env}
    return subprocess.run(command, capture_output=True, text=True, check=True, env=more, timeout=60).stdout


def test_a_shell_completes_the_plugin_and_never_kubectl_itself() -> None:
    script = typed(["--show-completion", "bash"])
    assert script.splitlines()[-1].split() == ["complete", "-o", "default", "-F", "_kubectl_hotfix_completion", "kubectl-hotfix"]
    variable = next(word.partition("=")[0] for word in script.split() if word.endswith("=complete_bash"))
    found = typed([], **{variable: "complete_bash", "COMP_WORDS": "kubectl-hotfix re", "COMP_CWORD": "1"})
    assert found.split() == ["release", "resume", "retry"]
