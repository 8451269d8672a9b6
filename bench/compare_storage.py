"""SQLite beside DuckDB for telemetry: a million spans and five million lines of logs.

    uv run --with duckdb python -m bench.compare_storage

Each engine writes and reads in a process of its own, so that its memory is its own. SQLite is asked
by the functions that the page's views use, but for lines, whose rows are read and no more; DuckDB
by the same questions in its own SQL, and without indexes. Not part of `make bench`: DuckDB is no
dependency.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import telemetry_rows as rows

from tarmac.run.telemetry import queries, statements, storage
from tarmac.run.telemetry.log_record import LogRecord
from tarmac.run.telemetry.log_records import COLUMNS
from tarmac.run.telemetry.span import Span
from tarmac.run.telemetry.storage import Storage

ASKED = 20
KIB = 1024
ENGINES = ("sqlite", "duckdb")
#: A quarter of an hour before the last span, and a trace and a line in the midst.
SINCE_NS = rows.BEGAN_NS + rows.SPANS * rows.SPAN_NS - 900 * 10**9
TRACE = rows.trace_id(rows.SPANS // rows.DEPTH // 2)
LINE = rows.LINES // 2
_TABLES = """
CREATE TABLE spans (trace_id BLOB, span_id BLOB, parent_id BLOB, service VARCHAR, instance VARCHAR,
    name VARCHAR, kind VARCHAR, started_ns BIGINT, duration_ns BIGINT, failed BOOLEAN,
    message VARCHAR, attributes VARCHAR, events VARCHAR);
CREATE SEQUENCE line;
CREATE TABLE logs (id BIGINT DEFAULT nextval('line'), at_ns BIGINT, service VARCHAR,
    instance VARCHAR, level VARCHAR, said VARCHAR, trace_id BLOB, attributes VARCHAR);
"""
#: The latest traces among the latest spans: enough for a hundred of them.
_LATEST = """
WITH found AS (SELECT trace_id, max(started_ns) AS last_ns FROM (
    SELECT trace_id, started_ns FROM spans {where} ORDER BY started_ns DESC LIMIT 5000
) GROUP BY trace_id ORDER BY last_ns DESC LIMIT 100)
SELECT trace_id, min(started_ns), max(started_ns + duration_ns), count(*),
    count(DISTINCT service), sum(failed::INT), arg_min(name, octet_length(parent_id))
