"""Decodes OTLP's trace requests: protobuf by its own library, JSON as the specification maps it.

Used by the receiver. In OTLP's JSON ids are hexadecimal, 64 bit numbers may be text and
enumerations are numbers (opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding), so protobuf's
own mapping of JSON does not fit. A request that is wrong in any part is refused as a whole.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tarmac.run.telemetry.span import ERROR, KINDS, LATEST_NS, Span

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

SERVICE_NAME, INSTANCE_ID = "service.name", "service.instance.id"
UNKNOWN_SERVICE = "unknown_service"
TRACE_ID_BYTES = 16
#: Lists in lists are followed this far: the value is a program's own, and may be made to break us.
DEPTH = 16
#: Errors of values that have another type or do not fit: 1e999 is a number of JSON, not an integer.
ILL_TYPED = (ValueError, TypeError, AttributeError, OverflowError)
INT64 = range(-(2**63), 2**63)


class UnreadableRequest(ValueError):
    """The body is not an OTLP request."""


def spans_of_json(body: bytes) -> list[Span]:
    """Decode an ExportTraceServiceRequest in JSON. Raises UnreadableRequest."""
    try:
        return list(_of_json(json.loads(body)))
    except (*ILL_TYPED, KeyError, RecursionError) as error:
        raise UnreadableRequest(f"not OTLP's JSON ({type(error).__name__}: {error})") from None


def spans_of_protobuf(body: bytes) -> list[Span]:
    """Decode an ExportTraceServiceRequest in protobuf. Raises UnreadableRequest."""
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - 40 ms that JSON does without
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (  # noqa: PLC0415
        ExportTraceServiceRequest,
    )

    try:
        return list(_of_protobuf(ExportTraceServiceRequest.FromString(body).resource_spans))
    except (DecodeError, ValueError, struct.error) as error:
        raise UnreadableRequest(f"not OTLP's protobuf ({error})") from None


def _of_json(request: Mapping[str, Any]) -> Iterator[Span]:
    for group in request.get("resourceSpans") or ():
        resource = _pairs((group.get("resource") or {}).get("attributes"))
        for scope in group.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                status = span.get("status") or {}
                started_ns = int(span["startTimeUnixNano"])
                yield _span(
                    resource,
                    (span["traceId"], span["spanId"], span.get("parentSpanId") or ""),
                    span.get("name") or "",
                    int(span.get("kind") or 0),
                    started_ns,
                    int(span.get("endTimeUnixNano") or started_ns),
                    (int(status.get("code") or 0), status.get("message") or ""),
                    _pairs(span.get("attributes")),
                    [
                        _event(
                            event.get("name") or "",
                            int(event.get("timeUnixNano") or started_ns) - started_ns,
                            _pairs(event.get("attributes")),
                        )
                        for event in span.get("events") or ()
                    ],
                )


def _of_protobuf(groups: Iterable[Any]) -> Iterator[Span]:
    for group in groups:
        resource = attributes_of(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield _span(
                    resource,
                    (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex()),
                    span.name,
                    span.kind,
                    span.start_time_unix_nano,
                    span.end_time_unix_nano,
                    (span.status.code, span.status.message),
                    attributes_of(span.attributes),
                    [
                        _event(
                            event.name,
                            event.time_unix_nano - span.start_time_unix_nano,
                            attributes_of(event.attributes),
                        )
                        for event in span.events
                    ],
                )


def _span(
    resource: Mapping[str, Any],
    ids: tuple[str, str, str],
    name: str,
    kind: int,
    started_ns: int,
    ended_ns: int,
    status: tuple[int, str],
    attributes: dict[str, Any],
    events: list[dict[str, Any]],
) -> Span:
    trace_id, span_id, parent_id = map(bytes.fromhex, ids)
    service, instance = named(resource)
    if (len(trace_id), len(span_id)) != (TRACE_ID_BYTES, 8) or len(parent_id) not in (0, 8):
        raise ValueError(f"ids of {len(trace_id)}, {len(span_id)} and {len(parent_id)} bytes")
    if not 0 < started_ns <= LATEST_NS:
        raise ValueError(f"a start of {started_ns} ns")
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id if any(parent_id) else b"",
        service=service,
        instance=instance,
        name=_text(name),
        kind=KINDS[kind] if 0 <= kind < len(KINDS) else KINDS[0],
        started_ns=started_ns,
        # Clocks of two threads may differ by a little: no span ends before it starts.
        duration_ns=max(0, min(ended_ns, LATEST_NS) - started_ns),
        failed=status[0] == ERROR,
        message=_text(status[1]) if status[0] == ERROR else "",
        attributes=attributes,
        events=events,
    )


def named(resource: Mapping[str, Any]) -> tuple[str, str]:
    """Return the service and the instance that a resource's attributes name."""
    service = _text(resource.get(SERVICE_NAME) or UNKNOWN_SERVICE)
    return service, _text(resource.get(INSTANCE_ID) or "")


def _text(value: Any) -> str:
    """Return text that can be stored: JSON can name half of a pair of surrogates."""
    return str(value).encode("utf-8", "replace").decode()


def _event(name: str, offset_ns: int, attributes: dict[str, Any]) -> dict[str, Any]:
    in_range = max(-LATEST_NS, min(offset_ns, LATEST_NS))
    return {"name": _text(name), "offset_ns": in_range, "attributes": attributes}


def _pairs(pairs: Iterable[Mapping[str, Any]] | None, depth: int = 0) -> dict[str, Any]:
    return {
        _text(pair.get("key", "")): _value(pair.get("value") or {}, depth) for pair in pairs or ()
    }


def _value(value: Mapping[str, Any], depth: int = 0) -> Any:
    if depth > DEPTH:
        return None
    for kind, given in value.items():
        if kind == "intValue":
            if (number := int(given)) not in INT64:
                raise ValueError("an integer of more than 64 bits")
            return number
        if kind == "doubleValue":
            return _finite(float(given))
        if kind == "boolValue":
            return bool(given)
        if kind == "arrayValue":
            return [_value(entry, depth + 1) for entry in given.get("values") or ()]
        if kind == "kvlistValue":
            return _pairs(given.get("values"), depth + 1)
        return _text(given)
    return None


def _finite(value: float) -> float | str:
    """Return a number that JSON has; NaN and the infinities as OTLP's JSON writes them, in text."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def attributes_of(pairs: Iterable[KeyValue]) -> dict[str, Any]:
    """Read a message's attributes into plain data."""
    return {pair.key: value_of(pair.value) for pair in pairs}


def value_of(value: AnyValue, depth: int = 0) -> Any:
    """Read one value into plain data; what lies deeper than DEPTH is None."""
    if depth > DEPTH:
        return None
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(entry, depth + 1) for entry in value.array_value.values]
    if kind == "kvlist_value":
        pairs = value.kvlist_value.values
        return {pair.key: value_of(pair.value, depth + 1) for pair in pairs}
    if kind == "bytes_value":
        return value.bytes_value.hex()
    if kind == "double_value":
        return _finite(value.double_value)
    return None if kind is None else getattr(value, kind)
