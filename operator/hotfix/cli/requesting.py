"""What a person asks of a rollout (promote, rollback, pause, ...): an annotation, and the answer that the operator writes into
the status. Only the operator decides; here it is asked and waited for.
"""

import uuid
from collections.abc import Callable
from typing import Any

from hotfix.adapters.kube import Kube
from hotfix.adapters.store import KubeStore
from hotfix.core.quantities import span
from hotfix.errors import Refused, Unavailable
from hotfix.ports import Key, Stored

from .following import Follower
from .shown import Outcome, outcome

MANAGER = "hotfix-cli"
# verb -> what its command says of itself
VERBS = {
    "promote": "Skip the evidence: go to the bake with every guard armed. Missing pods are never skipped.",
    "rollback": "Take all traffic away from patched. It needs an operator; `release` works without one.",
    "pause": "Freeze it where it is; the guards stay armed.",
    "resume": "Go on after `pause`.",
    "acknowledge": "Tell a rollout that waits for a person that it was read.",
}
RETRY, RETRY_SAME = "retry", "retry-same"


class Request:
    """One request, `verb:token`. It is written again where it vanished unanswered, as a GitOps tool that restores what is in git
    makes it vanish; it is never written again once it was taken up, nor over another person's."""

    def __init__(self, kube: Kube, verb: str) -> None:
        self._store, self.verb = KubeStore(kube), verb
        self.text = f"{verb}:{uuid.uuid4().hex[:8]}"
        self._before: set[str | None] = set()  # requests that were there before this one
        self._taken_up = False

    def answer(self, stored: Stored) -> dict[str, Any] | None:
        """`{result: Accepted, Refused or Waiting, message}` of this request; None while there is none."""
        return dict(stored.status["lastHandledRequest"]) if _answered(stored) == self.text else None

    async def keep(self, stored: Stored) -> None:
        """Write it, at first and where it must be again. Refused when a later request took its place, which is not undone."""
        if self._absent(stored):
            self._before |= {_answered(stored), stored.request}
            await self._store.request(stored, self.text, MANAGER)

    def _absent(self, stored: Stored) -> bool:
        if not self._before:
            return True
        answered, asked = _answered(stored), stored.request
        if answered == self.text:
            self._taken_up = True
            return False
        later = next((text for text in (answered, asked) if text not in {*self._before, None, self.text}), None)
        if later or self._taken_up:
            raise Refused(f"Another request, {later or answered}, took the place of this one; ask again if it is still wanted.")
        return asked != self.text


def _answered(stored: Stored) -> str | None:
    """The request that the operator took up last."""
    handled = stored.status.get("lastHandledRequest")
    return handled.get("request") if isinstance(handled, dict) else None


async def ask(request: Request, follower: Follower, say: Callable[[str], None], timeout_seconds: float) -> str:
    """The operator's sentence when it accepts. `say` is told once what it waits for. Raises Refused with the operator's reason,
    NotFound, and Unavailable when there is no answer in time."""
    stored = await follower.first(timeout_seconds)
    waits = ""
    while True:
        try:
            await request.keep(stored)
        except Unavailable as error:
            follower.unheard(error)
        answer = request.answer(stored) or {}
        result, message = answer.get("result"), str(answer.get("message") or "")
        if result == "Accepted":
            return message or "It is accepted."
        if result == "Refused":
            raise Refused(message or "It was refused, without a reason.")
        if message and not waits:
            say(f"Waiting: {message}")
        waits = message or waits
        later = await follower.next()
        if later is None:
            raise Unavailable(_unanswered(request, follower.key, stored, timeout_seconds))
        stored = later


def _unanswered(request: Request, key: Key, last: Stored, timeout_seconds: float) -> str:
    """What is known when the time is over, and what can be done."""
    after = span(timeout_seconds)
    if answer := request.answer(last):
        waits_for = answer.get("message") or "it does not say for what"
        return f"The operator took it up, and after {after} it still waits; it stays asked for: {waits_for}"
    said = [f"No operator answered within {after}; the request stays on the rollout until one does."]
    if outcome(last) is not Outcome.GOING:
        said.append(f"The rollout has ended as {last.status.get('phase')}: {last.status.get('message', '')}")
    if request.verb == "rollback":
        said.append(f"`kubectl hotfix release {key.name} -n {key.namespace}` works without an operator.")
    return " ".join(said)
