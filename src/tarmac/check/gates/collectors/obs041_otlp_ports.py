"""OTLP is sent to the port of its protocol, 4317 for gRPC and 4318 for HTTP, and to its path."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.monitoring.collectors import collectors
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

_PORTS = {"grpc": "4317", "http/protobuf": "4318", "http/json": "4318"}
_ENDPOINT = re.compile(r"(?:https?://)?[\w.-]+:(4317|4318)(?:/\S*)?")
_ALL = "OTEL_EXPORTER_OTLP_ENDPOINT"
#: An address that ends in the path of a signal.
_PATH = re.compile(r"(\S+?)/*(/v1/(?:traces|metrics|logs))/?")
#: An address of a collector's own port, without a path.
_BARE = re.compile(r"https?://[\w.-]+:4318/?")
#: Exporters of collectors that add the path, by all of their names.
_HTTP = ("otlphttp", "otlp_http")
_KEYS = ("", "TRACES_", "METRICS_", "LOGS_")


class OtlpSender(NamedTuple):
    """What is told to send signals by OTLP."""

    title: str
    where: str
    variables: Mapping[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield endpoints of another protocol than the one that is named, and with a path twice."""
    senders = list(_senders(files))
    for sender in senders:
        yield from _by_http(sender)
    for one in collectors(files):
        for name, exporter in fields(one.data, "exporters").items():
            found = _PATH.fullmatch(string(exporter, "endpoint"))
            others = [key for key in fields(exporter) if str(key).endswith("_endpoint")]
            if str(name).partition("/")[0] in _HTTP and found and not others:
                where = one.at("exporters", str(name), "endpoint")
                what = f"the exporter {name} adds {found[2]} to its endpoint itself, which ends in"
                said = f"{what} it already: each export fails with 404; write {found[1]}"
                yield Finding(where, said)
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


def _by_http(sender: OtlpSender) -> Iterator[Finding]:
    """Yield endpoints of all signals with the path of one, and those of one without a path."""
    shared = sender.variables.get(_ALL, "").strip()
    protocol = sender.variables.get("OTEL_EXPORTER_OTLP_PROTOCOL", "")
    found = _PATH.fullmatch(shared)
    if found and protocol.startswith("http/"):
        what = f"{sender.title} sends OTLP to {shared} ({_ALL}), to which {found[2]} is added:"
        # A program may read the variable itself, and add nothing.
        said = f"{what} each export fails with 404; write {found[1]}"
        yield Finding(sender.where, said, warning=True)
    for key in _KEYS[1:]:
        name = f"OTEL_EXPORTER_OTLP_{key}ENDPOINT"
        endpoint = sender.variables.get(name, "").strip()
        own = sender.variables.get(f"OTEL_EXPORTER_OTLP_{key}PROTOCOL", protocol)
        if own.startswith("http/") and _BARE.fullmatch(endpoint):
            path = f"/v1/{key.strip('_').lower()}"
            what = f"{sender.title} sends OTLP to {endpoint} ({name}), to which nothing is added:"
            said = f"{what} it asks for /, and each export fails with 404"
            advice = f"write {endpoint.rstrip('/')}{path}"
            yield Finding(sender.where, f"{said}; {advice}", warning=True)


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


def _judged(files: Files) -> Iterator[object]:
    yield from _senders(files)
    for one in collectors(files):
        yield from (name for name in fields(one.data, "exporters") if "otlp" in str(name))


GATE = Gate(
    id="OBS041",
    title="OTLP is sent to the port and the path of its protocol",
    phase="observability",
    source="https://opentelemetry.io/docs/specs/otlp: 4317 is the port of OTLP/gRPC, and 4318 of "
    "OTLP/HTTP, whose path for a signal is added to an endpoint of all signals",
    check=check,
    of_files=check,
    scope=counted_in_files("senders of OTLP", _judged),
    targets=(),
    reads="OTEL_EXPORTER_OTLP_PROTOCOL and OTEL_EXPORTER_OTLP_ENDPOINT, and those of one signal, "
    "of Compose services and pods, where no collector here has other ports; endpoints of "
    "collectors' exporters otlphttp. Judges files without a plan only.",
)
