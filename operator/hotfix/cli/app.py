"""`kubectl hotfix`: the commands, their options, and exit codes. What they do is in modules of their own.

Exit codes: 0 done, 1 not possible as asked (the sentence says what to do), 2 wrong usage, 3 the cluster does not answer.
"""

import asyncio
import sys
from typing import Annotated, Any

import typer

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.adapters.prometheus import Access
from hotfix.core import moments, quantities
from hotfix.errors import OutsideError, Refused, Unavailable
from hotfix.ports import Key

from . import asking, backtest, copying, crd, doctor, init, kubeconfig, sources, why
from .copying import Change
from .printing import as_yaml
from .release import Release
from .sources import Found

NOT_POSSIBLE, NO_ANSWER = 1, 3

app = typer.Typer(
    name="kubectl hotfix",
    help="Ships hotfixes on Kubernetes: shifts traffic from a stable to a patched Deployment by evidence.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace. Default: the context's.")]
Config = Annotated[str | None, typer.Option("--kubeconfig", help="Kubeconfig file. Default: KUBECONFIG, else ~/.kube/config.")]
Url = Annotated[
    str, typer.Option("--prometheus-url", envvar="HOTFIX_PROMETHEUS_URL", help="Address of Prometheus as seen from here.")
]
Token = Annotated[str | None, typer.Option("--prometheus-bearer-token-file", help="File with a bearer token for it.")]
Ca = Annotated[str | None, typer.Option("--prometheus-ca-file", help="File with the CA certificates of its address.")]
Interval = Annotated[str, typer.Option("--scrape-interval", envvar="HOTFIX_SCRAPE_INTERVAL", help="How often it scrapes.")]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig. Default: the current one.")]


@app.callback()
def _root() -> None:
    """Ships hotfixes on Kubernetes: shifts traffic from a stable to a patched Deployment by evidence."""


