"""Writes a game day's journal as a form in Markdown: what was expected, what came, what is next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.drill.drill import sentence
from tarmac.drill.report.journal import expected_of

Journal = Mapping[str, Any]
PARTS = {"setup": "valid", "fault": "valid", "hypothesis": "steady state"}


def as_markdown(day: Journal) -> str:
    """Write the form: an overview, each drill with its result, and what people fill in."""
    return "\n".join(_lines(day)) + "\n"


def _lines(day: Journal) -> Iterator[str]:
    yield f"# {day['title']}"
    yield ""
    yield f"**{day['verdict']}** · {day['system']} · {day['game_day']} · {day['started']}"
    yield ""
    for role, name in day["people"].items():
        yield f"- {role}: {name}"
    if day["people"]:
        yield ""
    yield from _table(
        ("Drill", "Verdict", "Recovered", "What did not hold"),
        (
            (drill["title"], drill["verdict"], _recovered(drill), "; ".join(_broken(drill)) or "-")
            for drill in day["drills"]
        ),
    )
    for number, drill in enumerate(day["drills"], 1):
        yield from _drill(number, drill)
    yield "## Actions"
    yield ""
    yield from _table(("What", "Owner", "Due"), [("", "", "")])
    first = day["drills"][0]
    if first["gaps"]:
        yield "## What this day does not show"
        yield ""
        yield from (f"- {gap}" for gap in first["gaps"])
        yield ""


def _drill(number: int, drill: Journal) -> Iterator[str]:
    yield f"## {number}. {drill['title']}"
    yield ""
    yield "**Hypothesis and steady state**"
    yield ""
    yield from (f"- {sentence}" for sentence in drill["explained"])
    yield ""
    yield f"**Abort rule:** {drill['abort']}"
    yield ""
    yield f"**Result: {sentence(drill['verdict'], expected_of(drill))}**"
    yield ""
    yield from _table(
        ("", "Part", "Rule", "Measured", "Asked for"),
        (
            (
                "holds" if check["holds"] else "**does not hold**",
                PARTS[check["about"]],
                *(check[key] for key in ("what", "measured", "limit")),
            )
            for check in drill["checks"]
        ),
    )
    if drill["events"]:
        yield "**What happened**"
        yield ""
        yield from (f"- {event['at_s']:.1f} s: {event['what']}" for event in drill["events"])
        yield ""
    yield "**What surprised us:**"
    yield ""


def _recovered(drill: Journal) -> str:
    found = drill["recovered_s"]
    return "-" if found is None else f"after {found:.1f} s"


def _broken(drill: Journal) -> Iterator[str]:
    for check in drill["checks"]:
        if not check["holds"]:
            yield f"{check['what']}: {check['measured']}"


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield _row(head)
    yield _row("---" for _ in head)
    yield from (_row(row) for row in rows)
    yield ""


def _row(cells: Any) -> str:
    """Write a row; what was measured may hold whatever a service answered."""
    return f"| {' | '.join(' '.join(cell.split()).replace('|', '&#124;') for cell in cells)} |"
