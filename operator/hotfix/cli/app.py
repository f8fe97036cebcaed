"""`kubectl hotfix`: the commands, their options, and exit codes. What they do is in modules of their own.

Exit codes: 0 done, 1 not possible as asked (the sentence says what to do), 2 wrong usage, 3 no answer in time.
"""

import asyncio
import os
import sys
from typing import Annotated, Any

import typer

from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.errors import OutsideError, Refused, Unavailable
from hotfix.ports import Key

from . import asking, backtest, commands, copying, crd, doctor, init, sources, why
from .copying import Change
from .options import (
    Config,
    Context,
    Name,
    Namespace,
    OptionalName,
    Output,
    access,
    connected,
    moment,
    namespace_of,
    note,
    say,
    seconds,
)
from .printing import as_data, as_yaml, check
from .release import Release
from .sources import Found

NOT_POSSIBLE, NO_ANSWER = 1, 3
PROGRAM, COMPLETING = "kubectl-hotfix", "_KUBECTL_HOTFIX_COMPLETE"  # typer makes the second of the first

app = typer.Typer(
    name="kubectl hotfix",
    help="Ships hotfixes on Kubernetes: shifts traffic from a stable to a patched Deployment by evidence.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Url = Annotated[
    str, typer.Option("--prometheus-url", envvar="HOTFIX_PROMETHEUS_URL", help="Address of Prometheus as seen from here.")
]
Token = Annotated[str | None, typer.Option("--prometheus-bearer-token-file", help="File with a bearer token for it.")]
Header = Annotated[list[str] | None, typer.Option("--prometheus-header", help="NAME=@FILE: one more header for it (repeatable).")]
Ca = Annotated[str | None, typer.Option("--prometheus-ca-file", help="File with the CA certificates of its address.")]
Interval = Annotated[
    str | None,
    typer.Option("--scrape-interval", help="How often it scrapes. [the manifest's, else HOTFIX_SCRAPE_INTERVAL, else 15s]"),
]


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
        where, deployment = namespace_of(namespace, config, context), wanted
        found = connected(lambda kube: _look(kube, where, deployment), config, context)
    stable = init.choose(found, wanted, service)
    change = Change(
        image=image,
        container=container,
        env=_variables(env or []),
        name=name,
        incident=incident,
        paused=paused,
        namespace=where or stable.deployment["metadata"].get("namespace"),
        number=init.number(found, stable.name),
    )
    printed = init.manifests(stable, change)
    for sentence in init.remarks(stable, found, printed):
        print(f"note: {sentence}", file=sys.stderr)
    print(as_yaml(*printed), end="")


async def _look(kube: Kube, namespace: str, deployment: str) -> Found:
    def patched(found: Found) -> str:
        return copying.patched_name(deployment, init.number(found, deployment))

    return await sources.from_cluster(kube, namespace, deployment, patched)


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
    name: Name,
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Explain a rollout: what the counts say, every decision with its numbers, what is waited for and what comes next."""
    where = namespace_of(namespace, config, context)
    raw = connected(lambda kube: why.remembered(kube, where, name), config, context)
    print(why.show(name, raw, output), end="")


@app.command("release")
def release_command(  # noqa: PLR0913, PLR0917 - one parameter is one option
    name: Name,
    timeout: Annotated[str, typer.Option(help="How long to wait for the end.")] = "5m",
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Let go of everything: traffic back to stable, the route as it was, no finalizer left; also without an operator."""
    check(output)
    key, tell = Key(namespace_of(namespace, config, context), name), note if output else say
    sentence = connected(lambda kube: Release(kube, key, tell).run(seconds(timeout)), config, context)
    told = {"namespace": key.namespace, "name": key.name, "request": "release", "result": "Released", "message": sentence}
    print(as_data(told, output).rstrip() if output else f"Released: {sentence.removeprefix('Released: ')}")


@app.command("doctor")
def doctor_command(  # noqa: PLR0913, PLR0917 - one parameter is one option
    name: OptionalName = None,
    file: Annotated[str | None, typer.Option("--filename", "-f", help="A manifest instead of a stored HotfixRollout.")] = None,
    prometheus_url: Url = "http://localhost:9090",
    token: Token = None,
    ca: Ca = None,
    header: Header = None,
    interval: Interval = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Say which series Prometheus has for which side, at what rate, and what would keep traffic from moving (exit code 1)."""
    reached = access(prometheus_url, token, ca, header)

    async def asked(kube: Kube) -> doctor.Report:
        subject = await _subject(kube, name, file, namespace_of(namespace, config, context))
        return await doctor.examine(reached, subject, SystemClock().now(), scraped(subject, interval))

    report = connected(asked, config, context)
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
    output: Output = None,
    prometheus_url: Url = "http://localhost:9090",
    token: Token = None,
    ca: Ca = None,
    header: Header = None,
    interval: Interval = None,
    namespace: Namespace = None,
) -> None:
    """Run the analysis over past counts of two Deployments, or of one against itself. Only Prometheus is asked: the manifest
    names metrics.preset, or queries of its own, and where the preset counts by Service port, that is taken to be 80."""
    check(output)
    reached = access(prometheus_url, token, ca, header)
    subject = asking.from_file(file, namespace)
    step = scraped(subject, interval)
    span = (moment(begin) // step * step, moment(end) // step * step, step)
    found = asyncio.run(backtest.run(reached, subject, span, same=same, every_seconds=seconds(every), weight=weight))
    print(as_data(backtest.data(found), output) if output else backtest.as_text(found), end="")


def scraped(subject: asking.Subject, interval: str | None) -> float:
    """Seconds between two scrapes, as the operator would take them, unless it is told otherwise."""
    return seconds(interval or subject.asked.metrics.interval or os.environ.get("HOTFIX_SCRAPE_INTERVAL") or "15s")


async def _subject(kube: Kube, name: str | None, file: str | None, namespace: str) -> asking.Subject:
    if file:
        return await asking.with_views(kube, asking.from_file(file, namespace))
    if name is None:
        raise Refused("Name a HotfixRollout, or give a manifest: kubectl hotfix doctor NAME, or -f FILE.")
    return await asking.from_cluster(kube, namespace, name)


@app.command("crd")
def crd_command() -> None:
    """Print the CustomResourceDefinition of this version, for `kubectl apply --server-side -f -`."""
    print(crd.render(), end="")


commands.add_to(app)


def main(arguments: list[str] | None = None) -> Any:
    """Console script `kubectl-hotfix`, which makes `kubectl hotfix` work."""
    given = sys.argv[1:] if arguments is None else arguments
    # a shell completes the program's own name: under the other one its script would take over the completion of kubectl
    name = PROGRAM if given and "-completion" in given[0] else "kubectl hotfix"
    try:
        app(args=given, prog_name=name, complete_var=COMPLETING)
    except Unavailable as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(NO_ANSWER)
    except OutsideError as error:
        text = str(error).replace("The operator lacks a right", "You lack a right")
        print(f"error: {text}", file=sys.stderr)
        sys.exit(NOT_POSSIBLE)
