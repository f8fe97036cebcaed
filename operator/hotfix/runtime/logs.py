"""Log set-up: JSON for machines (time, level, logger, message, rollout), text for a terminal. One handler, on stderr."""

import logging
import sys

from pythonjsonlogger.json import JsonFormatter

QUIET = ("kopf", "aiohttp", "kubernetes", "urllib3", "prometheus_api_client")


def configure(level: str, style: str) -> None:
    """Replace all handlers with one of ours; chatty libraries speak from warning on."""
    handler = logging.StreamHandler(sys.stderr)
    if style == "json":
        handler.setFormatter(
            JsonFormatter(
                "%(asctime)s %(levelname)s %(name)s %(message)s",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                datefmt="%Y-%m-%dT%H:%M:%S%z",
            )
        )
    else:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", datefmt="%H:%M:%S"))
    logging.root.handlers[:] = [handler]
    logging.root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.root.level))
