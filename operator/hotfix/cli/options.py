"""What the commands have in common: their options, the rollout that is meant, and a connection to the cluster."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar

import typer

from hotfix.adapters.kube import Kube
from hotfix.adapters.prometheus import Access
from hotfix.core import moments, quantities
from hotfix.errors import Refused

from . import kubeconfig

T = TypeVar("T")


def _given(name: str | None) -> str | None:
    """A variable of a script that is not set is wrong usage, and does not mean all of them."""
    if name == "":
        raise typer.BadParameter("give the name of a HotfixRollout; this one is empty.")
    return name


Name = Annotated[str, typer.Argument(help="The HotfixRollout.", callback=_given)]
OptionalName = Annotated[str | None, typer.Argument(help="The HotfixRollout.", callback=_given)]
NameOrAll = Annotated[str | None, typer.Argument(help="The HotfixRollout. Default: all of the namespace.", callback=_given)]
Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Namespace. Default: the context's.")]
Config = Annotated[str | None, typer.Option("--kubeconfig", help="Kubeconfig file. Default: KUBECONFIG, else ~/.kube/config.")]
Context = Annotated[str | None, typer.Option(help="Context of the kubeconfig. Default: the current one.")]

Output = Annotated[str | None, typer.Option("--output", "-o", help="json or yaml instead of text.")]


def namespace_of(namespace: str | None, config: str | None, context: str | None) -> str:
    """The namespace that was named, else the context's."""
    return namespace or kubeconfig.namespace(kubeconfig=config, context=context)


def connected(act: Callable[[Kube], Awaitable[T]], config: str | None, context: str | None) -> T:
    """What `act` does with a connection, which is closed afterwards. Raises what hotfix.errors names."""

    async def acted() -> T:
        # as for kubectl, a pod's own service account is for where no kubeconfig says otherwise
        chosen = context or kubeconfig.current(kubeconfig=config)
        async with await Kube.login(kubeconfig=config, context=chosen) as kube:
            return await act(kube)

    return asyncio.run(acted())


def access(url: str, token: str | None, ca: str | None, headers: list[str] | None) -> Access:
    """How Prometheus is reached; Refused where a header is not NAME=@FILE."""
    pairs = [(entry, *entry.partition("=@")) for entry in headers or ()]
    for entry, name, _, file in pairs:
        if not name or not file:
            raise Refused(f"--prometheus-header {entry} is not NAME=@FILE, for example X-Scope-OrgID=@tenant.")
    named = tuple((name, file) for _, name, _, file in pairs)
    return Access(url=url, bearer_token_file=token, ca_file=ca, headers=named)


def seconds(text: str) -> float:
    """Seconds of a duration such as `1h30m`, at least 1; Refused when it is none."""
    try:
        return max(1.0, quantities.seconds(text))
    except ValueError as error:
        raise Refused(f"{error}.") from error


def moment(text: str) -> float:
    """Seconds since 1970 of an RFC 3339 moment; Refused when it is none."""
    try:
        return moments.unix(text)
    except ValueError as error:
        raise Refused(f"{text} is no RFC 3339 moment such as 2030-01-31T17:00:00Z.") from error


def say(sentence: str) -> None:
    """At once, also where the output is no terminal."""
    print(sentence, flush=True)


def note(sentence: str) -> None:
    """Told to whoever looks on; it is no part of the result."""
    print(f"note: {sentence}", file=sys.stderr)
