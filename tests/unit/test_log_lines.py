"""Lines of logs: which trace they are of."""

from __future__ import annotations

import pytest

from tarmac.run.telemetry import log_lines

ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("text", "is_of_it"),
    [
        (f'{{"event": "request", "trace_id": "{ID}"}}', True),
        (f'{{"msg": "done", "traceId": "{ID}"}}', True),
        (f'{{"message": "done", "otelTraceID": "{ID}"}}', True),
        (f'{{"event": "see {ID}", "trace_id": "{ID[::-1]}"}}', False),
        (f"plain text about {ID}", False),
        (f'["{ID}"]', False),
        (f'{{"trace_id": "{ID}"', False),
        ('{"trace_id": 5}', False),
        ('{"trace_id":' + "[" * 100_000 + ID, False),
    ],
)
def test_a_line_is_of_a_trace_where_its_field_says_so(text, is_of_it):
    assert log_lines.is_of_trace(text, ID[:8]) is is_of_it
