"""Durations as they are written for others, and series of promtool's that are made of stretches."""

from __future__ import annotations

from math import nan

import pytest

from tarmac.base.written import duration, seconds
from tarmac.render.observability.alerting.promtool_lines import Line, Part, values


@pytest.mark.parametrize(
    ("amount", "unit", "written"),
    [
        (0, "", "0s"),
        (90, "", "1m30s"),
        (5400, "", "1h30m"),
        (259200, "", "3d"),
        (0, "m", "0m"),
        (60.0, "m", "1m"),
        (90.0, "m", "90s"),
        (4200, "m", "70m"),
        (5400, "h", "5400s"),
    ],
)
def test_a_duration_is_written_in_the_units_that_are_asked_for(amount, unit, written):
    assert duration(amount, unit) == written


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("1m500ms", 60.5),
        ("2w", 1209600),
        ("1y", 31536000),
        ("", 0),
        ("None", 0),
    ],
)
def test_a_duration_is_read_in_the_units_of_both(written, read):
    assert seconds(written) == pytest.approx(read)


@pytest.mark.parametrize(
    ("counter", "late", "written"),
    [
        (False, False, "1+0x2 _x2 3+0x1"),
        (True, False, "0+1x3 _x2 6+3x1"),
        (True, True, "0+1x2 _x2 3+3x1"),
    ],
)
def test_a_series_is_written_by_its_stretches(counter, late, written):
    parts = (Part(1, 3), Part(nan, 2), Part(9, 0), Part(3, 2))
    assert values(Line("a", parts, counter=counter, late=late)) == written
