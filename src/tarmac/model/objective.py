"""What the system promises: objectives over a window, invariants at quiescence."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from tarmac.model.value import Duration, Name, Strict


class Objective(Strict):
    """A service level objective of one service."""

    service: Name
    availability: float | None = Field(default=None, gt=0, lt=100, description="Percent.")
    latency: Duration | None = Field(default=None, description="A request is good if faster.")
    percent: float = Field(default=95, gt=0, lt=100, description="Share that must be good.")
    window: Duration = Field(default=30 * 86400.0, description="30d unless said otherwise.")

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        if (self.availability is None) == (self.latency is None):
            both = self.availability is not None
            raise ValueError(
                f"has {'both' if both else 'neither'} `availability` "
                f"{'and' if both else 'nor'} `latency`; {'keep' if both else 'add'} one"
            )
        return self


class Invariant(Strict):
    """A query of one store that must be empty once the system is at rest."""

    store: Name
    query: str
    about: str = ""
