"""Draws the edges of a system; used by the verb `edges`."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console
from rich.table import Table

from tarmac.base import figures
from tarmac.cli.output import printing
from tarmac.run.local.network.durations import RequestSummary
from tarmac.run.local_system import LocalEdges
from tarmac.run.system import EdgeTraffic

#: Columns that a narrow terminal goes without, the first of them first.
SPARE = ("WIRE", "PORT", "P50", "P99", "SENT", "RECEIVED", "OPEN", "CONNS", "LAST")


def show(console: Console, found: EdgeTraffic) -> None:
    """Print the declared edges with their traffic, then what is wrong with them."""
    if isinstance(found, LocalEdges):
        _show_local(console, found)
    else:
        from tarmac.cli.output.show_cluster import show_edges

        show_edges(console, found)


def _show_local(console: Console, found: LocalEdges) -> None:
    edges, undeclared = found.edges, found.undeclared
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("FROM", "TO", "PORT", "WIRE"):
        table.add_column(column, no_wrap=True)
    inspected = any("requests" in edge for edge in edges)
    identified = ("TLS",) if found.secured else ()
    requests = ("REQUESTS", "FAILED", "P50", "P95", "P99") if inspected else ()
    for column in ("CONNS", *identified, "OPEN", "ERRORS", *requests, "SENT", "RECEIVED", "LAST"):
        table.add_column(column, justify="right", no_wrap=True)
    for edge in edges:
        listen = str(edge["listen"]) if edge["listen"] else "-"
        table.add_row(
            edge["source"],
            edge["target"],
            edge["port"],
            listen,
            str(edge.get("connections", "-")),
            *([str(edge["tls"]["identified"]) if "tls" in edge else "-"] if identified else ()),
            *(str(edge.get(key, "-")) for key in ("open", "errors")),
            *(_requests(edge) if inspected else ()),
            *(_size(edge.get(key)) for key in ("bytes_sent", "bytes_received")),
            _ago(edge["last_at"]) if "last_at" in edge else "-",
        )
    if edges:
        printing.print_table(console, table, SPARE)
    never = ((edge["source"], edge["target"]) for edge in edges if edge["unused"])
    for source, target in dict.fromkeys(never):
        said = f"declared, never used in this run: {source} -> {target}"
        printing.say(console, said)
    for edge in edges:
        if edge.get("direct"):
            said = (
                f"bypasses its proxy: {edge['source']} -> {edge['target']}, "
                f"{edge['direct']} open now: "
                "not counted, and no fault reaches them"
            )
            printing.say(console, said)
    if found.secured:
        _show_tls(console, found)
    for connection in undeclared:
        printing.say(
            console,
            f"undeclared: {connection['source']} (pid {connection['pid']}) is connected to "
            f"{connection['target']} on {connection['address']}; if it should be, add "
            f"`{connection['declaration']}` to services.{connection['source']}",
            "bold red",
        )


def _show_tls(console: Console, found: LocalEdges) -> None:
    """Print how many edges use TLS, and which callers were refused."""
    printing.say(
        console,
        f"TLS 1.3 between a caller's and a callee's certificate: {len(found.secured)} of "
        f"{len(found.edges)} edges",
    )
    for (source, target), times in sorted(found.refused.items()):
        count = f"{times} connection{'s' if times > 1 else ''}"
        if source:
            said = f"refused: {source} -> {target}, {count}: {source} does not declare it"
            printing.say(console, said, "bold red")
        else:
            said = f"refused: {count} to {target} without a certificate of this system"
            printing.say(console, said)


def _requests(edge: dict[str, Any]) -> list[str]:
    """Write how many requests there were, how many failed, and how long they took."""
    found = RequestSummary.of(edge)
    if found is None:
        return ["-"] * 5
    quantiles = (found.p50_s, found.p95_s, found.p99_s)
    times = ("-" if took_s is None else figures.milliseconds(took_s) for took_s in quantiles)
    return [str(found.requests), str(found.failed), *times]


def _size(size_bytes: int | None) -> str:
    return "-" if size_bytes is None else figures.size(size_bytes)


def _ago(at: float | None) -> str:
    return "never" if at is None else f"{figures.ago(time.time() - at)} ago"
