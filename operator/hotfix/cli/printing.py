"""Objects as text. Equal parts are written out in full: YAML anchors are no friend of a reader."""

import json
from typing import Any

import yaml

from hotfix.errors import Refused

FORMATS = ("json", "yaml")


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


def as_yaml(*documents: Any) -> str:
    """One document each, keys in the order in which they were put."""
    return yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, width=120, allow_unicode=True)


def check(output: str | None) -> None:
    """Refused for a format that is none."""
    if output not in (None, *FORMATS):
        raise Refused(f"--output {output} is not known; give json or yaml, or nothing for text.")


def as_data(document: Any, output: str) -> str:
    """In one of the formats."""
    return as_yaml(document) if output == "yaml" else json.dumps(document, indent=2) + "\n"
