"""What docs/notifications.md says is what is sent, and its overlay gives the operator the key."""

import json
import re
from pathlib import PurePosixPath
from typing import Any

import yaml
from prometheus_client import generate_latest

from hotfix import settings, telemetry
from hotfix.adapters import webhook
from hotfix.core.actions import Announce
from hotfix.core.notices import Rollout, cloud_event

from .generate import DOCS

PAGE = (DOCS / "notifications.md").read_text()
INCIDENT = {"reference": "INC-4711"}
SIDES = {"stable": {"deployment": "checkout"}, "patched": {"deployment": "checkout-hotfix"}}


def shown(language: str) -> str:
    """The one block of the page in that language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    return str(found)


def test_the_message_of_the_page_is_the_one_that_is_sent() -> None:
    event: dict[str, Any] = json.loads(shown("json"))
    data, (uid, _, sequence) = event["data"], event["id"].split(".")
    rollout = Rollout(namespace=data["namespace"], name=data["name"], uid=uid, spec={**SIDES, "incident": INCIDENT})
    decided = Announce(
        sequence=int(sequence),
        time=event["time"],
        reason=data["reason"],
        message=data["message"],
        type="Normal",
        action="weight 95",
        phase=data["phase"],
    )
    sent = cloud_event(rollout, decided)
    assert sent == event


def test_tries_and_bounds_are_those_of_the_page() -> None:
    text = " ".join(PAGE.split())
    waits = [min(webhook.FIRST_SECONDS * 2**n, webhook.LONGEST_SECONDS) for n in range(webhook.TRIES - 1)]
    assert f"up to {webhook.TRIES} times, with {', '.join(f'{s:g}' for s in waits[:-1])} and {waits[-1]:g} s in between" in text
    assert f"at most {webhook.TIMEOUT.total:g} s for an answer" in text
    assert f"at most {webhook.WAITING} wait" in text
    assert f"has {webhook.LAST_WORDS_SECONDS:g} s to tell what waits" in text
    counter = next(name for name in re.findall(r"`(hotfix_\w+)`", PAGE))
    assert f"# TYPE {counter} counter" in generate_latest(telemetry.Telemetry().registry).decode()


def test_the_overlay_mounts_the_key_where_the_operator_reads_it() -> None:
    (entry,) = yaml.safe_load(shown("yaml"))["patches"]
    pod = yaml.safe_load(entry["patch"])["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    variables = {item["name"]: item["value"] for item in container["env"]}
    assert {name.removeprefix("HOTFIX_").lower() for name in variables} <= settings.Settings.model_fields.keys()
    (mount,), (volume,) = container["volumeMounts"], pod["volumes"]
    file = PurePosixPath(variables["HOTFIX_NOTIFY_WEBHOOK_SECRET_FILE"])
    assert (str(file.parent), mount["name"]) == (mount["mountPath"], volume["name"])
    assert f"generic {volume['secret']['secretName']} " in PAGE
    assert f"--from-literal={file.name}=" in PAGE
