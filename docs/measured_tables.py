"""Write the tables of what was measured beside other programs, from bench/results.md.

Called by generate.py beside it. A table stands between two comments: `<!-- generated: measured -->`
and `<!-- end -->`.
"""

from __future__ import annotations

import re
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[1] / "bench/results.md"
BLOCK = re.compile(r"(<!-- generated: measured -->\n).*?(<!-- end -->)", re.DOTALL)
#: What a reader would use instead, what is compared, and the figure of the results that says it.
ROWS = (
    ("Docker Compose", "hello-dd answers, no data yet", "Docker Compose: up, no data"),
    ("Docker Compose", "hello-dd answers, data there", "Docker Compose: up, data there"),
    ("Docker Compose", "an edit is served", "Docker Compose: edit to served"),
    ("Docker Compose", "memory of it all", "Docker Compose: memory"),
    ("Docker Compose", "hello-dd is down", "Docker Compose: down"),
    ("honcho", "the shop is healthy, data there", "up shop, warm"),
    ("process-compose", "20 web servers answer", "process-compose: 20 servers answer"),
    ("process-compose", "20 web servers are down", "process-compose: 20 servers down"),
)


def filled(text: str) -> str:
    """Return a page with its table as the results have it."""
    return BLOCK.sub(lambda at: f"{at[1]}{_table()}{at[2]}", text)


def _table() -> str:
    cells = [line.split(" | ") for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    figures = {row[0].removeprefix("| "): row[1:3] for row in cells if len(row) > 3}
    lines = ["| | Tarmac | instead | |", "|---|---:|---:|---|"]
    for program, what, name in ROWS:
        ours, theirs = figures[name]
        lines.append(f"| {what} | {ours} | {theirs} | {program} |")
    return "\n".join(lines) + "\n"
