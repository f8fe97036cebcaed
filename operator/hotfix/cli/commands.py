"""The commands for a rollout that is under way: they ask the operator for something, or show what happens. Their options only."""

from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console

from hotfix.adapters.kube import Kube
from hotfix.errors import Refused, Unavailable
from hotfix.ports import Key, Stored

from . import following, handing_over, listing
from .following import Follower
from .options import Config, Context, Name, NameOrAll, Namespace, Output, connected, namespace_of, note, say, seconds
from .printing import as_data, check
from .requesting import RETRY, RETRY_SAME, VERBS, Request, ask
from .shown import Goal, Outcome, found, outcome, sentence
from .watching import watch

Timeout = Annotated[str, typer.Option(help="How long to wait for the answer.")]
ANSWERED, COMPLETED = "60s", Goal.COMPLETED


def add_to(app: typer.Typer) -> None:
    """All of them."""
    for verb, what in VERBS.items():
        app.command(verb, help=what)(_asking(verb))
    app.command(RETRY)(_retry)
    app.command("get")(_get)
    app.command("watch")(_watch)
    app.command("status")(_status)
    app.command("handover")(_handover)


def _asking(verb: str) -> Callable[..., None]:
    """The command that asks for one thing."""

    def command(  # noqa: PLR0913, PLR0917 - one parameter is one option
        name: Name,
        timeout: Timeout = ANSWERED,
        output: Output = None,
        namespace: Namespace = None,
        context: Context = None,
        config: Config = None,
    ) -> None:
        check(output)
        key = Key(namespace_of(namespace, config, context), name)
        connected(lambda kube: _answer(kube, key, verb, seconds(timeout), output), config, context)

    return command


def _retry(  # noqa: PLR0913, PLR0917 - one parameter is one option
    name: Name,
    same: Annotated[
        bool, typer.Option("--same", help="Also where patched is what was rolled back, or a newer fix is in stable.")
    ] = False,
    timeout: Timeout = ANSWERED,
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Begin again after a rollback, with a patched Deployment that was changed since."""
    _asking(RETRY_SAME if same else RETRY)(name, timeout, output, namespace, context, config)


async def _answer(kube: Kube, key: Key, verb: str, timeout_seconds: float, output: str | None) -> None:
    request = Request(kube, verb)

    def told(result: str, message: str) -> None:
        where = {"namespace": key.namespace, "name": key.name}
        say(
            as_data({**where, "request": request.text, "result": result, "message": message}, output).rstrip()
            if output
            else message
        )

    try:
        told("Accepted", await ask(request, Follower(kube, key, note, following.REAL), note if output else say, timeout_seconds))
    except Refused as error:
        if output:
            told("Refused", str(error))
        raise


def _get(  # noqa: PLR0913, PLR0917 - one parameter is one option
    name: NameOrAll = None,
    everywhere: Annotated[bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")] = False,
    output: Annotated[str | None, typer.Option("--output", "-o", help="json or yaml as it is stored, or wide.")] = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """List rollouts: phase, weight, verdict, what comes next."""
    listing.check(output)
    if name and everywhere:
        raise Refused("A rollout is named in one namespace: give NAME with -n NAMESPACE, or -A without a NAME.")
    where = None if everywhere else namespace_of(namespace, config, context)
    items = connected(lambda kube: listing.stored_objects(kube, where, name), config, context)
    if output in ("json", "yaml"):
        print(listing.data(items, output, one=name is not None), end="")
    elif items:
        now = following.REAL.clock.now()
        listing.show(listing.table(items, now, namespaces=everywhere, wide=output == "wide"))
    else:
        note(f"There is no HotfixRollout in {f'namespace {where}' if where else 'any namespace'}.")


def _handover(
    name: Name,
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Print what git is to say so that stable gets what patched runs: for kustomize, Helm and kubectl. Nothing is written.

    Where git is not waited for, the first line says so. Exit code 0: it is proven, 1: taken back or not what was proven, 3: not
    proven yet.
    """
    check(output)
    where = namespace_of(namespace, config, context)
    told, containers, standing = connected(lambda kube: handing_over.difference(kube, where, name), config, context)
    if standing.warning:
        (note if output else say)(standing.warning)
    print(handing_over.show(told, containers, output), end="")
    raise typer.Exit(standing.outcome)


def _watch(name: Name, namespace: Namespace = None, context: Context = None, config: Config = None) -> None:
    """Show a rollout while it happens, until it has ended. Exit code 0: succeeded, 1: it ended otherwise."""
    key = Key(namespace_of(namespace, config, context), name)

    async def shown(kube: Kube) -> Outcome:
        console = Console(highlight=False)
        return await watch(Follower(kube, key, note, following.REAL), console, following.REAL.clock)

    raise typer.Exit(connected(shown, config, context))


def _status(  # noqa: PLR0913, PLR0917 - one parameter is one option
    name: Name,
    wait: Annotated[bool, typer.Option("--wait", help="Until it has ended, or is what --for says.")] = False,
    goal: Annotated[
        Goal, typer.Option("--for", help="ready: also while git is awaited, when the fix serves everybody.")
    ] = COMPLETED,
    timeout: Annotated[str, typer.Option(help="How long to wait.")] = "2h",
    output: Output = None,
    namespace: Namespace = None,
    context: Context = None,
    config: Config = None,
) -> None:
    """Say in one line how it stands. Exit code 0: succeeded, 1: it ended otherwise, 3: not ended (with --wait: not in time).

    With --for ready it is 0 as soon as the fix serves everybody: where git keeps stable, the end comes only after the commit.
    """
    check(output)
    key, longest = Key(namespace_of(namespace, config, context), name), seconds(timeout)

    async def reached(kube: Kube) -> Stored:
        follower = Follower(kube, key, note, following.REAL)
        stored = await follower.first(longest)
        while wait and outcome(stored, goal) is Outcome.GOING and (later := await follower.next()):
            stored = later
        return stored

    stored = connected(reached, config, context)
    print(as_data(found(stored), output).rstrip() if output else f"{name}: {sentence(stored.status)}")
    if wait and outcome(stored, goal) is Outcome.GOING:
        raise Unavailable(f"It {'is not ready' if goal is Goal.READY else 'has not ended'} within {timeout}.")
    raise typer.Exit(outcome(stored, goal))
