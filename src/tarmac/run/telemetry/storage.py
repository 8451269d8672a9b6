"""The file that telemetry is kept in: SQLite, written by one process and read by any.

It lives in the namespace's folder and survives restarts. Its age and size are bounded: `prune`
deletes the oldest in small steps, so that neither a writer nor a reader waits for long.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from tarmac.base.errors import TarmacError
from tarmac.run.telemetry.log_record import LogRecord
from tarmac.run.telemetry.span import LATEST_NS, Span

T = TypeVar("T")
#: Each brings a file from the version that is its place to the next; none is changed once released.
MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE spans (
        trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_id BLOB NOT NULL,
        service TEXT NOT NULL, instance TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        started_ns INTEGER NOT NULL, duration_ns INTEGER NOT NULL,
        failed INTEGER NOT NULL, message TEXT NOT NULL,
        attributes TEXT NOT NULL, events TEXT NOT NULL
    );
    CREATE INDEX spans_by_trace ON spans (trace_id);
    CREATE INDEX spans_by_start ON spans (started_ns);
    """,
    """
    CREATE TABLE series (
        id INTEGER PRIMARY KEY, service TEXT NOT NULL, instance TEXT NOT NULL,
        name TEXT NOT NULL, labels TEXT NOT NULL, kind TEXT NOT NULL,
        last REAL NOT NULL, folded_ms INTEGER NOT NULL,
        UNIQUE (service, name, instance, labels)
    );
    CREATE TABLE samples (
        series INTEGER NOT NULL, at_ms INTEGER NOT NULL, value REAL NOT NULL,
        PRIMARY KEY (series, at_ms)
    ) WITHOUT ROWID;
    CREATE TABLE processes (
        service TEXT NOT NULL, instance TEXT NOT NULL,
        began_at REAL NOT NULL, read_ms INTEGER NOT NULL,
        PRIMARY KEY (service, instance)
    ) WITHOUT ROWID;
    """,
    """
    CREATE INDEX spans_by_service ON spans (service, started_ns);
    CREATE INDEX failed_spans ON spans (started_ns) WHERE failed;
    """,
    """
    CREATE TABLE logs (
        id INTEGER PRIMARY KEY AUTOINCREMENT, at_ns INTEGER NOT NULL,
        service TEXT NOT NULL, instance TEXT NOT NULL, level TEXT NOT NULL,
        said TEXT NOT NULL, trace_id BLOB NOT NULL, attributes TEXT NOT NULL
    );
    CREATE INDEX logs_by_time ON logs (at_ns);
    CREATE INDEX logs_by_trace ON logs (trace_id) WHERE trace_id <> x'';
    CREATE TABLE runs (
        name TEXT PRIMARY KEY, began_ms INTEGER NOT NULL, until_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    """,
)
VERSION = len(MIGRATIONS)
#: How many rows one step of pruning deletes: some milliseconds of work.
STEP_ROWS = 2_000
BUSY_S = 5.0
#: Tables that grow, and the column that says how old a row is.
AGED = {"spans": "started_ns", "logs": "at_ns"}


@dataclass(frozen=True)
class Retention:
    """How long and how much is kept."""

    age_s: float = 7 * 86_400.0
    size_bytes: int = 1 << 30


class OtherFormat(TarmacError):
    """The file has the format of another version, and nothing has converted it yet."""


class NewerFile(TarmacError):
    """The file was written by a newer version of Tarmac."""


