"""The process: settings, wiring, signals, exit codes. No decision is made here.

SIGTERM and SIGINT, in order: take in nothing more, finish the looks under way, stop the watch, exit with 0.
"""

import asyncio
import importlib.metadata
import logging
import os
import signal
import sys

from pydantic import ValidationError

from hotfix import settings as settings_module
from hotfix.adapters.announcer import KubeAnnouncer
from hotfix.adapters.clock import SystemClock
from hotfix.adapters.kube import Kube, credentials
from hotfix.adapters.prometheus import Access, PrometheusSource
from hotfix.adapters.routers.gateway_api import GatewayApiRouter
from hotfix.adapters.store import KubeStore
from hotfix.adapters.workloads import KubeWorkloads
from hotfix.errors import OutsideError
from hotfix.ports import Key
from hotfix.reconcile import Ports, Reconciler
from hotfix.settings import Settings
from hotfix.telemetry import Telemetry

from . import logs
from .http import Endpoints
from .queue import LookQueue
from .watch import Watch, resync

log = logging.getLogger(__name__)

USAGE_ERROR, FAILURE = 2, 1


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
    async with await Kube.login() as kube:
        clock, telemetry, store = SystemClock(), Telemetry(), KubeStore(kube)
        source = PrometheusSource(_access(settings), clock)
        ports = Ports(
            store=store,
            router=GatewayApiRouter(kube),
            workloads=KubeWorkloads(kube),
            metrics=source,
            announcer=KubeAnnouncer(kube, instance=os.environ.get("HOSTNAME", "hotfix-operator")),
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

        queue: LookQueue[Key] = LookQueue(look, workers=settings.workers)
        try:
            return await _run(settings, store, queue, telemetry)
        finally:
            source.close()


async def _run(settings: Settings, store: KubeStore, queue: LookQueue[Key], telemetry: Telemetry) -> int:
    """Everything that runs side by side, until a signal or until one part fails."""
    listed, stopping = asyncio.Event(), asyncio.Event()
    watch = Watch(queue.add, credentials)
    endpoints = Endpoints(
        telemetry.registry,
        ready=lambda: "stopping" if stopping.is_set() else None if listed.is_set() else "the rollouts are not listed yet",
        lateness=queue.lateness_seconds,
    )

    async def listing() -> list[Key]:
        if not settings.namespace:
            return await store.keys(None)
        return [key for namespace in settings.namespace for key in await store.keys(namespace)]

    loop = asyncio.get_running_loop()
    await endpoints.start(settings.http_address)
    # created before kopf: it cancels the tasks that began after it
    parts = {
        asyncio.create_task(queue.run(), name="queue"),
        asyncio.create_task(endpoints.heartbeat(), name="heartbeat"),
        asyncio.create_task(resync(settings.resync_seconds, listing, queue.add, listed), name="resync"),
    }
    watching = asyncio.create_task(watch.run(settings.namespace), name="watch")
    waiting = asyncio.create_task(stopping.wait(), name="signal")
    ready = asyncio.create_task(watch.ready.wait(), name="ready")
    await asyncio.wait({ready, watching}, return_when=asyncio.FIRST_COMPLETED)
    for number in (signal.SIGTERM, signal.SIGINT):  # kopf has put its own in place by now
        loop.add_signal_handler(number, stopping.set)
    log.info("watching %s", ", ".join(settings.namespace) or "all namespaces")
    ended, _ = await asyncio.wait({waiting, watching, *parts}, return_when=asyncio.FIRST_COMPLETED)
    failed = [task for task in ended if task is not waiting]
    for task in failed:
        log.error("%s ended: %r", task.get_name(), task.exception())
    log.info("stopping: finishing the looks under way")
    queue.stop()
    await asyncio.gather(*(task for task in parts if task.get_name() == "queue"), return_exceptions=True)
    watch.stop.set()
    await asyncio.wait({watching}, timeout=5)
    await endpoints.stop()
    for task in (*parts, watching, waiting, ready):
        task.cancel()
    return FAILURE if failed else 0
