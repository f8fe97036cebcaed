"""Rollouts that have ended are not watched; now and then the Deployments of their namespaces are listed, to see whether the
broken version came back.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from itertools import groupby

from hotfix.core.reverted import Watched
from hotfix.errors import OutsideError
from hotfix.ports import Key

log = logging.getLogger(__name__)
Templates = Mapping[str, tuple[str, tuple[str, ...]]]  # Deployment -> (hash of its pod spec, images)


@dataclass(frozen=True, kw_only=True)
class Reverts:
    """`promoted`: what is watched for. `templates`: the Deployments of a namespace. `changed` has a rollout looked at."""

    promoted: Callable[[], Mapping[Key, Watched]]
    templates: Callable[[str], Awaitable[Templates]]
    changed: Callable[[Key], None]

    async def look(self) -> None:
        """One list for each namespace; one that cannot be read is left for the next time."""
        ordered = sorted(self.promoted().items(), key=lambda item: item[0].namespace)
        for namespace, items in groupby(ordered, key=lambda item: item[0].namespace):
            try:
                found = await self.templates(namespace)
            except OutsideError as error:
                log.info("the Deployments of %s cannot be listed: %s", namespace, error)
                continue
            for key, watched in items:
                present = found.get(watched.deployment)
                if present and watched.is_back(*present) != watched.told:
                    self.changed(key)
