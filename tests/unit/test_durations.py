"""Durations as they are written for others, and series of promtool's that are made of stretches."""

from __future__ import annotations

from math import nan

import pytest

from tarmac.model.value import duration
from tarmac.render._promtool import Line, Part, values


@pytest.mark.parametrize(
    ("seconds", "unit", "written"),
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
def test_a_duration_is_written_in_the_units_that_are_asked_for(seconds, unit, written):
    assert duration(seconds, unit) == written


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
