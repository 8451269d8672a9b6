"""Draws the edges of a system; used by the verb `edges`."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.table import Table


def show(console: Console, edges: list[dict[str, Any]], undeclared: list[dict[str, Any]]) -> None:
    """Print the declared edges with their traffic, then what nobody declared."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("FROM", "TO", "PORT", "WIRE"):
        table.add_column(column, no_wrap=True)
    for column in ("CONNS", "OPEN", "ERRORS", "SENT", "RECEIVED", "LAST"):
        table.add_column(column, justify="right", no_wrap=True)
    for edge in edges:
        listen = str(edge["listen"]) if edge["listen"] else "-"
        table.add_row(
            edge["source"],
            edge["target"],
            edge["port"],
            listen,
            *(str(edge.get(key, "-")) for key in ("connections", "open", "errors")),
            *(_size(edge.get(key)) for key in ("bytes_sent", "bytes_received")),
            _ago(edge["last_at"]) if "last_at" in edge else "-",
        )
    console.print(table)
    for each in undeclared:
        console.print(
            f"undeclared: {each['source']} (pid {each['pid']}) is connected to "
            f"{each['target']} on {each['address']}; declare the edge, or use its address",
            style="bold red",
            soft_wrap=True,
        )


def _size(size_bytes: int | None) -> str:
    if size_bytes is None:
        return "-"
    size = float(size_bytes)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _ago(at: float | None) -> str:
    return "never" if at is None else f"{max(0.0, time.time() - at):.0f}s ago"
