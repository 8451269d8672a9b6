"""Decodes OTLP's log requests. A request that is wrong in any part is refused as a whole."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from tarmac.run.telemetry import otlp, otlp_message
from tarmac.run.telemetry.log_record import LogRecord
from tarmac.run.telemetry.span import LATEST_NS

if TYPE_CHECKING:
    from opentelemetry.proto.logs.v1 import logs_pb2

#: OTLP's severity numbers, in fours: TRACE, DEBUG, INFO, WARN, ERROR, FATAL.
LEVELS = ("debug", "debug", "info", "warning", "error", "critical")
#: Characters of a record's body: as many as of a line of output.
MOST_SAID = 65_536


def records(body: bytes, *, is_json: bool) -> list[LogRecord]:
    """Decode an ExportLogsServiceRequest. Raises UnreadableRequest."""
    decode = otlp_message.of_json if is_json else otlp_message.of_protobuf
    return list(_records(decode(ExportLogsServiceRequest, body)))


def _records(request: ExportLogsServiceRequest) -> Iterator[LogRecord]:
    for group in request.resource_logs:
        service, instance = otlp.named(otlp.attributes_of(group.resource.attributes))
        for scope in group.scope_logs:
            for record in scope.log_records:
                if len(record.trace_id) not in (0, otlp.TRACE_ID_BYTES):
                    raise otlp.UnreadableRequest(f"a trace's id of {len(record.trace_id)} bytes")
                yield _record(service, instance, record)


def _record(service: str, instance: str, record: logs_pb2.LogRecord) -> LogRecord:
    at_ns = record.time_unix_nano or record.observed_time_unix_nano or time.time_ns()
    attributes = otlp.attributes_of(record.attributes)
    if record.event_name:
        attributes = {"event_name": record.event_name, **attributes}
    return LogRecord(
        service=service,
        instance=instance,
        at_ns=min(at_ns, LATEST_NS),
        level=_level(record.severity_number, record.severity_text),
        said=_said(otlp.value_of(record.body)),
        trace_id=record.trace_id if any(record.trace_id) else b"",
        attributes=attributes,
    )


def _level(number: int, text: str) -> str:
    return LEVELS[(number - 1) // 4] if 0 < number <= 4 * len(LEVELS) else text.lower()


def _said(body: Any) -> str:
    text = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    return text[:MOST_SAID]
