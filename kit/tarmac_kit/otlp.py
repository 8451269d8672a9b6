"""OTLP's JSON, and OpenTelemetry's variables as `otlp_exporter` reads them.

Shapes and names are those of OTLP 1.x and of the SDK's specification; ids are hexadecimal, 64 bit
numbers are text, enumerations are numbers. It sends nothing, and reads no other environment than
the one it is given.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    ParentBased,
    Sampler,
    TraceIdRatioBased,
)
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tarmac_kit.trace import FinishedSpan

#: Of a span's flags: whether its parent is another process's is known, and so it is.
_KNOWN, _REMOTE = 0x100, 0x200
_quoted = json.encoder.encode_basestring_ascii


class SpanSettings(BaseSettings):
    """OpenTelemetry's own variables; milliseconds where it has them."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    otel_sdk_disabled: bool = False
    otel_traces_exporter: Literal["otlp", "none"] = "otlp"
    otel_exporter_otlp_protocol: Literal["http/json"] = "http/json"
    otel_exporter_otlp_traces_protocol: Literal["http/json"] = "http/json"
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_traces_endpoint: str = ""
    #: NAME=VALUE, separated by commas, values percent-encoded; a secret.
    otel_exporter_otlp_headers: str = ""
    otel_exporter_otlp_traces_headers: str = ""
    otel_exporter_otlp_timeout: int = Field(default=10_000, gt=0)
    otel_service_name: str = ""
    #: As the headers; no secret.
    otel_resource_attributes: str = ""
    otel_traces_sampler: Literal[
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ] = "parentbased_always_on"
    #: The part of the traces that is sent, for a sampler with `traceidratio`.
    otel_traces_sampler_arg: float = Field(default=1.0, ge=0, le=1)
    otel_bsp_schedule_delay: int = Field(default=5_000, gt=0)
    otel_bsp_max_queue_size: int = Field(default=2048, ge=1)
    otel_bsp_max_export_batch_size: int = Field(default=512, ge=1)

    @field_validator("otel_exporter_otlp_endpoint", "otel_exporter_otlp_traces_endpoint")
    @classmethod
    def _is_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("no address of OTLP over HTTP; write http://HOST:4318")
        if "@" in parts.netloc:
            raise ValueError("it has credentials; give them in OTEL_EXPORTER_OTLP_HEADERS")
        return value

    @field_validator(
        "otel_exporter_otlp_headers",
        "otel_exporter_otlp_traces_headers",
        "otel_resource_attributes",
    )
    @classmethod
    def _is_pairs(cls, value: str) -> str:
        pairs(value)
        return value

    @property
    def url(self) -> str:
        """Where spans are posted: the address for traces as it is, or a path below the other."""
        base = self.otel_exporter_otlp_endpoint.rstrip("/")
        return self.otel_exporter_otlp_traces_endpoint or f"{base}/v1/traces"

    @property
    def headers(self) -> dict[str, str]:
        """The headers of each request."""
        return pairs(self.otel_exporter_otlp_traces_headers or self.otel_exporter_otlp_headers)

    def sampler(self) -> Sampler:
        """Make what decides which traces are sent."""
        name = self.otel_traces_sampler
        roots = {"always_on": ALWAYS_ON, "always_off": ALWAYS_OFF}
        ratio = TraceIdRatioBased(self.otel_traces_sampler_arg)
        root = roots.get(name.removeprefix("parentbased_"), ratio)
        return ParentBased(root) if name.startswith("parentbased_") else root


def pairs(text: str) -> dict[str, str]:
    """Read `NAME=VALUE,NAME=VALUE`; raise ValueError, without the text, where a part is none."""
    found = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, value = part.partition("=")
        read = unquote(value.strip())
        if not equals or not name.strip() or not read.isprintable():
            raise ValueError("not NAME=VALUE, separated by commas")
        found[name.strip()] = read
    return found


def around(resource: Mapping[str, Any], scope: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the spans of a request's body."""
    head = (
        f'{{"resourceSpans":[{{"resource":{{"attributes":{_attributes(resource)}}},'
        f'"scopeSpans":[{{"scope":{{"name":{_quoted(scope)}}},"spans":['
    )
    return head.encode(), b"]}]}]}"


def written(span: ReadableSpan) -> bytes:
    """Return one span as it stands in a body; written without `json.dumps`, in half its time."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None  # noqa: S101 - one that was begun has its ids
    flags, more = int(context.trace_flags) | _KNOWN, ""
    if parent is not None:
        flags |= _REMOTE if parent.is_remote else 0
        more = f'"parentSpanId":"{parent.span_id:016x}",'
    if context.trace_state:
        more += f'"traceState":{_quoted(context.trace_state.to_header())},'
    if span.events:
        more += f'"events":[{",".join(map(_event, span.events))}],'
    return _body(
        (context.trace_id, context.span_id),
        more,
        span.name,
        span.kind,
        (span.start_time, span.end_time),
        span.attributes,
        span.status.status_code,
        flags,
    )


def written_finished(span: FinishedSpan, span_id: int) -> bytes:
    """Return a client's span that is over, as it stands in a body."""
    above, attributes, status = span.above, span.attributes, StatusCode.UNSET
    if span.error:
        attributes, status = {**attributes, "error.type": span.error}, StatusCode.ERROR
    more = f'"parentSpanId":"{above.span_id:016x}",'
    if above.trace_state:
        more += f'"traceState":{_quoted(above.trace_state.to_header())},'
    return _body(
        (above.trace_id, span_id),
        more,
        span.name,
        SpanKind.CLIENT,
        (span.started_ns, span.ended_ns),
        attributes,
        status,
        int(above.trace_flags) | _KNOWN,
    )


def _body(
    ids: tuple[int, int],
    more: str,
    name: str,
    kind: SpanKind,
    times_ns: tuple[int | None, int | None],
    attributes: Mapping[str, Any] | None,
    status: StatusCode,
    flags: int,
) -> bytes:
    """Write a span; `more` are members that not every span has, each with its comma."""
    return (
        f'{{"traceId":"{ids[0]:032x}","spanId":"{ids[1]:016x}",{more}'
        f'"name":{_quoted(name)},"kind":{kind.value + 1},'  # OTLP's 0 is none
        f'"startTimeUnixNano":"{times_ns[0]}","endTimeUnixNano":"{times_ns[1]}",'
        f'"attributes":{_attributes(attributes)},'
        f'"status":{{"code":{status.value}}},"flags":{flags}}}'
    ).encode()


def _event(event: Event) -> str:
    attributes = _attributes(event.attributes)
    return (
        f'{{"timeUnixNano":"{event.timestamp}","name":{_quoted(event.name)},'
        f'"attributes":{attributes}}}'
    )


def _attributes(given: Mapping[str, Any] | None) -> str:
    pairs_ = (given or {}).items()
    return f"[{','.join([_attribute(name, value) for name, value in pairs_])}]"


def _attribute(name: str, value: Any) -> str:
    if isinstance(value, str | int | float):
        return _scalar(name, value)
    return json.dumps({"key": name, "value": _value(value)})


@lru_cache(maxsize=1024, typed=True)  # a service says the same of most of its spans
def _scalar(name: str, value: str | float) -> str:
    return json.dumps({"key": name, "value": _value(value)})


def _value(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"stringValue": value}
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}
        case float() if math.isfinite(value):
            return {"doubleValue": value}
        case tuple() | list():
            return {"arrayValue": {"values": [_value(item) for item in value]}}
        case _:
            return {"stringValue": str(value)}
