"""Where the spans of an environment's services go. Pure, and of the environment alone.

`deploy` gives services the address, and the renderers the name behind it to what answers there.
"""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.model import conventions
from tarmac.model.environment import Environment

#: The Service of OpenTelemetry's collector, and that of Datadog's agents: each pod reaches the one
#: on its own node.
COLLECTOR, AGENT = "opentelemetry-collector", "datadog"
#: OTLP over gRPC and over HTTP (opentelemetry.io/docs/specs/otlp).
GRPC, HTTP = 4317, 4318


def taken_by(settled: Environment) -> str:
    """Name the Service that takes spans there; empty where nothing keeps them."""
    watched = settled.observability
    if watched is None or settled.target != "cluster":
        return ""
    if watched.traces:
        return COLLECTOR
    return AGENT if watched.metrics == "datadog" else ""


def variables(settled: Environment, system: str, environment: str) -> Iterator[tuple[str, str]]:
    """Yield what every service is given to send its spans; OpenTelemetry's own variables."""
    if service := taken_by(settled):
        yield conventions.SPANS_TO, f"http://{service}.{settled.monitoring}.svc:{HTTP}"
        said = f"service.namespace={system},deployment.environment.name={environment}"
        yield conventions.SPANS_OF, said
