"""Where services send their spans: in an environment to its collector, here to telemetry.

Pure. `deploy` gives an environment's services the address, and the renderers the name behind it to
what answers there; `settings` gives each instance here its own variables.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.launch import Text, text
from tarmac.model import conventions
from tarmac.plan import ports
from tarmac.plan.telemetry_token import TOKEN_HEADER, token

if TYPE_CHECKING:
    from tarmac.model.environment import Environment
    from tarmac.model.system import System
    from tarmac.plan.facts import MachineFacts

#: The Service of OpenTelemetry's collector, and that of Datadog's agents: each pod reaches the one
#: on its own node.
COLLECTOR, AGENT = "opentelemetry-collector", "datadog"
#: OTLP over gRPC and over HTTP (opentelemetry.io/docs/specs/otlp).
GRPC, HTTP = 4317, 4318


#: How long spans are collected before they are sent, here: a trace is looked for at once.
COLLECT_MS = "500"
#: How often a service sends what it measures, here: as often as metrics are read.
MEASURE_MS = "5000"


def of_instance(
    facts: MachineFacts, system: System, service: str, number: int
) -> Iterator[tuple[str, Text]]:
    """Yield what an instance here is given; nothing where the user's own address is set."""
    port = facts.ports.get(ports.TELEMETRY)
    if port is None or conventions.SPANS_TO in facts.environ:
        return
    yield conventions.SPANS_TO, text(f"http://{facts.host}:{port}")
    file = system.file
    if conventions.SPANS_TO not in {*file.env, *file.services[service].env}:
        # The token is for telemetry alone; an address of the service's own is elsewhere.
        yield "OTEL_EXPORTER_OTLP_HEADERS", text(f"{TOKEN_HEADER}=", token(service))
    said = f"service.namespace={system.name},service.instance.id={service}-{number}"
    yield conventions.SPANS_OF, text(said)
    yield "OTEL_BSP_SCHEDULE_DELAY", text(COLLECT_MS)
    if not system.is_kit(service):  # the kit has a name of its own, and speaks OTLP's JSON
        yield "OTEL_SERVICE_NAME", text(service)
        yield "OTEL_EXPORTER_OTLP_PROTOCOL", text("http/protobuf")
        yield "OTEL_METRIC_EXPORT_INTERVAL", text(MEASURE_MS)


def trace_receiver(settled: Environment) -> str:
    """Name the Service that receives spans there; empty without one."""
    watched = settled.observability
    if watched is None or settled.target != "cluster":
        return ""
    if watched.traces:
        return COLLECTOR
    return AGENT if watched.metrics == "datadog" else ""


def variables(settled: Environment, system: str, environment: str) -> Iterator[tuple[str, str]]:
    """Yield what every service is given to send its spans; OpenTelemetry's own variables."""
    if service := trace_receiver(settled):
        yield conventions.SPANS_TO, f"http://{service}.{settled.monitoring}.svc:{HTTP}"
        said = f"service.namespace={system},deployment.environment.name={environment}"
        yield conventions.SPANS_OF, said
