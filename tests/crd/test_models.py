import pytest
from pydantic import ValidationError

from hotfix.core import spec

from .manifests import BAD, Bad, full, shortest


def test_the_six_line_manifest_is_read_with_its_defaults() -> None:
    read = spec.parse(shortest()["spec"])
    assert (read.stable_service, read.patched_service) == ("checkout", "checkout-hotfix")
    assert (read.start_weight, read.steps, read.analysis.deadline) == ("Auto", [1, 5, 25, 50], "1h")


def test_a_manifest_with_every_field_is_read_as_written() -> None:
    written = full()["spec"]
    assert spec.parse(written).model_dump(mode="json", by_alias=True, exclude_unset=True) == written


@pytest.mark.parametrize("bad", [bad for bad in BAD if bad.in_models], ids=str)
def test_the_models_refuse_and_name_the_field(bad: Bad) -> None:
    name = bad.where.split(".")[1] if "." in bad.where else "stable"
    with pytest.raises(ValidationError) as caught:
        spec.parse(bad.manifest().get("spec", {}))
    assert name in {problem["loc"][0] for problem in caught.value.errors()}


@pytest.mark.parametrize("bad", [bad for bad in BAD if not bad.in_models], ids=str)
def test_what_only_the_api_server_refuses_does_not_break_the_models(bad: Bad) -> None:
    assert spec.parse(bad.manifest()["spec"]).stable.deployment
