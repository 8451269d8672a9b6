"""Draws traces; used by the verb `trace`."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tarmac.base import figures
from tarmac.cli.output import printing
from tarmac.run.telemetry.queries import TraceSummary, TreeSpan
from tarmac.run.telemetry.statements import Operation

#: Attributes that say most of a span, in the order in which one is shown.
TELLING = (
    "db.query.text",
    "db.statement",
    "http.response.status_code",
    "messaging.destination.name",
    "error.type",
)
SHOWN_CHARS = 80
#: A span that is deeper shows its level as a number: no line would hold its indentation.
INDENTED = 24


def show_list(console: Console, traces: list[TraceSummary]) -> None:
    """Print one line for each trace, the newest first."""
    if not traces:
        console.print("no traces; send a request to the system, then look again")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("TRACE", "STARTED", "SERVICE"):
        table.add_column(column, no_wrap=True)
    table.add_column("NAME", overflow="fold", min_width=20)
    for column in ("TIME", "SPANS", "SERVICES", "FAILED"):
        table.add_column(column, justify="right", no_wrap=True)
    for trace in traces:
        table.add_row(
            trace.trace_id[:16],
            figures.clock(trace.started_ns),
            trace.service,
            Text(trace.name),
            _time(trace.duration_ns),
            str(trace.spans),
            str(trace.services),
            Text(str(trace.failed), style="bold red" if trace.failed else ""),
        )
    printing.print_table(console, table, ("SERVICES", "SPANS", "STARTED"))


def show_operations(console: Console, operations: list[Operation]) -> None:
    """Print one line for each operation on a store, those that took the most time first."""
    if not operations:
        console.print("no operations on stores; send a request to the system, then look again")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("SERVICE", no_wrap=True)
    table.add_column("OPERATION", overflow="fold", min_width=20)
    for column in ("COUNT", "MEAN", "LONGEST", "IN ALL", "FAILED"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in operations:
        times = (_time(round(1e9 * took_s)) for took_s in (one.mean_s, one.longest_s, one.total_s))
        table.add_row(one.service, Text(one.name), str(one.count), *times, str(one.failed))
    printing.print_table(console, table, ("LONGEST", "MEAN"))


def show_tree(console: Console, trace_id: str, spans: list[TreeSpan]) -> None:
    """Print a trace, a line for each span, and what a failed one says below it."""
    services = len({span.service for span in spans})
    console.print(f"trace {trace_id}: {len(spans)} spans of {services} services", style="bold")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("START", "TIME"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("SERVICE", no_wrap=True)
    table.add_column("SPAN")
    for span in spans:
        indent = "  " * min(span.depth, INDENTED)
        deep = f"({span.depth}) " if span.depth > INDENTED else ""
        label = Text(f"{indent}{deep}{span.name}", style="bold red" if span.failed else "")
        label.append(_telling(span), style="dim")
        if span.failed and not span.message:
            label.append("  ! failed", style="red")
        if span.message:
            label.append(f"\n{indent}! {span.message}", style="red")
        table.add_row(_time(span.offset_ns), _time(span.duration_ns), span.service, label)
    console.print(table)


def _telling(span: TreeSpan) -> str:
    for name in TELLING:
        if (value := span.attributes.get(name)) is not None:
            text = " ".join(str(value).split())
            return f"  {text[:SHOWN_CHARS]}{'…' if len(text) > SHOWN_CHARS else ''}"
    return ""


def _time(duration_ns: int) -> str:
    return figures.took(duration_ns / 1e9)
