"""The process: settings, wiring, exit codes. No decision is made here; how it runs is in serving.py."""

import asyncio
import importlib.metadata
import logging
import os
import sys
import uuid

from pydantic import ValidationError

from hotfix import settings as settings_module
from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube
from hotfix.adapters.leases import KubeLease
from hotfix.adapters.login import own_namespace
from hotfix.adapters.mirror import Mirror
from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.adapters.reading import Resource
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.store import ROLLOUTS, KubeStore
from hotfix.adapters.webhook import Told, Webhook
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.errors import OutsideError
from hotfix.lookout import Ports
from hotfix.ports import Key
from hotfix.reconcile import Reconciler
from hotfix.settings import Settings
from hotfix.telemetry import Telemetry

from . import logs
from .lease import Elector
from .queue import LookQueue
from .serving import FAILURE, Serving

log = logging.getLogger(__name__)

USAGE_ERROR = 2
LEASE_NAME = "hotfix-operator"
UNLIMITED = 0  # connections: each watch holds one


def main() -> None:
    """Console script `hotfix-operator`."""
    arguments = sys.argv[1:]
    if "--version" in arguments:
        print(f"hotfix-operator {importlib.metadata.version('hotfix-operator')}")  # noqa: T201 - this is the answer
        return
    try:
        settings = settings_module.load(arguments)
    except ValidationError as error:
        print(settings_module.explain(error), file=sys.stderr)  # noqa: T201 - nothing is logged before settings are known
        sys.exit(USAGE_ERROR)
    logs.configure(settings.log_level, settings.log_format)
    try:
        sys.exit(asyncio.run(_serve(settings)))
    except OutsideError as error:
        log.error("%s", error)
        sys.exit(FAILURE)


def _access(settings: Settings) -> Access:
    headers = tuple((name, file) for name, _, file in (entry.partition("=@") for entry in settings.prometheus_header))
    return Access(
        url=settings.prometheus_url,
        bearer_token_file=settings.prometheus_bearer_token_file,
        ca_file=settings.prometheus_ca_file,
        headers=headers,
    )


async def _serve(settings: Settings) -> int:
    async with await Kube.login() as kube, await Kube.login() as apart, await Kube.login(connections=UNLIMITED) as watching:
        clock, telemetry = SystemClock(), Telemetry()
        mirror = Mirror(watching, clock.monotonic, heard=lambda *change: _heard(queue, *change))
        store = KubeStore(kube, mirror)
        elector = _elector(settings, kube, apart, clock)
        source = PrometheusSource(_access(settings), clock)
        router, announcer = GatewayApiRouter(kube, mirror), KubeAnnouncer(kube, instance=_name(), monotonic=clock.monotonic)
        workloads, webhook = KubeWorkloads(kube, mirror), _webhook(settings, clock, telemetry)
        ports = Ports(
            store=store,
            router=router,
            workloads=workloads,
            metrics=source,
            announcer=Told(announcer, webhook) if webhook else announcer,
            clock=clock,
        )
        reconciler = Reconciler(ports, settings.reconcile, telemetry)

        async def look(key: Key) -> float | None:
            started, failure = clock.monotonic(), None
            try:
                return await reconciler.reconcile(key)
            except Exception as error:
                failure = error
                raise
            finally:
                telemetry.looked(clock.monotonic() - started, failure)

        queue: LookQueue[Key] = LookQueue(look, workers=settings.workers, urgent=store.moves_traffic, late=telemetry.late)
        serving = Serving(
            settings=settings,
            store=store,
            mirror=mirror,
            queue=queue,
            telemetry=telemetry,
            elector=elector,
            routes=router,
            now=clock.now,
            webhook=webhook,
            templates=workloads.templates,
        )
        try:
            return await serving.run()
        finally:
            source.close()
            await mirror.close()


def _webhook(settings: Settings, clock: SystemClock, telemetry: Telemetry) -> Webhook | None:
    """Where changes of phase are told; None where nobody asked for it."""
    if settings.notify_webhook is None:
        return None
    secret = settings.notify_webhook_secret_file
    return Webhook(url=settings.notify_webhook, secret_file=secret, now=clock.now, given_up=telemetry.untold)


def _heard(queue: LookQueue[Key], resource: Resource[object], namespace: str, name: str) -> None:
    """A rollout that somebody changed is looked at at once; for other objects the next look is soon enough."""
    if resource is ROLLOUTS:
        queue.add(Key(namespace, name))


def _name() -> str:
    return os.environ.get("HOSTNAME", "hotfix-operator")


def _elector(settings: Settings, kube: Kube, apart: Kube, clock: SystemClock) -> Elector | None:
    """On a connection of its own, so that slow looks cannot keep it from renewing. From now on `kube` writes only as leader."""
    if not settings.leader_election:
        return None
    lease = KubeLease(apart, settings.lease_namespace or own_namespace() or "default", LEASE_NAME)
    elector = Elector(lease, f"{_name()}_{uuid.uuid4().hex[:8]}", clock.monotonic)
    kube.write_seconds = elector.write_seconds
    return elector
