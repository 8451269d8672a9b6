"""Lines of logs: which trace they are of, and which a filter passes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tarmac.run.telemetry import line_filter, log_lines
from tarmac.run.telemetry.line_filter import LineFilter

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


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"level": "error", "event": "x"}', "error"),
        ('{"level": 50, "msg": "pino"}', "error"),
        ('{"severity": "WARN", "message": "x"}', "warning"),
        ('{"log.level": "fatal"}', "critical"),
        ('{"event": "no level"}', ""),
        ("2026-11-26 ERROR orders: no connection", "error"),
        ("error: no connection", "error"),
        ("WARNING  deprecated", "warning"),
        ("nothing here is an error", ""),
        (f"{'x' * 90} ERROR far behind", ""),
    ],
)
def test_the_level_of_a_line_is_read_as_its_logger_writes_it(text, level):
    assert line_filter.level_of(text) == level


LINES = [
    log_lines.Line("2026-11-26T10:00:00.000Z", "orders", '{"level": "info", "event": "Begun"}'),
    log_lines.Line("2026-11-26T10:05:00.000Z", "orders", '{"level": "error", "event": "lost"}'),
    log_lines.Line("2026-11-26T10:09:00.000Z", "cart", "plain text, Lost too"),
]


@pytest.mark.parametrize(
    ("wanted", "passed"),
    [
        (LineFilter(), [0, 1, 2]),
        (LineFilter(since="2026-11-26T10:05:00.000Z"), [1, 2]),
        (LineFilter(until="2026-11-26T10:05:00.000Z"), [0]),
        (LineFilter(text="LOST"), [1, 2]),
        (LineFilter(level="info"), [0, 1]),
        (LineFilter(level="warning"), [1]),
        (LineFilter(since="2026-11-26T10:01:00.000Z", text="lost", level="debug"), [1]),
    ],
)
def test_a_filter_passes_lines_by_time_text_and_level(wanted, passed):
    assert [LINES.index(line) for line in LINES if wanted.passes(line)] == passed
    assert wanted.chooses == (passed != [0, 1, 2])


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("10m", "2026-11-26T11:50:00.000Z"),
        ("2h", "2026-11-26T10:00:00.000Z"),
        ("2026-11-26T14:05", "2026-11-26T14:05:00.000Z"),
        ("2026-11-26T14:05:00+02:00", "2026-11-26T12:05:00.000Z"),
    ],
)
def test_a_moment_is_so_long_ago_or_a_time(written, at):
    assert line_filter.moment(written, datetime(2026, 11, 26, 12, tzinfo=UTC)) == at


@pytest.mark.parametrize("written", ["soon", "10", "5 minutes", "99999999999d", "-1h"])
def test_what_is_no_moment_is_refused(written):
    with pytest.raises((ValueError, OverflowError)):
        line_filter.moment(written, datetime(2026, 11, 26, 12, tzinfo=UTC))
