import os
import re
from pathlib import Path

from .tree import ROOT, files, short, texts

DOCUMENTS = [path for path in files() if path.suffix == ".md"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"```.*?```", re.DOTALL)
TARGET = re.compile(r"^([a-zA-Z][\w-]*):(?!=)(.*)$", re.MULTILINE)
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = {match.group(1): match.group(2) for match in TARGET.finditer(MAKEFILE)}


def _anchors(text: str) -> set[str]:
    """Anchors of the headings, as forges make them."""
    headings = re.findall(r"^#{1,6} +(.+)$", CODE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-") for heading in headings}


def test_the_documents_that_a_reader_looks_for_are_there() -> None:
    assert {"README.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= {short(path) for path in DOCUMENTS}
    assert (ROOT / "LICENSE").exists()


def _leads_nowhere(path: Path, target: str) -> bool:
    name, _, anchor = target.partition("#")
    aim = (path.parent / name).resolve() if name else path
    return not aim.exists() or bool(anchor and anchor not in _anchors(aim.read_text()))


def test_links_lead_somewhere() -> None:
    links = [(path, target) for path in DOCUMENTS for target in LINK.findall(CODE.sub("", texts()[path]))]
    inside = [(path, target) for path, target in links if not re.match(r"[a-z]+:", target)]
    assert len(inside) > 5
    assert [f"{short(path)}: {target}" for path, target in inside if _leads_nowhere(path, target)] == []


def test_a_make_target_that_is_named_exists() -> None:
    for path in DOCUMENTS:
        named = set(re.findall(r"(?:`|^)(?:[A-Z_]+=\S+ )*make ([a-z][\w-]*)", texts()[path], re.MULTILINE))
        assert named <= TARGETS.keys(), short(path)


def test_every_target_says_what_it_does_and_is_phony() -> None:
    phony = {name for line in re.findall(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE) for name in line.split()}
    assert phony == TARGETS.keys()
    assert [name for name, rest in TARGETS.items() if " ## " not in rest] == []


def test_what_is_run_by_name_can_be_run() -> None:
    for name in (".ci/run",):
        assert os.access(ROOT / name, os.X_OK), name


def test_the_version_is_the_same_everywhere() -> None:
    version = re.search(r'^version = "(.+)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert version
    labels = {
        short(path): set(re.findall(r"app\.kubernetes\.io/version: (\S+)", text))
        for path, text in texts().items()
        if short(path).startswith("deploy/")
    }
    assert {name: found for name, found in labels.items() if found - {version.group(1)}} == {}
    assert f"ARG VERSION={version.group(1)}\n" in (ROOT / "Dockerfile").read_text()
    assert f"## {version.group(1)}" in (ROOT / "CHANGELOG.md").read_text()
