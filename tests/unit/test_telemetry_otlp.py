"""OTLP's trace requests are decoded alike in both encodings, and refused as a whole."""

from __future__ import annotations

import json

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from tarmac.run.telemetry.otlp import UnreadableRequest, spans_of_json, spans_of_protobuf

TRACE, SPAN, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "00f067aa0ba902b7"
STARTED_NS = 1_790_000_000_000_000_000
VALUES = st.one_of(
    st.text(max_size=20),
    st.booleans(),
    st.integers(min_value=-(2**63), max_value=2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.lists(st.text(max_size=5), max_size=3),
)


def written(request: ExportTraceServiceRequest) -> bytes:
    """Write it in OTLP's JSON: ids in hexadecimal, enumerations as numbers."""
    data = MessageToDict(request, use_integers_for_enums=True)
    for group, message in zip(data.get("resourceSpans", ()), request.resource_spans, strict=True):
        for scope, told in zip(group.get("scopeSpans", ()), message.scope_spans, strict=True):
            for span, sent in zip(scope.get("spans", ()), told.spans, strict=True):
                span["traceId"], span["spanId"] = sent.trace_id.hex(), sent.span_id.hex()
                span["parentSpanId"] = sent.parent_span_id.hex()
    return json.dumps(data).encode()


def set_value(slot, value):
    if isinstance(value, bool):
        slot.bool_value = value
    elif isinstance(value, int):
        slot.int_value = value
    elif isinstance(value, float):
        slot.double_value = value
    elif isinstance(value, str):
        slot.string_value = value
    else:
        slot.array_value.SetInParent()
        for entry in value:
            slot.array_value.values.add().string_value = entry


def request_of(attributes, name="GET /orders", kind=2, failed=False, parent=PARENT):
    request = ExportTraceServiceRequest()
    group = request.resource_spans.add()
    for key, value in (("service.name", "orders"), ("service.instance.id", "orders-2")):
        group.resource.attributes.add(key=key).value.string_value = value
    span = group.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE),
        span_id=bytes.fromhex(SPAN),
        parent_span_id=bytes.fromhex(parent),
        name=name,
        kind=kind,
        start_time_unix_nano=STARTED_NS,
        end_time_unix_nano=STARTED_NS + 5_000_000,
    )
    if failed:
        span.status.code, span.status.message = Status.STATUS_CODE_ERROR, "no stock"
    for key, value in attributes.items():
        set_value(span.attributes.add(key=key).value, value)
    event = span.events.add(name="retry", time_unix_nano=STARTED_NS + 1_000)
    event.attributes.add(key="attempt").value.int_value = 2
    return request


@settings(deadline=None)
@given(
    st.dictionaries(st.text(max_size=10), VALUES, max_size=4),
    st.text(max_size=30),
    st.integers(0, 5),
    st.booleans(),
)
def test_both_encodings_of_a_span_are_decoded_alike(attributes, name, kind, failed):
    request = request_of(attributes, name, kind, failed)
    (span,) = spans_of_protobuf(request.SerializeToString())
    assert spans_of_json(written(request)) == [span]
    assert span.attributes == attributes
    assert (span.service, span.instance, span.name) == ("orders", "orders-2", name)
    assert (span.trace_id.hex(), span.span_id.hex(), span.parent_id.hex()) == (TRACE, SPAN, PARENT)
    assert (span.started_ns, span.duration_ns) == (STARTED_NS, 5_000_000)
    assert (span.failed, span.message) == (failed, "no stock" if failed else "")
    assert span.events == [{"name": "retry", "offset_ns": 1000, "attributes": {"attempt": 2}}]


def test_a_span_without_parent_resource_or_end_is_still_a_span():
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": TRACE, "spanId": SPAN, "name": "x", "startTimeUnixNano": STARTED_NS},
        {"traceId": TRACE, "spanId": PARENT, "parentSpanId": "0" * 16, "name": "y",
         "startTimeUnixNano": str(STARTED_NS), "endTimeUnixNano": str(STARTED_NS - 7)},
    ]}]}]}  # fmt: skip
    for span in spans_of_json(json.dumps(body).encode()):
        assert (span.parent_id, span.duration_ns, span.service) == (b"", 0, "unknown_service")


def json_of(**changes) -> bytes:
    span = {"traceId": TRACE, "spanId": SPAN, "name": "x", "startTimeUnixNano": "1"} | changes
    return json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"\xff",
        b'{"resourceSpans": 5}',
        b'{"resourceSpans": [[]]}',
        b"[" * 100_000,
        json_of(traceId="zz"),
        json_of(traceId=TRACE[:-2]),
        json_of(spanId=""),
        json_of(startTimeUnixNano="soon"),
        json_of(startTimeUnixNano=0),
        json_of(startTimeUnixNano=2**64),
        json_of(attributes=[{"key": "a", "value": {"intValue": "one"}}]),
        json_of(attributes=[{"key": "a", "value": {"intValue": "9" * 4000}}]),
        json_of(attributes=[{"key": "a", "value": {"intValue": float("inf")}}]),
        json_of(startTimeUnixNano=float("inf")),
        json_of(kind=float("inf")),
        json_of(status={"code": float("nan")}),
    ],
)
def test_json_that_is_no_trace_request_is_refused(body):
    with pytest.raises(UnreadableRequest, match="not OTLP's JSON"):
        spans_of_json(body)


@settings(deadline=None)  # the first one imports
@given(st.binary(max_size=200))
def test_any_other_protobuf_is_refused_or_has_no_wrong_span(body):
    try:
        spans = spans_of_protobuf(body)
    except UnreadableRequest:
        return
    assert all(len(span.trace_id) == 16 for span in spans)


def test_a_value_that_is_nested_without_end_is_cut_off():
    value: dict = {"stringValue": "deep"}
    for _ in range(200):
        value = {"arrayValue": {"values": [value]}}
    (span,) = spans_of_json(json_of(attributes=[{"key": "a", "value": value}]))
    assert "deep" not in json.dumps(span.attributes)


NUMBERS = {"nan": float("nan"), "more": float("inf"), "less": float("-inf")}
WORDS = {"nan": "NaN", "more": "Infinity", "less": "-Infinity"}


@pytest.mark.parametrize("said", [NUMBERS, WORDS], ids=["as numbers", "as the specification"])
def test_numbers_that_json_lacks_are_kept_as_text(said):
    pairs = [{"key": key, "value": {"doubleValue": number}} for key, number in said.items()]
    (span,) = spans_of_json(json_of(attributes=pairs, events=[{"name": "e", "attributes": pairs}]))
    assert span.attributes == span.events[0]["attributes"] == WORDS
    (sent,) = spans_of_protobuf(request_of(NUMBERS).SerializeToString())
    assert sent.attributes == WORDS
    json.dumps([span.attributes, sent.attributes], allow_nan=False)


def test_half_a_pair_of_surrogates_is_replaced_in_every_text_of_a_span():
    half = "\ud800"
    pairs = [{"key": half, "value": {"stringValue": half}}, {"key": "x", "value": {half: half}}]
    listed = [{"key": "l", "value": {"arrayValue": {"values": [{"stringValue": half}]}}}]
    (span,) = spans_of_json(
        json_of(
            name=half,
            status={"code": 2, "message": half},
            attributes=[*pairs, *listed],
            events=[{"name": half, "timeUnixNano": "9" * 4000, "attributes": pairs}],
        )
    )
    told = [span.name, span.message, span.attributes, span.events]
    assert half not in json.dumps(told, ensure_ascii=False).encode().decode()
    assert span.name == span.message == span.events[0]["name"] != half
