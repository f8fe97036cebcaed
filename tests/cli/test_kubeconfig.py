import os
from pathlib import Path

import pytest
import yaml

from hotfix.cli import kubeconfig
from hotfix.errors import Refused


def written(path: Path, current: str | None, **namespaces: str | None) -> Path:
    """A kubeconfig with these contexts."""
    contexts = [{"name": name, "context": {"cluster": "c", "user": "u", "namespace": ns}} for name, ns in namespaces.items()]
    path.write_text(yaml.safe_dump({"current-context": current, "contexts": contexts}))
    return path


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def test_the_current_context_of_the_named_file_counts(tmp_path: Path) -> None:
    file = str(written(tmp_path / "a", "live", live="shop", test="shop-test"))
    assert kubeconfig.namespace(kubeconfig=file, context=None) == "shop"
    assert kubeconfig.namespace(kubeconfig=file, context="test") == "shop-test"


def test_a_context_without_a_namespace_or_an_unknown_one_means_default(tmp_path: Path) -> None:
    file = str(written(tmp_path / "a", "live", live=None))
    assert kubeconfig.namespace(kubeconfig=file, context=None) == "default"
    assert kubeconfig.namespace(kubeconfig=file, context="gone") == "default"


def test_of_several_files_the_first_that_says_something_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [
        tmp_path / "absent",
        written(tmp_path / "a", None, live="first"),
        written(tmp_path / "b", "live", live="second"),
        written(tmp_path / "c", "test", test="third"),
    ]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    assert kubeconfig.namespace(kubeconfig=None, context=None) == "first"
    assert kubeconfig.namespace(kubeconfig=None, context="test") == "third"


def test_the_file_in_the_home_folder_is_the_last_resort(tmp_path: Path) -> None:
    assert kubeconfig.namespace(kubeconfig=None, context=None) == "default"
    (tmp_path / "home" / ".kube").mkdir(parents=True)
    written(tmp_path / "home" / ".kube" / "config", "live", live="at-home")
    assert kubeconfig.namespace(kubeconfig=None, context=None) == "at-home"


@pytest.mark.parametrize("content", ["a: [", "\t"])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "broken").write_text(content)
    with pytest.raises(Refused, match="broken cannot be read as a kubeconfig"):
        kubeconfig.namespace(kubeconfig=str(tmp_path / "broken"), context=None)


def test_a_named_file_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read: No such file or directory"):
        kubeconfig.namespace(kubeconfig=str(tmp_path / "none"), context=None)
