"""What the system promises: objectives over a window, invariants at quiescence."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from tarmac.model.observability import Severity
from tarmac.model.texts import Owner
from tarmac.model.value import RULE, Duration, Name, StrictModel

#: How an alert is called everywhere it is shown: `SLOBurnRateHigh`.
AlertName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Za-z0-9]*$")]
#: A part of a recording rule's name (prometheus.io: Metric and label naming).
RuleName = Annotated[str, StringConstraints(pattern=RULE)]


class ObjectiveAlert(StrictModel):
    """An alert of one's own on an objective, besides those on how fast its budget burns."""

    name: AlertName = Field(description="The name of the alert.")
    of: Literal["ratio", "budget"] = Field(
        default="ratio",
        description="The share of good requests, or the remaining error budget, both 0 to 1.",
    )
    over: Duration = Field(description="The window of the value.")
    below: float = Field(gt=0, lt=1, description="The alert is pending while the value is lower.")
    for_: Duration = Field(alias="for", description="The alert fires after this time.")
    severity: Severity = Field(description="critical pages, warning notifies.")
    team: Owner | None = Field(default=None, description="Default: the system's owner.")


class Objective(StrictModel):
    """A service level objective of one service."""

    service: Name = Field(description="The service that it is about.")
    name: RuleName | None = Field(
        default=None,
        description="In its rules' names: `api` gives `slo:api_availability:ratio_rate5m`; the "
        "service's name without.",
    )
    availability: float | None = Field(default=None, gt=0, lt=100, description="Percent.")
    latency: Duration | None = Field(default=None, description="The limit of a good request.")
    percent: float = Field(default=95, gt=0, lt=100, description="The share that must be good.")
    window: Duration = Field(default=30 * 86400.0, description="Default: 30d.")
    min_requests: int = Field(
        default=0,
        ge=0,
        description="No alert on the burn rate fires with fewer requests in its long window: of "
        "three requests one bad one is a third.",
    )
    alerts: tuple[ObjectiveAlert, ...] = ()

    @model_validator(mode="after")
    def _one_indicator(self) -> Self:
        if (self.availability is None) == (self.latency is None):
            both = self.availability is not None
            raise ValueError(
                f"has {'both' if both else 'neither'} `availability` "
                f"{'and' if both else 'nor'} `latency`; {'keep' if both else 'add'} one"
            )
        return self


class Invariant(StrictModel):
    """What must be true once the system is quiescent: a query that finds nothing, or equal rows.

    `store` and `query`: the query must be empty. `equal`: a query for each of two or more stores,
    whose rows must be the same, in any order; one that stands in only some of them is a violation.
    """

    store: Name | None = Field(default=None, description="The store that `query` asks.")
    query: str | None = Field(default=None, description="Each row is a violation.")
    equal: dict[Name, str] | None = Field(
        default=None, description="Store -> query; all must give the same rows."
    )
    about: str = Field(default="", description="What it says, for a reader.")

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        empty, equal = (self.store, self.query), self.equal
        if equal is not None and empty != (None, None):
            raise ValueError("has both `equal` and `store` or `query`; keep one form")
        if equal is not None and len(equal) < 2:
            raise ValueError(
                f"has {len(equal)} store under `equal`, and two or more are needed; add "
                "another, or use `store` and `query`"
            )
        if equal is None and None in empty:
            lacks = [name for name in ("store", "query") if getattr(self, name) is None]
            also = ", or `equal: {STORE: SELECT ..., STORE: SELECT ...}`" if len(lacks) == 2 else ""
            raise ValueError(f"lacks {' and '.join(f'`{name}`' for name in lacks)}; add it{also}")
        blank = [store for store, query in self.queries.items() if not query.strip()]
        if blank:
            raise ValueError(f"has an empty query for {blank[0]}; write a SELECT")
        return self

    @property
    def queries(self) -> dict[str, str]:
        """The queries by store: one that must be empty, or several that must be equal."""
        if self.equal is not None:
            return dict(self.equal)
        return {self.store or "": self.query or ""}
