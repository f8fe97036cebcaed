"""How things were before a rollout changed them: what `status.borrowed` remembers, so that it can be given back."""

from pydantic import Field

from .fields import Model, ObjectName, Sentence, Short


class BorrowedRule(Model):
    """One rule of a route as it was before."""

    index: int = Field(ge=0)
    name: Short | None = None
    stable_weight: int = Field(ge=0)
    patched_weight: int | None = Field(None, description="None: patched was not named; it was injected.")
    others: list[int] = Field(default_factory=list, max_length=15, description="Weights of third backends, in their order.")
    older_weight: int | None = Field(
        None,
        description="Of the patched backend of a rollout that was superseded. None: it was not named; that rollout injected it.",
    )


class BorrowedRoute(Model):
    """A route as it was before, in as far as we change it."""

    name: ObjectName
    rules: list[BorrowedRule] = Field(default_factory=list, max_length=16)
    reconcile: Short | None = Field(None, description="Flux's annotation reconcile as it was.")


class Borrowed(Model):
    """What we changed and how to give it back."""

    routes: list[BorrowedRoute] = Field(default_factory=list, max_length=8)
    hpa: Short | None = Field(None, description="Stable's HPA whose minReplicas was raised.")
    hpa_min_replicas: int | None = None
    hpa_raised_to: int | None = None
    hpa_raised_before: int | None = Field(None, description="What it was raised to first, before stable had more pods.")
    undo: Sentence | None = Field(None, description="One command that gives everything back, also when no operator runs.")

    @property
    def hpa_floors(self) -> frozenset[int | None]:
        """Every minReplicas that is ours: what was found, and what it was raised to."""
        return frozenset((self.hpa_min_replicas, self.hpa_raised_before, self.hpa_raised_to))
