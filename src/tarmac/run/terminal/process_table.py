"""Draws the processes of a system as lines of a width; pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text

from tarmac.base import figures
from tarmac.run.terminal import drawing
from tarmac.run.terminal.overview import CURVE, Overview, Row, states, totals

GAP = 2
#: The mark of the row that is chosen, and that of its state.
MARKS = 4
#: A service that fails this share of its requests is shown in red.
FAILING = 0.01


@dataclass(frozen=True)
class Column:
    """One column: what it shows of a row."""

    title: str
    shown: Callable[[Row, float], str]
    #: Columns of a lower rank get their width first.
    rank: int
    is_right: bool = False
    #: It is there even if no row has anything to show in it, so that nothing jumps.
    is_fixed: bool = False
    #: It may be cut to this width.
    least: int = 0


COLUMNS = (
    Column("NAME", lambda row, _: row.name, 0, least=20),
    Column("STATE", lambda row, _: row.state, 1),
    Column("GROUP", lambda row, _: row.group, 8),
    Column("CPU", lambda row, _: drawing.share(row.cpu_share), 2, is_right=True, is_fixed=True),
    Column("CPU OVER TIME", lambda row, _: drawing.curve(row.curve, CURVE), 12),
    Column("MEMORY", lambda row, _: _size(row.memory_bytes), 3, is_right=True),
    Column("REQ/S", lambda row, _: _counted(row, row.rates.requests_per_s), 4, is_right=True),
    Column("FAIL/S", lambda row, _: _counted(row, row.rates.failed_per_s), 5, is_right=True),
    Column("P95", lambda row, _: _took(row.rates.p95_s), 9, is_right=True),
    Column("RESTARTS", lambda row, _: str(row.restarts or ""), 6, is_right=True),
    Column("SINCE", lambda row, now_s: drawing.since(row.since, now_s), 10, is_right=True),
    Column("ADDRESS", lambda row, _: row.address, 7),
    Column("WHAT", lambda row, _: row.detail or row.about, 11, least=14),
)


def head(overview: Overview, width: int, fault: str = "") -> Text:
    """Draw the first line: the system, its states, the fault that is active, and what all uses."""
    copy = "" if overview.namespace == "default" else f" ({overview.namespace})"
    line = Text.assemble((f" {drawing.fitted(overview.system or 'tarmac', 40)}", "bold"), copy)
    if not overview.running:
        line.append("  stopped", "bold red")
    for name, count in states(overview.rows).items():
        line.append("  ").append_text(drawing.sign(name)).append(f" {count} {name}")
    if fault:
        line.append(f"  ! {fault}", "bold yellow")
    cpu, memory, requests, failed = totals(overview.rows)
    parts = [f"CPU {figures.percent(cpu)}", _size(memory)]
    if requests is not None:
        parts += [f"{drawing.rate(requests)} req/s", f"{drawing.rate(failed)} failed/s"]
    right = "  ".join(parts) + " "
    while parts and line.cell_len + len(right) + GAP > width:
        parts.pop()
        right = "  ".join(parts) + " "
    line.truncate(max(0, width - len(right)), overflow="ellipsis", pad=True)
    return line.append(right, "dim")


def table(
    rows: Sequence[Row], chosen: str, width: int, height: int, now_s: float
) -> tuple[list[Text], int]:
    """Draw a head and the rows around the chosen one.

    Returns:
        The lines, and the number of the first row that they show.
    """
    columns = _chosen_columns(rows, width, now_s)
    title = Text(" " * MARKS, "dim")
    for column, wide in columns:
        title.append(_cell(column.title, wide, column) + " " * GAP, "dim")
    title.truncate(width)
    first = _first(rows, chosen, height - 1)
    seen = rows[first : first + height - 1]
    drawn = (_line(row, columns, width, now_s, is_chosen=row.name == chosen) for row in seen)
    lines = [title, *drawn]
    if not rows:
        lines = [Text("    no process has this text; Esc shows all", "dim")]
    return lines, first


def _first(rows: Sequence[Row], chosen: str, height: int) -> int:
    at = next((i for i, row in enumerate(rows) if row.name == chosen), 0)
    return max(0, min(at - height // 2, len(rows) - height))


def _chosen_columns(rows: Sequence[Row], width: int, now_s: float) -> list[tuple[Column, int]]:
    """Choose the columns that fit, with their widths."""
    left, found = width - MARKS, {}
    for column in sorted(COLUMNS, key=lambda column: column.rank):
        widest = max((cell_len(column.shown(row, now_s)) for row in rows), default=0)
        if not widest and not column.is_fixed:
            continue
        wide = max(widest, len(column.title))
        if column.least:
            # A long name leaves room for the rest.
            wide = min(wide, max(column.least, left // 3 if column.rank == 0 else left))
        if wide <= left:
            found[column.title] = wide
            left -= wide + GAP
    return [(column, found[column.title]) for column in COLUMNS if column.title in found]


def _line(
    row: Row, columns: Sequence[tuple[Column, int]], width: int, now_s: float, *, is_chosen: bool
) -> Text:
    line = Text.assemble((" ▌" if is_chosen else "  ", "bold cyan"))
    line.append_text(drawing.sign(row.state)).append(" ")
    for column, wide in columns:
        cell = _cell(drawing.fitted(column.shown(row, now_s), wide), wide, column)
        line.append(cell + " " * GAP, _style(row, column.title, is_chosen=is_chosen))
    line.truncate(width, pad=True)
    if is_chosen:
        line.stylize("reverse", MARKS)
    return line


def _cell(text: str, wide: int, column: Column) -> str:
    space = " " * (wide - cell_len(text))
    return space + text if column.is_right else text + space


def _style(row: Row, title: str, *, is_chosen: bool) -> str:
    rates = row.rates
    if title == "FAIL/S" and (rates.failed_per_s or 0) > FAILING * (rates.requests_per_s or 0):
        return "bold red"
    if title == "RESTARTS" and row.restarts:
        return "yellow"
    if is_chosen:
        return "bold"
    if title == "STATE":
        return drawing.STYLES.get(row.state, "")
    if title == "WHAT" and row.is_failed:
        return "yellow"
    if title in ("WHAT", "SINCE", "ADDRESS") or row.state in ("off", "stopped"):
        return "dim"
    return "cyan" if title == "CPU OVER TIME" else ""


def _counted(row: Row, value: float | None) -> str:
    """Write a rate on the row of the first instance, which has that of all of them."""
    return drawing.rate(value) if row.name == row.service and row.role != "task" else ""


def _size(size_bytes: int | None) -> str:
    return "" if size_bytes is None else figures.size(size_bytes)


def _took(seconds: float | None) -> str:
    return "" if seconds is None else figures.took(seconds, 0)
