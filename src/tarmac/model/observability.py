"""How an environment is watched: what keeps its signals, and who is told."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tarmac.model.value import Duration, Strict

Severity = Literal["critical", "warning"]


class Observability(Strict):
    """What stands in the cluster beside the system, to tell how it is."""

    metrics: Literal["prometheus", "datadog"] = Field(
        default="prometheus", description="Prometheus with Grafana, or Datadog's agent."
    )
    logs: Literal["loki"] | None = Field(default="loki", description="Loki, filled by Alloy.")
    traces: Literal["tempo", "jaeger"] | None = Field(
        default=None, description="What keeps traces; none are sent without."
    )
    notify: dict[Severity, Literal["pagerduty", "slack", "email"]] = Field(
        default={"critical": "slack", "warning": "slack"}, description="Who is told of an alert."
    )
    runbooks: str = Field(
        default="", description="Where the rendered runbooks are read: an address without its page."
    )
    retention: Duration | None = Field(
        default=None,
        description="How long metrics are kept; 15d without, or longer than any objective looks "
        "back.",
    )
