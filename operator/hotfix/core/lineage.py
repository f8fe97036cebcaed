"""What two rollouts on the same route remember of each other: the newer one that takes the place of the older one."""

from pydantic import Field

from .fields import Model, Moment, ObjectName, Short
from .originals import Borrowed


class Supersedes(Model):
    """On the newer one: how far it has taken the place of the older one."""

    name: ObjectName = Field(description="The older rollout.")
    uid: Short = Field(description="Its uid.")
    ready: bool = Field(False, description="Patched can serve, so the older one is to stand still.")
    unasked: int = Field(0, ge=0, description="How often it could not start after the older one had been asked.")
    fell: int = Field(0, ge=0, description="How often that was because all of its pods were lost.")
    yielded: bool = Field(False, description="The older one stands still, with the share it has.")
    weight: int | None = Field(None, ge=0, le=100, description="The percent that it has.")
    control: ObjectName | None = Field(
        None, description="Deployment of the older one's patch, where patched is judged against it instead of stable."
    )
    stable: Short = Field("", description="Stable's Deployment.")
    stable_service: Short = Field("", description="Its Service.")
    service: Short = Field(description="Service of the older one's patch.")
    moved: bool = Field(False, description="The older one's share goes to patched.")
    rebased: bool = Field(False, description="Patched is compared with stable again, as it is now.")
    ended: bool = Field(False, description="The older one has come to its end, or is gone.")
    borrowed: Borrowed | None = Field(None, description="What the older one had borrowed; it is given back here.")


class SupersededBy(Model):
    """On the older one: for whom it stands still, or gave way."""

    name: ObjectName = Field(description="The newer rollout.")
    uid: Short = Field(description="Its uid.")
    since: Moment = Field(description="It stands still since then.")
    control: bool = Field(False, description="The newer patch is judged against this one's, which is proven.")
