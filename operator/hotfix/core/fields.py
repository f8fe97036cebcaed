"""Types of fields, in the manifest and in the status: their shapes, and what Python checks of them. No field is named here."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from pydantic.alias_generators import to_camel

from . import moments
from .quantities import DURATION_PATTERN, SHARE_PATTERN, seconds, share


def _checked_duration(text: str) -> str:
    seconds(text)
    return text


def _checked_share(text: str) -> str:
    share(text)
    return text


def _checked_moment(text: str) -> str:
    moments.unix(text)
    return text


Duration = Annotated[
    str,
    StringConstraints(pattern=DURATION_PATTERN, max_length=32),
    AfterValidator(_checked_duration),
]
Share = Annotated[
    str,
    StringConstraints(pattern=SHARE_PATTERN, max_length=9),
    AfterValidator(_checked_share),
]
Moment = Annotated[str, StringConstraints(max_length=40), AfterValidator(_checked_moment)]
Short = Annotated[str, StringConstraints(max_length=253)]
Sentence = Annotated[str, StringConstraints(max_length=1024)]
ObjectName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", min_length=1, max_length=253)]
ServiceName = Annotated[str, StringConstraints(pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$", min_length=1, max_length=63)]
Image = Annotated[str, StringConstraints(min_length=1, max_length=512)]
Query = Annotated[str, StringConstraints(min_length=1, max_length=4096)]
Text = Annotated[str, StringConstraints(max_length=256)]


class Model(BaseModel):
    """Frozen, camelCase outside, unknown fields ignored: an older operator must survive a newer manifest."""

    model_config = ConfigDict(frozen=True, extra="ignore", alias_generator=to_camel, populate_by_name=True)
