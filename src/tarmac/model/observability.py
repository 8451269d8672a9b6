"""How an environment is watched: what keeps its signals, and the receivers of alerts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tarmac.model.texts import BaseUrl
from tarmac.model.value import Duration, StrictModel

Severity = Literal["critical", "warning"]


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
    retention: Duration | None = Field(
        default=None,
        description="The retention of metrics; default: 15d, or longer than the longest objective "
        "window.",
    )
