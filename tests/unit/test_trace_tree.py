"""A trace is drawn as a tree whose lines stay short, however deep it is."""

from __future__ import annotations

import io
from dataclasses import replace

from growth import MOST, counted
from rich.console import Console

from tarmac.cli.output.trace import INDENTED, show_tree
from tarmac.run.telemetry.queries import TreeSpan


def chain(count):
    """Make so many spans, each below the one before it."""
    return [
        TreeSpan(
            span_id=f"{depth:016x}",
            parent_id=f"{depth - 1:016x}" if depth else "",
            depth=depth,
            service="orders",
            instance="orders-1",
            name=f"step-{depth}",
            kind="internal",
            offset_ns=0,
            duration_ns=1000,
            failed=False,
            message="",
            attributes={},
            events=(),
        )
        for depth in range(count)
    ]


def drawn(spans):
    out = io.StringIO()
    show_tree(Console(file=out, width=100), "ab" * 16, spans)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_spans_are_indented_below_their_parents():
    head, titles, first, second, third = drawn(chain(3))
    assert "3 spans of 1 services" in head
    at = titles.index("SPAN")
    assert [line[at:] for line in (first, second, third)] == [
        "step-0",
        "  step-1",
        "    step-2",
    ]


def test_a_failed_span_is_marked_by_more_than_its_colour():
    whole, failed = chain(2)
    lines = drawn([whole, replace(failed, failed=True)])
    assert lines[-2].endswith("step-0")
    assert lines[-1].endswith("step-1  ! failed")


def test_a_span_deeper_than_the_indentation_has_its_level_and_one_line():
    lines = drawn(chain(300))
    assert len(lines) == 302
    assert lines[-1].endswith("(299) step-299")
    assert lines[INDENTED + 2].endswith(f"  step-{INDENTED}")


def test_twice_as_deep_a_trace_is_twice_the_work():
    small, large = (counted(lambda n=n: drawn(chain(n))) for n in (100, 200))
    assert large / small < MOST