FROM spans WHERE trace_id IN (SELECT trace_id FROM found) GROUP BY trace_id
"""
_OPERATIONS = """
SELECT service, name, count(*), avg(duration_ns), max(duration_ns), sum(duration_ns) AS total
FROM (SELECT * FROM spans WHERE started_ns > ? ORDER BY started_ns DESC LIMIT 50000)
WHERE kind = 'client' AND attributes LIKE '%"db.system%' GROUP BY 1, 2 ORDER BY total DESC LIMIT 50
"""
_BY_LEVEL = "SELECT service, level, count(*) FROM logs GROUP BY service, level"
_WORDS = "SELECT count(*) FROM logs WHERE said LIKE '%customer 411: step 3%'"
Question = Callable[[], object]


def sqlite(path: Path) -> dict[str, Any]:
    """Measure SQLite as telemetry uses it."""
    kept = Storage(path)
    took_s = _ingest(kept.add, kept.add)
    kept.close()
    after_ingest = _resident_mib()
    with contextlib.closing(storage.reader(path)) as stored:
        questions: dict[str, Question] = {
            "latest traces": lambda: queries.latest(stored, most=100),
            "latest of a service": lambda: queries.latest(
                stored, most=100, service=rows.SERVICES[2]
            ),
            "latest failed": lambda: queries.latest(stored, most=100, failed=True),
            "one trace": lambda: queries.trace(stored, TRACE.hex()),
            "operations on stores": lambda: statements.operations(stored, SINCE_NS),
            **_questions_of_lines(stored, "trace_id <> x'' AND trace_id = ?"),
        }
        return _measured(path, took_s, after_ingest, questions)


def duckdb(path: Path) -> dict[str, Any]:
    """Measure DuckDB with the same rows and questions."""
    duck = importlib.import_module("duckdb")
    kept = duck.connect(str(path))
    kept.execute(_TABLES)

    def add(table: str, columns: str, batch: Sequence[Sequence[Any]]) -> None:
        # A statement for each row takes 60 times as long: DuckDB is for columns.
        lists = [list(column) for column in zip(*batch, strict=True)]
        values = ", ".join("unnest(?)" for _ in lists)
        kept.execute(f"INSERT INTO {table} ({columns}) SELECT {values}", lists)

    span_columns = (
        "trace_id, span_id, parent_id, service, instance, name, kind, started_ns, duration_ns,"
        " failed, message, attributes, events"
    )
    line_columns = "at_ns, service, instance, level, said, trace_id, attributes"
    took_s = _ingest(
        lambda batch: add("spans", span_columns, [_span_row(span) for span in batch]),
        lambda batch: add("logs", line_columns, [_line_row(line) for line in batch]),
    )
    kept.execute("CHECKPOINT")
    after_ingest = _resident_mib()

    def ask(statement: str, *values: object) -> Question:
        return lambda: kept.execute(statement, list(values)).fetchall()

    questions = {
        "latest traces": ask(_LATEST.format(where="")),
        "latest of a service": ask(_LATEST.format(where="WHERE service = ?"), rows.SERVICES[2]),
        "latest failed": ask(_LATEST.format(where="WHERE failed")),
        "one trace": ask("SELECT * FROM spans WHERE trace_id = ? ORDER BY started_ns", TRACE),
        "operations on stores": ask(_OPERATIONS, SINCE_NS),
        **_questions_of_lines(kept, "trace_id = ?"),
    }
    found = _measured(path, took_s, after_ingest, questions)
    return found | {"read by another process meanwhile": _read_elsewhere(path)}


def _questions_of_lines(opened: Any, of_trace: str) -> dict[str, Question]:
    """Return the questions about lines: the same SQL for both, but for the words of an index."""

    def ask(statement: str, *values: object) -> Question:
        return lambda: opened.execute(statement, values).fetchall()

    select = f"SELECT {COLUMNS} FROM logs"
    return {
        "latest 500 lines": ask(f"{select} ORDER BY id DESC LIMIT 500"),
        "lines since one": ask(f"{select} WHERE id > ? ORDER BY id LIMIT 5000", LINE),
        "lines of a trace": ask(f"{select} WHERE {of_trace} ORDER BY id", TRACE),
        "lines with words": ask(_WORDS),
        "lines by level": ask(_BY_LEVEL),
    }


def _ingest(
    add_spans: Callable[[list[Span]], None], add_lines: Callable[[list[LogRecord]], None]
) -> dict[str, float]:
    """Write all rows; return what of it the engine took, without the making of the rows."""
    took_s = {"spans": 0.0, "lines": 0.0}
    for spans in rows.batches(rows.span, rows.SPANS):
        took_s["spans"] += _seconds(add_spans, spans)
    for lines in rows.batches(rows.record, rows.LINES):
        took_s["lines"] += _seconds(add_lines, lines)
    return took_s


def _seconds(call: Callable[[Any], object], given: object) -> float:
    began = time.perf_counter()
    call(given)
    return time.perf_counter() - began


def _measured(
    path: Path, took_s: Mapping[str, float], after_ingest: float, questions: Mapping[str, Question]
) -> dict[str, Any]:
    answers = {}
    for name, ask in questions.items():
        assert ask(), name  # the first answer warms up, and must have something in it
        took = [_seconds(lambda ask: ask(), ask) for _ in range(ASKED)]
        answers[f"{name}, ms"] = 1000 * statistics.median(took)
    return {
        "spans/s": rows.SPANS / took_s["spans"],
        "lines/s": rows.LINES / took_s["lines"],
        "file, MB": sum(one.stat().st_size for one in path.parent.iterdir()) / 1e6,
        "resident after ingest, MiB": after_ingest,
        "resident at most, MiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KIB,
        **answers,
    }


def _resident_mib() -> float:
    """Return the memory of this process now (Linux)."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / KIB


def _read_elsewhere(path: Path) -> str:
    """Say whether another process may read while this one has the file open for writing."""
    code = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True); print('yes')"
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


def _span_row(span: Span) -> tuple[Any, ...]:
    return (
        *(span.trace_id, span.span_id, span.parent_id),
        *(span.service, span.instance, span.name, span.kind),
        *(span.started_ns, span.duration_ns, span.failed, span.message),
        json.dumps(span.attributes, separators=(",", ":")),
        json.dumps(span.events, separators=(",", ":")),
    )


def _line_row(line: LogRecord) -> tuple[Any, ...]:
    return (
        *(line.at_ns, line.service, line.instance, line.level, line.said, line.trace_id),
        json.dumps(line.attributes, separators=(",", ":")),
    )


def main(arguments: list[str]) -> int:
    """Measure both, or the one that is named, and print a table."""
    if arguments:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "telemetry.file"
            print(json.dumps(sqlite(path) if arguments == ["sqlite"] else duckdb(path)))
        return 0
    if importlib.util.find_spec("duckdb") is None:
        print("this needs DuckDB: uv run --with duckdb python -m bench.compare_storage")
        return 1
    found = {}
    for engine in ENGINES:
        command = [sys.executable, "-m", "bench.compare_storage", engine]
        found[engine] = json.loads(
            subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        )
    for name in found["duckdb"]:
        values = (found[engine].get(name, "yes") for engine in ENGINES)
        shown = (f"{value:,.1f}" if isinstance(value, float) else value for value in values)
        print(f"| {name} | {' | '.join(shown)} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
