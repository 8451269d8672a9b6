"""Collectors of spans, as the values of their charts configure them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.subject import Files
from tarmac.gates.views.reading import fields, flag

VALUES = "observability/values/"
#: Charts whose values name their receiver of OTLP over HTTP, and how.
RECEIVERS = {
    "opentelemetry-collector": ("config", "receivers", "otlp", "protocols", "http"),
    "datadog": ("datadog", "otlp", "receiver", "protocols", "http"),
}


def span_receivers(files: Files) -> Iterator[tuple[str, int]]:
    """Yield the Services that the values of charts make for spans, each with its port."""
    for artifact in files.artifacts:
        chart = artifact.path.removeprefix(VALUES).removesuffix(".yaml")
        if artifact.path.startswith(VALUES) and chart in RECEIVERS:
            receiver = fields(artifact.data, *RECEIVERS[chart])
            port = str(receiver.get("endpoint") or "").rpartition(":")[2]
            if flag(receiver, "enabled") is not False and port.isdecimal() and len(port) < 6:
                yield str(artifact.data.get("fullnameOverride") or chart), int(port)
