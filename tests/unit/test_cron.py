"""One reader of schedules: what a cluster takes runs here at the same times; nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from tarmac.base.cron import runs

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("schedule", "first"),
    [
        ("*/15 * * * *", ["00:15", "00:30"]),
        ("5/20 * * * *", ["00:05", "00:25", "00:45", "01:05"]),  # from 5 on, to the end
        ("0 9-11 * * MON-FRI", ["09:00", "10:00", "11:00"]),
        ("0 0 ? * thu", ["00:00"]),
        ("@hourly", ["01:00", "02:00"]),
        ("@midnight", ["00:00"]),
        ("@every 1h30m", ["01:30", "03:00"]),
        ("@every 45s", ["00:00:45", "00:01:30"]),
    ],
)
def test_a_schedule_is_due_when_a_cluster_would_run_it(schedule, first):
    found = list(islice(runs(schedule, NEW_YEAR), len(first)))
    shown = [f"{due:%H:%M:%S}" if len(first[0]) > 5 else f"{due:%H:%M}" for due in found]
    assert shown == first


@pytest.mark.parametrize(
    ("schedule", "what"),
    [
        ("60 * * * *", "minute 60 is not within 0 to 59"),
        ("0 24 * * *", "hour 24 is not within 0 to 23"),
        ("0 0 * 13 *", "month 13 is not within 1 to 12 or jan to dec"),
        ("0 0 * * 7", "weekday 7 is not within 0 to 6 or sun to sat"),
        ("0 0 * * 5L", "weekday 5L is not within"),
        ("0 0 * * mon#1", "weekday mon#1 is not within"),
        ("30-10 * * * *", "minute 30-10 is not within"),
        ("*/0 * * * *", "minute \\*/0 is not within"),
        ("0 0 * * * *", "it has 6 fields, not 5"),
        ("every day", "it has 2 fields, not 5"),
        ("@reboot", "words are @yearly, @annually"),
        ("@every soon", "@every needs a time"),
        ("@every 0m", "@every needs a time"),
        ("0 0 30 2 *", "day"),
        ("TZ=Europe/Berlin 0 0 * * *", "it has 6 fields"),
    ],
)
def test_what_a_cluster_refuses_is_refused_with_the_field(schedule, what):
    with pytest.raises(ValueError, match=what):
        runs(schedule, NEW_YEAR)
