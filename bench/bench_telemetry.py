"""What telemetry costs to keep, and how fast it answers: spans in SQLite, a million of them."""

from __future__ import annotations

import contextlib
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.figure import Figure, seconds, sized
from bench.telemetry_rows import BATCH, BEGAN_NS, DEPTH, SERVICES, SPANS, batches, span, trace_id

from tarmac.run.telemetry import queries, statements, storage
from tarmac.run.telemetry.storage import Storage

ASKED = sized(40, 2)
_PLAIN = "INSERT INTO plain VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)"


def measure() -> list[Figure]:
    """Return the rate at which spans are kept, and the slowest answer among a million."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "telemetry.sqlite"
        kept = Storage(path)
        took_s = sum(seconds(lambda batch=batch: kept.add(batch)) for batch in batches(span, SPANS))  # type: ignore[misc]
        kept.close()
        plain_s = _plain(Path(folder) / "plain.sqlite", SPANS // 10) * 10
        with contextlib.closing(storage.reader(path)) as stored:
            p95_ms = {name: _p95_ms(ask) for name, ask in _questions(stored).items()}
            scan_ms = 1000 * seconds(
                lambda: stored.execute("SELECT sum(duration_ns) FROM spans").fetchone()
            )
    slowest = max(p95_ms, key=lambda name: p95_ms[name])
    said = ", ".join(f"{name} {took:.1f} ms" for name, took in p95_ms.items())
    return [
        Figure(
            "spans kept",
            "spans/s",
            SPANS / took_s,
            SPANS / plain_s,
            f"more is better; {SPANS:,} in batches of {BATCH}, decoded; theirs: the same rows in "
            "one transaction of a table without indexes",
        ),
        Figure(
            f"a page's slowest question among {SPANS:,} spans, 95th percentile",
            "ms",
            p95_ms[slowest],
            scan_ms,
            f"{said}; {ASKED} each; theirs: one pass over the table",
        ),
    ]


def _questions(stored: sqlite3.Connection) -> dict[str, Callable[[], object]]:
    chance = random.Random(7)

    def one_trace() -> object:
        return queries.trace(stored, trace_id(chance.randrange(SPANS // DEPTH)).hex())

    since_ns = BEGAN_NS + SPANS * 1_000_000 - 900 * 10**9
    return {
        "latest": lambda: queries.latest(stored, most=100),
        "latest of a service": lambda: queries.latest(stored, most=100, service=SERVICES[2]),
        "latest failed": lambda: queries.latest(stored, most=100, failed=True),
        "one trace": one_trace,
        "operations on stores": lambda: statements.operations(stored, since_ns),
    }


def _p95_ms(ask: Callable[[], object]) -> float:
    return 1000 * statistics.quantiles([seconds(ask) for _ in range(ASKED)], n=20)[-1]


def _plain(path: Path, count: int) -> float:
    """Return how long the same rows take in a table without indexes."""
    rows = [
        (
            *(s.trace_id, s.span_id, s.parent_id, s.service, s.instance, s.name, s.kind),
            *(s.started_ns, s.duration_ns, s.failed, s.message, str(s.attributes), "[]"),
        )
        for s in map(span, range(count))
    ]
    with contextlib.closing(sqlite3.connect(path)) as plain:
        plain.execute("CREATE TABLE plain (a, b, c, d, e, f, g, h, i, j, k, l, m)")
        began = time.perf_counter()
        with plain:
            plain.executemany(_PLAIN, rows)
        return time.perf_counter() - began