@app.command("init")
def init_command(  # noqa: PLR0913, PLR0917 - one parameter is one option
    target: Annotated[str | None, typer.Argument(metavar="deploy/NAME", help="The Deployment that is broken.")] = None,
    image: Annotated[str | None, typer.Option(help="Image of the fix.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Set a variable (repeatable).")] = None,
    container: Annotated[str | None, typer.Option(help="The container to change, where there are several.")] = None,
    service: Annotated[str | None, typer.Option(help="Stable's Service. Default: the one named like the Deployment.")] = None,
    name: Annotated[str | None, typer.Option(help="Name of the HotfixRollout.")] = None,
    incident: Annotated[str | None, typer.Option(help="Incident number, for example INC-4711.")] = None,
    paused: Annotated[bool, typer.Option("--paused", help="A rehearsal: everything is checked, nothing is shifted.")] = False,
    file: Annotated[
        str | None, typer.Option("--filename", "-f", help="Read Deployment and Service from a file (-: standard input).")
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Print a hotfix: patched's Deployment (a copy of stable's with the fix), its Service, and the HotfixRollout.

    Nothing is written to the cluster: look at it, commit it, or pipe it to `kubectl apply -f -`.
    """
    wanted = init.target_name(target) if target else None
    if file:
        found, where = sources.from_manifests(file), namespace
    else:
        if wanted is None:
            raise Refused("Name the Deployment that is broken: kubectl hotfix init deploy/NAME --image IMAGE.")
        where = namespace or kubeconfig.namespace(kubeconfig=config, context=context)
        found = asyncio.run(_look(where, wanted, config, context))
    stable = init.choose(found, wanted, service)
    change = Change(
        image=image,
        container=container,
        env=_variables(env or []),
        name=name,
        incident=incident,
        paused=paused,
        namespace=where or stable.deployment["metadata"].get("namespace"),
    )
    printed = init.manifests(stable, change)
    for sentence in init.remarks(stable, found, printed):
        print(f"note: {sentence}", file=sys.stderr)
    print(as_yaml(*printed), end="")


async def _look(namespace: str, deployment: str, config: str | None, context: str | None) -> Found:
    async with await Kube.login(kubeconfig=config, context=context) as kube:
        return await sources.from_cluster(kube, namespace, deployment, copying.patched_name(deployment))


def _variables(pairs: list[str]) -> dict[str, str]:
    variables: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Refused(f"--env {pair} is not NAME=VALUE, for example --env PAYMENTS_RETRY=off.")
        variables[name] = value
    return variables


@app.command("why")
def why_command(
    name: Annotated[str, typer.Argument(help="The HotfixRollout.")],
    output: Annotated[str | None, typer.Option("--output", "-o", help="json or yaml instead of text.")] = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Explain a rollout: what the counts say, every decision with its numbers, what is waited for and what comes next."""
    where = namespace or kubeconfig.namespace(kubeconfig=config, context=context)
    raw = asyncio.run(_remembered(where, name, config, context))
    print(why.show(name, raw, output), end="")


async def _remembered(namespace: str, name: str, config: str | None, context: str | None) -> dict[str, Any]:
    async with await Kube.login(kubeconfig=config, context=context) as kube:
        return await why.remembered(kube, namespace, name)


@app.command("release")
def release_command(
    name: Annotated[str, typer.Argument(help="The HotfixRollout.")],
    timeout: Annotated[str, typer.Option(help="How long to wait for the end.")] = "5m",
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Let go of everything: traffic back to stable, the route as it was, no finalizer left; also without an operator."""
    where = namespace or kubeconfig.namespace(kubeconfig=config, context=context)

    async def released() -> str:
        async with await Kube.login(kubeconfig=config, context=context) as kube:
            return await Release(kube, Key(where, name), print).run(_seconds(timeout))

    print(f"Released: {asyncio.run(released())}")


@app.command("doctor")
def doctor_command(  # noqa: PLR0913, PLR0917 - one parameter is one option
    name: Annotated[str | None, typer.Argument(help="The HotfixRollout.")] = None,
    file: Annotated[str | None, typer.Option("--filename", "-f", help="A manifest instead of a stored HotfixRollout.")] = None,
    prometheus_url: Url = "http://localhost:9090",
    token: Token = None,
    ca: Ca = None,
    interval: Interval = "15s",
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Say which series Prometheus has for which side, at what rate, and what would keep traffic from moving (exit code 1)."""
    access = Access(url=prometheus_url, bearer_token_file=token, ca_file=ca)

    async def asked() -> doctor.Report:
        async with await Kube.login(kubeconfig=config, context=context) as kube:
            subject = await _subject(kube, name, file, namespace or kubeconfig.namespace(kubeconfig=config, context=context))
            return await doctor.examine(access, subject, SystemClock().now(), _seconds(interval))

    report = asyncio.run(asked())
    print(report.text, end="")
    for sentence in report.notes:
        print(f"note: {sentence}")
    for sentence in report.problems:
        print(f"problem: {sentence}")
    if report.problems:
        raise typer.Exit(NOT_POSSIBLE)
    print("An analysis can be made of this.")


@app.command("backtest")
def backtest_command(  # noqa: PLR0913, PLR0917 - one parameter is one option
    file: Annotated[str, typer.Option("--filename", "-f", help="The manifest of a HotfixRollout.")],
    begin: Annotated[str, typer.Option("--from", help="RFC 3339 moment.")],
    end: Annotated[str, typer.Option("--to", help="RFC 3339 moment.")],
    same: Annotated[bool, typer.Option("--same", help="Stable against itself: how often would it be rolled back?")] = False,
    every: Annotated[str, typer.Option(help="An analysis begins every so often.")] = "10m",
    weight: Annotated[int, typer.Option(min=1, max=99, help="Patched's weight then, in percent.")] = 50,
    output: Annotated[str | None, typer.Option("--output", "-o", help="json instead of a table.")] = None,
    prometheus_url: Url = "http://localhost:9090",
    token: Token = None,
    ca: Ca = None,
    interval: Interval = "15s",
    namespace: Namespace = None,
) -> None:
    """Run the analysis over past counts of two Deployments, or of one against itself. Only Prometheus is asked."""
    access = Access(url=prometheus_url, bearer_token_file=token, ca_file=ca)
    subject = asking.from_file(file, namespace)
    step = _seconds(interval)
    span = (_moment(begin) // step * step, _moment(end) // step * step, step)
    found = asyncio.run(backtest.run(access, subject, span, same=same, every_seconds=_seconds(every), weight=weight))
    print(backtest.as_json(found) if output == "json" else backtest.as_text(found), end="")


async def _subject(kube: Kube, name: str | None, file: str | None, namespace: str) -> asking.Subject:
    if file:
        return await asking.with_views(kube, asking.from_file(file, namespace))
    if name is None:
        raise Refused("Name a HotfixRollout, or give a manifest: kubectl hotfix doctor NAME, or -f FILE.")
    return await asking.from_cluster(kube, namespace, name)


def _seconds(text: str) -> float:
    try:
        return max(1.0, quantities.seconds(text))
    except ValueError as error:
        raise Refused(f"{error}.") from error


def _moment(text: str) -> float:
    try:
        return moments.unix(text)
    except ValueError as error:
        raise Refused(f"{text} is no RFC 3339 moment such as 2030-01-31T17:00:00Z.") from error


@app.command("crd")
def crd_command() -> None:
    """Print the CustomResourceDefinition of this version, for `kubectl apply --server-side -f -`."""
    print(crd.render(), end="")


def main(arguments: list[str] | None = None) -> Any:
    """Console script `kubectl-hotfix`, which makes `kubectl hotfix` work."""
    try:
        app(args=arguments, prog_name="kubectl hotfix")
    except Unavailable as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(NO_ANSWER)
    except OutsideError as error:
        text = str(error).replace("The operator lacks a right", "You lack a right")
        print(f"error: {text}", file=sys.stderr)
        sys.exit(NOT_POSSIBLE)