class Storage:
    """The writer's side of one file."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises NewerFile, and sqlite3.DatabaseError for another file."""
        if not path.exists():  # a reader that finds it finds all of it
            new = path.with_suffix(".new")
            new.unlink(missing_ok=True)
            _open(new).close()
            new.rename(path)
        self._connection = _open(path)
        self._turn = threading.Lock()

    def add(self, given: Iterable[Span | LogRecord]) -> None:
        """Write spans and log records, all or none."""
        given = list(given)
        spans = [_span_row(one) for one in given if isinstance(one, Span)]
        records = [_log_row(one) for one in given if isinstance(one, LogRecord)]

        def insert(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT INTO spans VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)", spans)
            connection.executemany("INSERT INTO logs VALUES (NULL,?,?,?,?,?,?,?)", records)

        self.write(insert)

    def prune(self, retention: Retention, *, now: Callable[[], float] = time.time) -> int:
        """Delete one step of what is too old or too much; returns the rows, 0 when none is left."""
        oldest_ns = int((now() - retention.age_s) * 1e9)
        deleted = sum(self._delete(table, oldest_ns) for table in AGED)
        if not deleted and self.size_bytes > retention.size_bytes and (oldest := self._oldest()):
            deleted = self._delete(oldest)
        if deleted:
            with self._turn:
                self._connection.execute(f"PRAGMA incremental_vacuum({STEP_ROWS})").fetchall()
        return deleted

    @property
    def size_bytes(self) -> int:
        """Measure what is used of the file."""
        with self._turn:
            pages, free, size = (
                self._connection.execute(f"PRAGMA {name}").fetchone()[0]
                for name in ("page_count", "freelist_count", "page_size")
            )
        return int((pages - free) * size)

    def close(self) -> None:
        """Close the file once the thread that uses it is done; a later write raises sqlite3.Error.

        A thread cannot be cancelled with the task that waits for it, and SQLite crashes the process
        when a connection is closed under a statement.
        """
        with self._turn:
            self._connection.close()

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work in one transaction: all of it, or nothing. Threads take turns."""
        with self._turn:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                done = work(self._connection)
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
                raise
            return done

    def _delete(self, table: str, before_ns: int = LATEST_NS) -> int:
        """Delete one step of a table's oldest rows; returns how many there were."""
        at = AGED[table]
        oldest = f"SELECT rowid FROM {table} WHERE {at} < ? ORDER BY {at} LIMIT {STEP_ROWS}"  # noqa: S608
        delete = f"DELETE FROM {table} WHERE rowid IN ({oldest})"  # noqa: S608 - our own words
        return self.write(lambda connection: connection.execute(delete, (before_ns,)).rowcount)

    def _oldest(self) -> str:
        """Name the table that goes back the furthest; empty without any row."""
        with self._turn:
            found = {
                table: self._connection.execute(f"SELECT min({at}) FROM {table}").fetchone()[0]  # noqa: S608
                for table, at in AGED.items()
            }
        known = {table: at_ns for table, at_ns in found.items() if at_ns is not None}
        return min(known, key=lambda table: known[table], default="")


def _span_row(span: Span) -> tuple[Any, ...]:
    return (
        *(span.trace_id, span.span_id, span.parent_id),
        *(span.service, span.instance, span.name, span.kind),
        *(span.started_ns, span.duration_ns, span.failed, span.message),
        json.dumps(span.attributes, separators=(",", ":")),
        json.dumps(span.events, separators=(",", ":")),
    )


def _log_row(record: LogRecord) -> tuple[Any, ...]:
    return (
        *(record.at_ns, record.service, record.instance, record.level, record.said),
        record.trace_id,
        json.dumps(record.attributes, separators=(",", ":")),
    )


def reader(path: Path) -> sqlite3.Connection:
    """Open a file for queries. Raises TarmacError where there is none of this version."""
    if not path.exists():
        raise TarmacError(
            f"{path}: no telemetry yet; it begins a few seconds after `tarmac up`, unless that has "
            "--no-telemetry"
        )
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_S)
    connection.row_factory = sqlite3.Row
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found != VERSION:
        connection.close()
        raise OtherFormat(
            f"{path}: has format {found}, this Tarmac reads {VERSION}; "
            "start the system with it, which converts an older file"
        )
    return connection


def _open(path: Path) -> sqlite3.Connection:
    """Open a file to write to it, and bring it to this version."""
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, timeout=BUSY_S, check_same_thread=False)
    connection.isolation_level = None
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    _migrate(connection, path)
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        raise NewerFile(
            f"{path}: was written by a newer Tarmac (format {found}, this one has {VERSION}); "
            "use that one, or move the file away"
        )
    for number, script in enumerate(MIGRATIONS[found:], start=found + 1):
        # One transaction: a process that is killed here begins this step again.
        connection.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")
