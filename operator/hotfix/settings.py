"""How this operator runs: flags and environment -> frozen settings. Parsing and messages are pydantic-settings'.

Every flag has an environment variable: `--scrape-interval` is `HOTFIX_SCRAPE_INTERVAL`. Files are named here and read on
use, so that a rotated token needs no restart.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, HttpUrl, TypeAdapter, ValidationError
from pydantic_settings import BaseSettings, CliApp, NoDecode, SettingsConfigDict

from .core.fields import Duration
from .core.notices import signing_key
from .core.quantities import seconds

_URL = TypeAdapter(HttpUrl)


def _url(text: str) -> str:
    try:
        _URL.validate_python(text)
    except ValidationError as error:
        raise ValueError(f"{text!r} is not an http(s) address such as http://prometheus.monitoring:9090") from error
    return text.rstrip("/")


def _address(text: str) -> str:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError(f"{text!r} is not HOST:PORT such as 0.0.0.0:8080")
    return text


def _positive(text: str) -> str:
    if seconds(text) < 1:
        raise ValueError(f"{text!r} is shorter than 1s")
    return text


def _header(text: str) -> str:
    name, _, file = text.partition("=@")
    if not name or not file:
        raise ValueError(f"{text!r} is not NAME=@FILE such as X-Scope-OrgID=@/etc/hotfix/tenant")
    return text


def _key_file(file: str) -> str:
    """Read again at each use; a wrong one is told before anything depends on it."""
    try:
        signing_key(Path(file).read_bytes())
    except (OSError, ValueError) as error:
        raise ValueError(f"{file} is no file with a key: {error}") from error
    return file


def _listed(value: object) -> object:
    return [part for part in (p.strip() for p in value.split(",")) if part] if isinstance(value, str) else value


PositiveDuration = Annotated[Duration, AfterValidator(_positive)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileSettings:
    """What a look needs to know; seconds."""

    scrape_interval_seconds: float
    metrics_timeout_seconds: float


class Settings(BaseSettings):
    """Ships hotfixes: shifts traffic between a stable and a patched Deployment by evidence from Prometheus."""

    model_config = SettingsConfigDict(
        frozen=True,
        env_prefix="HOTFIX_",
        cli_prog_name="hotfix-operator",
        cli_kebab_case=True,
        cli_hide_none_type=True,
        cli_avoid_json=True,
        cli_implicit_flags=True,
        extra="forbid",
    )

    prometheus_url: Annotated[str, AfterValidator(_url)] = Field(
        "http://prometheus-operated.monitoring:9090", description="Address of Prometheus (or Thanos, Mimir, VictoriaMetrics)."
    )
    prometheus_bearer_token_file: str | None = Field(None, description="File with a bearer token, read at each use.")
    prometheus_ca_file: str | None = Field(
        None, description="File with the CA certificates that Prometheus' address is checked with."
    )
    prometheus_header: Annotated[list[Annotated[str, AfterValidator(_header)]], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list, description="NAME=@FILE: one more header for Prometheus, its value read at each use (repeatable)."
    )
    scrape_interval: PositiveDuration = Field(
        "15s", description="Scrape interval of the counters: the length of a block of evidence."
    )
    namespace: Annotated[list[str], NoDecode, BeforeValidator(_listed)] = Field(
        default_factory=list, description="Namespace to watch (repeatable). Default: all of them."
    )
    http_address: Annotated[str, AfterValidator(_address)] = Field(
        "0.0.0.0:8080",
        description="HOST:PORT of /livez, /readyz and /metrics.",
    )
    notify_webhook: Annotated[str, AfterValidator(_url)] | None = Field(
        None, description="Address that is told of each change of phase (CloudEvents by POST)."
    )
    notify_webhook_secret_file: Annotated[str, AfterValidator(_key_file)] | None = Field(
        None, description="File with the key by which these are signed (Standard Webhooks: whsec_...), read at each use."
    )
    leader_election: bool = Field(True, description="Work only while holding the Lease, so that several replicas may run.")
    lease_namespace: str = Field("", description="Namespace of the Lease. Default: the pod's own.")
    workers: int = Field(16, ge=1, le=256, description="Looks under way at once.")
    resync: PositiveDuration = Field(
        "5m", description="All rollouts are listed and looked at this often, whatever the watch says."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least severity that is logged.")
    log_format: Literal["json", "text"] = Field("json", description="json for machines, text for a terminal.")

    @property
    def scrape_interval_seconds(self) -> float:
        """Length of a block."""
        return seconds(self.scrape_interval)

    @property
    def resync_seconds(self) -> float:
        """Time between two full lists."""
        return seconds(self.resync)

    @property
    def reconcile(self) -> ReconcileSettings:
        """What a look needs to know: a query is given half a scrape, at least one second."""
        interval = self.scrape_interval_seconds
        return ReconcileSettings(scrape_interval_seconds=interval, metrics_timeout_seconds=max(1.0, min(interval / 2, 10.0)))


def load(arguments: list[str]) -> Settings:
    """Settings from flags over environment over defaults. Exits with 2 and a usage line when a flag is not known; raises
    ValidationError (a ValueError) when a value is wrong."""
    return CliApp.run(Settings, cli_args=arguments)


def explain(error: ValidationError) -> str:
    """One line for each wrong setting, naming the flag and the variable."""
    lines = []
    for problem in error.errors():
        name = str(problem["loc"][0]) if problem["loc"] else "?"
        text = problem["msg"].removeprefix("Value error, ")
        lines.append(f"--{name.replace('_', '-')} (HOTFIX_{name.upper()}): {text}")
    return "\n".join(lines)


__all__ = ["ReconcileSettings", "Settings", "explain", "load"]
