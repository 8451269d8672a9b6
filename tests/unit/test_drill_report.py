"""A drill's report: one page that needs nothing else, and says what the journal says."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

import pytest

from tarmac.drill.report import html
from tarmac.drill.report.timeline import faults, timeline

GOOD, BAD = {"good": 10, "failed": 0, "p99_s": 0.03}, {"good": 2, "failed": 8, "p99_s": 2.4}
KILL = {"about": "fault", "what": "kill on a was there", "holds": True, "measured": "", "limit": ""}


@pytest.fixture
def journal() -> dict[str, Any]:
    checks = [
        KILL,
        {
            "about": "hypothesis",
            "what": "visits succeed",
            "holds": False,
            "measured": "73.333 % of 30",
            "limit": "99 %",
        },
    ]
    return {
        "verdict": "FAIL",
        "system": "shop",
        "drill": "a-kill",
        "title": "A is <killed> & restarted",
        "started": "2026-11-22T10:00:00+00:00",
        "versions": {"tarmac": "0.1.0"},
        "stores": ["broker: NATS stands in for Kafka"],
        "machine": {"cpus": 2, "system": "Linux"},
        "gaps": ["wires stand for the network"],
        "checks": checks,
        "recovered_s": 1.9,
        "periods": [
            {
                "name": "during",
                "first_s": 1,
                "last_s": 2,
                "visits": 10,
                "good": 2,
                "failed": {"<script>alert(1)</script>": 8},
                "p50_s": 0.2,
                "p99_s": 2.4,
                "longest_s": 2.5,
            }
        ],
        "events": [
            {"at_s": 0.0, "what": "10 visits per second begin"},
            {"at_s": 1.0, "what": "kill on a"},
            {"at_s": 1.5, "what": "kill on a is over: SIGKILL ended a"},
        ],
        "seconds": [GOOD, BAD, GOOD],
        "method": [{"fault": "kill", "on": "a"}],
    }


def of_kind(drawing: Element, kind: str) -> list[Element]:
    return [shape for shape in drawing.iter("rect") if shape.get("class") == kind]


def test_a_report_says_what_the_journal_says_and_needs_nothing_else(journal):
    page = html.as_html(journal)
    for words in (
        "FAIL",
        "visits succeed: 73.333 % of 30 (asked: 99 %)",
        "after 1.9 s",
        "2400 ms",
    ):
        assert words in page
    for words in ("wires stand for the network", "NATS stands in for Kafka", "73.33 %"):
        assert words in page
    for link in ("<script", "<link", "src=", "http"):
        assert link not in page


def test_what_visitors_met_is_text_whatever_it_holds(journal):
    page = html.as_html(journal)
    assert "8 x &lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "A is &lt;killed&gt; &amp; restarted" in page


def test_a_timeline_has_a_bar_for_each_second_and_shades_each_fault(journal):
    drawing = timeline(journal)
    assert len(of_kind(drawing, "good")) == 3
    (failed,) = of_kind(drawing, "failed")
    (fault,) = of_kind(drawing, "fault")
    assert fault.get("x") == failed.get("x")
    assert float(fault.get("width")) == pytest.approx(float(failed.get("width")) / 2, rel=0.02)
    assert list(faults(journal)) == [("kill on a", 1.0, 1.5)]


def test_a_drill_without_a_load_has_no_timeline(journal):
    page = html.as_html({**journal, "seconds": [], "periods": [], "recovered_s": None})
    assert "<svg" not in page
    assert "not in time" in page
