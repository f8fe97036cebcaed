"""A change of phase as an event, and the key that it is signed with."""

from typing import Any

import pytest

from hotfix.core.actions import Announce
from hotfix.core.notices import Rollout, cloud_event, signing_key

SIDES = {"stable": {"deployment": "checkout"}, "patched": {"deployment": "checkout-hotfix"}}
BAKING = Announce(
    sequence=3,
    time="2030-01-31T17:00:00.000Z",
    reason="Baking",
    message="It is proven.",
    type="Normal",
    action="bake",
    phase="Baking",
)


def told(**spec: Any) -> dict[str, Any]:
    """What is sent when the bake began."""
    return cloud_event(Rollout(namespace="shop", name="fix", uid="8c1f", spec={**SIDES, **spec}), BAKING)


def test_it_names_the_rollout_the_phase_and_the_incident() -> None:
    event = told(incident={"reference": "INC-4711", "severity": "SEV1"})
    assert (event["id"], event["type"]) == ("8c1f.1b978ea5280.3", "dev.hotfix-operator.rollout.baking")
    assert event["time"] == "2030-01-31T17:00:00.000Z"
    assert event["data"]["text"] == "INC-4711 (SEV1): shop/fix: Baking. It is proven."
    assert event["data"]["incident"] == {"reference": "INC-4711", "severity": "SEV1"}


def test_without_an_incident_it_names_the_rollout_alone() -> None:
    event = told()
    assert event["data"]["text"] == "shop/fix: Baking. It is proven."
    assert event["data"]["incident"] is None


def test_a_manifest_that_cannot_be_read_any_more_has_phases_that_are_told() -> None:
    event = told(steps=["nonsense"], incident={"reference": "INC-4711"})
    assert event["data"]["text"] == "INC-4711: shop/fix: Baking. It is proven."


@pytest.mark.parametrize("incident", ["INC-4711", {"reference": ""}, {"detectedAt": "yesterday"}, []])
def test_an_incident_that_cannot_be_read_is_left_out(incident: Any) -> None:
    event = told(incident=incident)
    assert (event["data"]["phase"], event["data"]["incident"]) == ("Baking", None)


@pytest.mark.parametrize(
    ("written", "key"),
    [(b"whsec_c2VjcmV0\n", b"secret"), (b"plain key \n", b"plain key "), (b"two\n\n", b"two\n"), (b"c2VjcmV0", b"c2VjcmV0")],
)
def test_a_key_is_decoded_where_it_says_that_it_is_encoded(written: bytes, key: bytes) -> None:
    assert signing_key(written) == key


@pytest.mark.parametrize("written", [b"", b"\n", b"whsec_", b"whsec_!"])
def test_what_is_no_key_is_refused(written: bytes) -> None:
    with pytest.raises(ValueError, match=r"empty|base64"):
        signing_key(written)
