"""Requests of OTLP whose texts are HTML that would run in a page."""

from __future__ import annotations

import time
from typing import Any

#: Runs, or is seen as an element, where a page takes a text for HTML.
HOSTILE = (
    'x\'"><img class=planted src=x onerror="window.ran=1"><svg class=planted onload=window.ran=1>'
    "<script>window.ran=1</script>{{7*7}}${window.ran=1}"
)


def sent(name: str) -> dict[str, Any]:
    """Write requests of OTLP whose texts are all hostile, from a service of this name."""
    attributes = [
        {"key": key, "value": {"stringValue": text}}
        for key, text in (
            (HOSTILE, HOSTILE),
            ("http.route", HOSTILE),
            ("url.full", "javascript:window.ran=1"),
            ("db.query.text", HOSTILE),
        )
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": name}}]}
    ids = {"traceId": "ab" * 16, "spanId": "cd" * 8}
    now = time.time_ns()
    span = {
        **ids,
        "name": HOSTILE,
        "kind": 2,
        "startTimeUnixNano": now,
        "endTimeUnixNano": now + 10**6,
        "attributes": attributes,
        "events": [{"name": HOSTILE, "timeUnixNano": now, "attributes": attributes}],
        "status": {"code": 2, "message": HOSTILE},
    }
    line = {
        **ids,
        "timeUnixNano": now,
        "severityText": HOSTILE,
        "severityNumber": 17,
        "body": {"stringValue": HOSTILE},
        "attributes": attributes,
    }
    point = {"asDouble": 1, "timeUnixNano": now, "attributes": attributes}
    gauge = {"name": "planted", "unit": "1", "gauge": {"dataPoints": [point]}}
    return {
        "traces": {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]},
        "logs": {"resourceLogs": [{"resource": resource, "scopeLogs": [{"logRecords": [line]}]}]},
        "metrics": {
            "resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": [gauge]}]}]
        },
    }
