"""OTLP is sent to the port of its protocol: 4317 takes gRPC, and 4318 takes HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose import compose_services
from tarmac.check.gates.views.monitoring.collectors import collectors
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_PORTS = {"grpc": "4317", "http/protobuf": "4318", "http/json": "4318"}
_ENDPOINT = re.compile(r"(?:https?://)?[\w.-]+:(4317|4318)(?:/\S*)?")
_KEYS = ("", "TRACES_", "METRICS_", "LOGS_")


class OtlpSender(NamedTuple):
    """What is told to send signals by OTLP."""

    title: str
    where: str
    variables: Mapping[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield endpoints of the other protocol than the one that is named for them."""
    senders = list(_senders(files))
    if not senders or _is_moved(files):
        return
    for sender in senders:
        for key in _KEYS:
            name = f"OTEL_EXPORTER_OTLP_{key}ENDPOINT"
            found = _ENDPOINT.fullmatch(sender.variables.get(name, "").strip())
            shared = sender.variables.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
            protocol = sender.variables.get(f"OTEL_EXPORTER_OTLP_{key}PROTOCOL", shared).strip()
            asked = _PORTS.get(protocol)
            if found and asked and found[1] != asked:
                other = "gRPC" if found[1] == "4317" else "HTTP"
                what = f"{sender.title} sends OTLP by {protocol} to the port {found[1]} ({name}),"
                said = f"{what} which takes {other}: each export fails; write {asked}"
                yield Finding(sender.where, said)


def _is_moved(files: Files) -> bool:
    """Tell whether a collector here listens for a protocol on the port of the other one."""
    others = {"grpc": ":4318", "http": ":4317"}
    return any(
        string(fields(one.data, "receivers", "otlp", "protocols"), way, "endpoint").endswith(port)
        for one in collectors(files)
        for way, port in others.items()
    )


def _senders(files: Files) -> Iterator[OtlpSender]:
    for service in compose_services(files):
        given = service.environment
        if any(key.startswith("OTEL_EXPORTER_OTLP") for key in given):
            yield OtlpSender(f"service {service.name}", service.at("environment"), dict(given))
    for own in pods(files):
        for container in own.main_containers:
            told = own.variables.of(container)
            if any(key.startswith("OTEL_EXPORTER_OTLP") for key in told):
                texts = {name: one.text for name, one in told.items()}
                name = f"{container.name} of {title(own.artifact)}"
                yield OtlpSender(name, container.at("env"), texts)


GATE = Gate(
    id="OBS041",
    title="OTLP is sent to the port of its protocol",
    phase="observability",
    source="https://opentelemetry.io/docs/specs/otlp: 4317 is the port of OTLP/gRPC, and 4318 of "
    "OTLP/HTTP",
    check=check,
    of_files=check,
    scope=counted_in_files("senders of OTLP", _senders),
    targets=(),
    reads="OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_ENDPOINT, and those of one signal, "
    "of Compose services and pods, where no collector here has other ports. "
    "Judges files without a plan only.",
)
