"""How an environment is watched: what keeps its signals, and the receivers of alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tarmac.model.texts import BaseUrl, Email
from tarmac.model.value import Duration, StrictModel

Severity = Literal["critical", "warning"]


class Costs(StrictModel):
    """When the cost of a cluster alerts; OpenCost measures it, at the prices of its cloud."""

    budget: float | None = Field(
        default=None,
        gt=0,
        description="USD a month. Nodes, balancers and the control plane alert once they cost more "
        "at the present rate.",
    )
    email: Email | None = Field(
        default=None,
        description="The address to which AWS Budgets, made by Terraform, reports the whole bill "
        "of this environment against `budget`; without it, AWS Budgets is not used.",
    )
    spike: float = Field(
        default=20, gt=0, description="Percent over the day before: the cost of nodes alerts."
    )
    idle: float = Field(
        default=50,
        gt=0,
        lt=100,
        description="Percent of the cost of nodes that no pod requests or uses: it alerts.",
    )


class Observability(StrictModel):
    """What stands in the cluster beside the system, to tell how it is."""

    metrics: Literal["prometheus", "datadog"] = Field(
        default="prometheus", description="Prometheus with Grafana, or Datadog's agent."
    )
    logs: Literal["loki"] | None = Field(default="loki", description="Loki, filled by Alloy.")
    traces: Literal["tempo", "jaeger"] | None = Field(
        default=None, description="The trace backend; without it, no traces are sent."
    )
    notify: dict[Severity, Literal["pagerduty", "slack", "email"]] = Field(
        default={"critical": "slack", "warning": "slack"}, description="The receiver of alerts."
    )
    runbooks: BaseUrl = Field(default="", description="The base URL of the rendered runbooks.")
    costs: Costs | None = Field(
        default=None,
        description="OpenCost and alerts on cost; it needs Prometheus. Without it, none.",
    )
    retention: Duration | None = Field(
        default=None,
        description="The retention of metrics; default: 15d, or longer than the longest objective "
        "window.",
    )
