"""How to log in to a cluster: the pod's service account, or a kubeconfig whose token is read again now and then."""

import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from hotfix.errors import Refused

log = logging.getLogger(__name__)

TOKEN_SECONDS = 60.0  # a token is read again after this long: files are rotated, programs that log in hand out short-lived ones
SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")
OWN_NAMESPACE = SERVICE_ACCOUNT.with_name("namespace")
# the last four are what the client makes of a kubeconfig of another shape
LOGIN_ERRORS = (config.ConfigException, OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError)


def in_a_pod() -> bool:
    """This process has a pod's service account."""
    return SERVICE_ACCOUNT.exists()


def own_namespace() -> str | None:
    """The namespace of this process' pod; None outside of one."""
    return OWN_NAMESPACE.read_text().strip() if OWN_NAMESPACE.exists() else None


async def configuration(*, kubeconfig: str | None = None, context: str | None = None) -> Configuration:
    """The pod's service account where there is one and neither a file nor a context is named, else the kubeconfig (default:
    `KUBECONFIG`, ~/.kube/config); Refused without any."""
    found = Configuration()
    try:
        if kubeconfig is None and context is None and in_a_pod():
            config.load_incluster_config(client_configuration=found)
        else:
            await _load(found, kubeconfig, context)
            found.refresh_api_key_hook = _reread(kubeconfig, context)  # type: ignore[assignment]  # its stub knows None only
    except LOGIN_ERRORS as error:
        raise Refused(f"No way to log in to a cluster: {error}", reason="NoCredentials") from error
    return found


async def _load(found: Configuration, kubeconfig: str | None, context: str | None) -> None:
    await config.load_kube_config(config_file=kubeconfig, context=context, client_configuration=found, persist_config=False)


def _reread(kubeconfig: str | None, context: str | None) -> Callable[[Configuration], Coroutine[Any, Any, None]]:
    """A hook that reads the kubeconfig's token anew now and then; where that fails, the old one may still do."""
    due = time.monotonic() + TOKEN_SECONDS

    async def hook(present: Configuration) -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        due = time.monotonic() + TOKEN_SECONDS
        anew = Configuration()
        try:
            await _load(anew, kubeconfig, context)
        except LOGIN_ERRORS as error:
            log.warning("the kubeconfig cannot be read again: %s", error)
            return
        present.api_key = anew.api_key

    return hook


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How to reach the API server, for a client other than ours. File names and a token as it is now."""

    server: str
    ca_file: str | None
    insecure: bool
    token: str | None
    certificate_file: str | None
    key_file: str | None


async def credentials() -> Credentials:
    """What `configuration` finds, as plain values."""
    found = await configuration()
    token = await found.get_api_key_with_prefix("BearerToken") or ""
    return Credentials(
        server=found.host,
        ca_file=found.ssl_ca_cert,
        insecure=not found.verify_ssl,
        token=token.partition(" ")[2] or None,
        certificate_file=found.cert_file,
        key_file=found.key_file,
    )
