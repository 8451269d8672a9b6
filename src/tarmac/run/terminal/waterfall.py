"""Draws traces: a list of the latest, and one as bars over time; pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from tarmac.base import figures
from tarmac.run.telemetry.queries import TraceSummary, TreeSpan
from tarmac.run.terminal import drawing

#: Deeper spans are not indented any further.
INDENTED = 12
#: Of the width, for the bars.
BARS_SHARE = 0.4


def trace_lines(traces: Sequence[TraceSummary], chosen: int, width: int, height: int) -> list[Text]:
    """Draw one line for each trace around the chosen one."""
    lines = [Text(f"    {'STARTED':8}  {'TIME':>8}  {'SPANS':>5}  {'FAILED':>6}  NAME", "dim")]
    lines[0].truncate(width)
    first = max(0, min(chosen - (height - 1) // 2, len(traces) - height + 1))
    for number, trace in enumerate(traces[first : first + height - 1], first):
        line = Text.assemble(("  ▌ " if number == chosen else "    ", "bold cyan"))
        line.append(f"{figures.clock(trace.started_ns):8}  ")
        line.append(f"{figures.took(trace.duration_ns / 1e9, 0):>8}  ")
        line.append(f"{trace.spans:>5}  ")
        line.append(f"{trace.failed or '':>6}  ", "bold red" if trace.failed else "")
        line.append(drawing.fitted(f"{trace.service}: {trace.name}", max(10, width - 38)))
        line.truncate(width, pad=True)
        if number == chosen:
            line.stylize("reverse", 4)
        lines.append(line)
    return lines


def span_lines(spans: Sequence[TreeSpan], width: int) -> list[Text]:
    """Draw one line for each span: its name in the tree, and a bar where it stands in time."""
    whole = max((span.offset_ns + span.duration_ns for span in spans), default=1) or 1
    bars = int(width * BARS_SHARE) - 12
    left = width - bars - 12
    lines = []
    for span in spans:
        indent = "  " * min(span.depth, INDENTED)
        name = drawing.fitted(f"{span.service}: {span.name}", left - len(indent))
        line = Text(indent + name)
        line.truncate(left, pad=True)
        if span.failed:
            line.stylize("bold red")
        start = min(bars - 1, bars * span.offset_ns // whole)
        long = max(1, min(bars - start, round(bars * span.duration_ns / whole)))
        line.append(" " + " " * start).append("━" * long, "red" if span.failed else "cyan")
        line.append(" " * (bars - start - long))
        line.append(f" {figures.took(span.duration_ns / 1e9, 0):>8}", "dim")
        lines.append(line)
        if span.message:
            lines.append(Text(f"{indent}  ! {drawing.fitted(span.message, width - 30)}", "red"))
    return lines
