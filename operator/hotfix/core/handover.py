"""What git is to say so that stable gets what was proven, ready to be pasted. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .changes import CONTAINERS, changed_paths, images_of
from .status import HandedOver

LONGEST_PART, LONGEST_MESSAGE = 4096, 1024  # characters; bytes, as Events have it


@dataclass(frozen=True, slots=True)
class ImageChange:
    """One container of stable and the image it is to have."""

    container: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Handover:
    """From stable's pod spec to the proven one. `paths`: what differs besides images, as kubectl names it. `apart`: names of
    images that become one thing in one container and another in the next."""

    namespace: str
    deployment: str
    images: tuple[ImageChange, ...]
    paths: tuple[str, ...]
    apart: frozenset[str]

    @property
    def kubectl(self) -> str | None:
        """The line for a person who keeps stable by hand; None where no image differs."""
        if not self.images:
            return None
        pairs = " ".join(f"{change.container}={change.after}" for change in self.images)
        return f"kubectl -n {self.namespace} set image deployment/{self.deployment} {pairs}"

    @property
    def kustomize(self) -> list[dict[str, str]]:
        """Entries of `images` in a kustomization.yaml: each image of stable by its name, with what replaces it wherever it is
        used; none for those that are `apart`."""
        found = {split(change.before)[0]: change for change in self.images}
        return [_entry(name, change) for name, change in found.items() if name not in self.apart]

    @property
    def helm(self) -> list[str]:
        """The image of each container as charts split it: repository and tag, or digest."""
        return [f"{change.container}: {_told(*split(change.after))}" for change in self.images]

    @property
    def sentence(self) -> str:
        """In one sentence of at most 1024 characters."""
        parts = [f"images {', '.join(f'{change.container}={change.after}' for change in self.images)}"] if self.images else []
        parts += [f"and {', '.join(self.paths)} as in the patched Deployment"] if self.paths else []
        text = f"In git, give Deployment {self.deployment} the {' '.join(parts).removeprefix('and ')}."
        return text if len(text) <= 1024 else f"{text[:1020]} ..."

    @property
    def ready_made(self) -> HandedOver | None:
        """Each part in one line, for the status; None where nothing differs."""
        if not self.images and not self.paths:
            return None
        apart = f"  # and in the Deployment the uses of {', '.join(sorted(self.apart))}" if self.apart else ""
        kustomize = f"images: {json.dumps(self.kustomize)}{apart}" if self.kustomize else None  # JSON: 1.4 is no number
        parts = {"kustomize": kustomize, "helm": "; ".join(self.helm) or None, "kubectl": self.kubectl}
        fitting = {name: part for name, part in parts.items() if part and len(part) <= LONGEST_PART}
        return HandedOver(sentence=self.sentence, **fitting)


def with_parts(message: str, told: HandedOver | None) -> str:
    """The message with as much as fits of what can be pasted, each part as a whole."""
    parts = {"kustomization.yaml": told.kustomize, "By hand": told.kubectl, "Helm": told.helm} if told else {}
    for what, part in parts.items():
        longer = f"{message} {what}: {part}"
        message = longer if part and len(longer.encode()) <= LONGEST_MESSAGE else message
    return message


def split(image: str) -> tuple[str, str | None, str | None]:
    """(name, tag, digest) of an image reference; a colon before the last slash belongs to a registry's port."""
    rest, _, digest = image.partition("@")
    name, colon, tag = rest.rpartition(":")
    if not colon or "/" in tag:
        name, tag = rest, ""
    return name, tag or None, digest or None


def _entry(old: str, change: ImageChange) -> dict[str, str]:
    name, tag, digest = split(change.after)
    entry = {"name": old}
    if name != old:
        entry["newName"] = name
    if digest:
        entry["digest"] = digest
    else:
        entry["newTag"] = tag or "latest"  # without one kustomize keeps the old tag
    return entry


def _told(name: str, tag: str | None, digest: str | None) -> str:
    told = [f"repository {name}"] + ([f"tag {tag}"] if tag else []) + ([f"digest {digest}"] if digest else [])
    return ", ".join(told)


def handover(namespace: str, deployment: str, stable: Mapping[str, Any], proven: Mapping[str, Any]) -> Handover:
    """From stable's pod spec to the proven one."""
    before, after = images_of(stable), images_of(proven)
    changed = [name for name in before if name in after and before[name] != after[name]]
    images = tuple(ImageChange(name, before[name], after[name]) for name in changed)
    told = {f"{kind}.{change.container}.image" for change in images for kind in CONTAINERS}
    become: dict[str, set[str]] = {}
    for name, image in before.items():
        become.setdefault(split(image)[0], set()).add(after.get(name, image))
    apart = frozenset(name for name, several in become.items() if len(several) > 1)
    return Handover(namespace, deployment, images, _beside(changed_paths(stable, proven), told), apart)


def _beside(paths: Sequence[str], told: set[str]) -> tuple[str, ...]:
    return tuple(path for path in paths if path not in told)
