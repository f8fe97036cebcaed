import os
from pathlib import Path

import certifi
import pytest
import yaml

from hotfix.adapters import login
from hotfix.adapters.kube import Kube
from hotfix.cli import kubeconfig
from hotfix.cli.options import connected, namespace_of
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


# ---- in a pod


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """This process runs in a pod, whose service account may log in to its own cluster."""
    for name, content in (("token", "from-the-pod"), ("namespace", "runners")):
        (tmp_path / name).write_text(content)
    monkeypatch.setattr(login, "SERVICE_ACCOUNT", tmp_path / "token")
    monkeypatch.setattr(login, "OWN_NAMESPACE", tmp_path / "namespace")
    loader = "kubernetes.aio.config.incluster_config"
    monkeypatch.setattr(f"{loader}.SERVICE_TOKEN_FILENAME", str(tmp_path / "token"))
    monkeypatch.setattr(f"{loader}.SERVICE_CERT_FILENAME", certifi.where())
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")


def reached(context: str | None = None) -> tuple[str, str]:
    """The API server that a command would ask, and the namespace."""

    async def host(kube: Kube) -> str:
        return str(kube._configuration.host)

    return connected(host, None, context), namespace_of(None, None, context)


def environment(monkeypatch: pytest.MonkeyPatch, *files: Path) -> None:
    """KUBECONFIG names these; the client reads it when it is imported."""
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(map(str, files)))
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", os.environ["KUBECONFIG"])


def cluster(path: Path, name: str, current: str | None) -> Path:
    """A kubeconfig of one cluster."""
    content = {
        "current-context": current,
        "clusters": [{"name": name, "cluster": {"server": f"https://{name}.example"}}],
        "users": [{"name": name, "user": {"token": "any"}}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": f"{name}-shop"}}],
    }
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.usefixtures("pod")
def test_a_kubeconfig_counts_also_in_a_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, cluster(tmp_path / "a", "live", "live"))
    assert reached() == ("https://live.example", "live-shop")


@pytest.mark.usefixtures("pod")
def test_without_a_kubeconfig_the_service_account_is_the_last_resort(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, tmp_path / "absent")
    assert reached() == ("https://10.96.0.1:443", "runners")
    environment(monkeypatch, cluster(tmp_path / "a", "live", None))
    assert reached() == ("https://10.96.0.1:443", "runners"), "none of its contexts is meant"
    assert reached("live") == ("https://live.example", "live-shop")


def test_the_cluster_is_that_of_the_same_context_as_the_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = (cluster(tmp_path / "a", "live", "live"), cluster(tmp_path / "b", "test", "test"))
    environment(monkeypatch, *files)
    assert reached() == ("https://live.example", "live-shop")


@pytest.mark.usefixtures("pod")
def test_in_a_pod_whose_home_is_not_its_own_the_service_account_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, stat = str(tmp_path / "home"), os.stat

    def refused(path: object, *rest: object, **more: object) -> object:
        if str(path).startswith(home):
            raise PermissionError(13, "Permission denied", str(path))
        return stat(path, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", refused)
    assert reached() == ("https://10.96.0.1:443", "runners")
