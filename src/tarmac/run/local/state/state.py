"""What runs now, in one SQLite file: the supervisor writes it, every reading verb reads it."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError

WAITING = "waiting"
PREPARING = "preparing"
STARTING = "starting"
BOOTED = "booted"
READY = "ready"
HEALTHY = "healthy"
#: A service without port and probe: its process lives, and nothing else is known of it.
RUNNING = "running"
UNHEALTHY = "unhealthy"
BACKOFF = "backoff"
CRASH_LOOP = "crash-loop"
STOPPING = "stopping"
STOPPED = "stopped"
#: A task that ended well, one that waits until it is due, a service started outside Tarmac.
DONE = "done"
SCHEDULED = "scheduled"
OUTSIDE = "outside"
#: A service that `tarmac stop` has stopped while the rest runs.
OFF = "off"

#: States that ask for nothing more.
WELL = frozenset({HEALTHY, RUNNING, DONE, SCHEDULED, OUTSIDE, OFF})

#: Raised whenever the tables change: what another version wrote is of no use.
_VERSION = 3
_SCHEMA = """
CREATE TABLE IF NOT EXISTS nodes (
  name TEXT PRIMARY KEY, role TEXT, about TEXT, state TEXT, pid INTEGER, since REAL,
  restarts INTEGER, exit_status INTEGER, url TEXT, page TEXT, ports TEXT, detail TEXT, cause TEXT,
  last_lines TEXT, position INTEGER, zone TEXT, machine TEXT,
  by_port INTEGER
);
CREATE TABLE IF NOT EXISTS events (
  id INTEGER PRIMARY KEY, at REAL, node TEXT, state TEXT, pid INTEGER, detail TEXT
);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT);
"""
#: Free pages in the file, and a write-ahead log that is restarted before it outgrows its own.
_ROOM = """
PRAGMA wal_autocheckpoint = 64;
DROP TABLE IF EXISTS room;
CREATE TABLE room (content BLOB);
INSERT INTO room VALUES (zeroblob(524288));
DROP TABLE room;
PRAGMA wal_checkpoint(PASSIVE);
"""


@dataclass(frozen=True)
class NodeState:
    """The state of one process."""

    name: str
    role: str
    about: str
    state: str = WAITING
    pid: int | None = None
    #: Seconds since the epoch at which it came into this state.
    since: float = 0.0
    restarts: int = 0
    exit_status: int | None = None
    url: str = ""
    page: str = ""
    ports: Mapping[str, int] | None = None
    #: What it waits for, or why it is not where it should be.
    detail: str = ""
    #: The likely cause of the last failure.
    cause: str = ""
    last_lines: tuple[str, ...] = ()
    #: The order in which nodes are shown.
    position: int = 0
    #: Where it would stand in a cluster.
    zone: str = ""
    machine: str = ""
    #: It is ready once its port takes connections: what it answers is not known.
    by_port: bool = False

    @property
    def service(self) -> str:
        """The service that it is an instance of: the second of `orders` is `orders.2`."""
        stem, _, number = self.name.rpartition(".")
        return stem if stem and number.isdigit() else self.name


class DamagedState(TarmacError):
    """The file is not a database: a supervisor rebuilds it, as all in it is derived."""


class StateFile:
    """The open state file.

    Args:
        rebuild: rebuild it if it is damaged; only for the namespace's supervisor.

    Raises:
        DamagedState: it is not a database, or a broken one.
        TarmacError: it cannot be written.
    """

    def __init__(self, path: Path, *, rebuild: bool = False) -> None:
        self._path = path
        #: Rows for which there was no room: they are tried again.
        self._unwritten: dict[str, NodeState] = {}
        #: What this process has written: enough to write all of it again.
        self._nodes: dict[str, NodeState] = {}
        self._meta: dict[str, Any] = {}
        #: Why it was rebuilt; empty if it was not.
        self.damage = ""
        try:
            with self._kept():
                self._open(path)
                if rebuild:
                    self._check()
        except DamagedState as error:
            if not rebuild:
                raise
            self.damage = str(error)
            self.rewrite()

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            if _is_damage(error):
                raise DamagedState(
                    f"{self._path}: damaged ({error}); `tarmac up` rebuilds it"
                ) from None
            advice = "make room on the disk"
            if not os.access(self._path.parent, os.W_OK):
                advice = (
                    f"{self._path.parent} cannot be written; choose a directory that you can write"
                )
            raise TarmacError(
                f"{self._path}: the state cannot be saved ({error}); {advice}"
            ) from None

    def _open(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, timeout=5)
        self._database.execute("PRAGMA journal_mode = WAL")
        # A power cut may take the last rows: they are written again at the next start.
        self._database.execute("PRAGMA synchronous = OFF")
        if not self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            self._database.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION}")
        written = self._database.execute("PRAGMA user_version").fetchone()[0]
        self._readable: bool = written == _VERSION

    @property
    def is_of_this_version(self) -> bool:
        """Whether its rows have the form that this version of Tarmac writes."""
        return self._readable

    def _check(self) -> None:
        """Check every page. Raises DamagedState."""
        said = self._database.execute("PRAGMA quick_check(1)").fetchone()[0]
        if said != "ok":
            raise DamagedState(f"{self._path}: damaged ({said}); `tarmac up` rebuilds it")

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def rewrite(self) -> None:
        """Rebuild the file of what this process has written; its events begin again."""
        with contextlib.suppress(sqlite3.Error, AttributeError):  # it was never opened
            self._database.close()
        # After the end of the connection, which removes files of these names itself.
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)
        with self._kept():
            self._open(self._path)
            self._put_meta(self._meta)
            for node in self._nodes.values():
                self._put(node)

    def clear(self) -> None:
        """Forget the nodes of an earlier run; events are kept for two days.

        Takes room at once, so that a disk that is full later can still be told about.
        """
        with self._kept():
            if not self._readable:
                self._database.execute("DROP TABLE IF EXISTS nodes")
                self._database.executescript(f"{_SCHEMA} PRAGMA user_version = {_VERSION}")
                self._readable = True
            self._database.execute("DELETE FROM nodes")
            self._database.execute("DELETE FROM events WHERE at < ?", (time.time() - 172800,))
            self._database.executescript(_ROOM)

    def put(self, node: NodeState) -> None:
        """Write a node, and an event if its state is new; a full disk makes it wait, no more."""
        self._unwritten[node.name] = self._nodes[node.name] = node
        self.catch_up()

    def catch_up(self) -> None:
        """Write what found no room before; nothing happens while there is none."""
        with contextlib.suppress(sqlite3.Error, TarmacError, OSError):
            try:
                for node in list(self._unwritten.values()):
                    self._put(node)
                    del self._unwritten[node.name]
            except sqlite3.DatabaseError as error:
                if _is_damage(error):
                    self.rewrite()
                    self._unwritten.clear()

    def _put(self, node: NodeState) -> None:
        row = {**{field.name: getattr(node, field.name) for field in fields(node)}}
        row["ports"] = json.dumps(dict(node.ports or {}))
        row["last_lines"] = json.dumps(node.last_lines)
        known = self._database.execute(
            "SELECT state FROM nodes WHERE name = ?", (node.name,)
        ).fetchone()
        columns = ", ".join(row)
        marks = ", ".join("?" * len(row))
        self._database.execute(
            f"INSERT OR REPLACE INTO nodes ({columns}) VALUES ({marks})",  # noqa: S608 - own names
            tuple(row.values()),
        )
        if known is None or known[0] != node.state:
            self._add_event(node.name, node.state, node.pid, node.detail)

    def note(self, subject: str, state: str, detail: str) -> None:
        """Write an event of something that is not a node; none where there is no room."""
        with contextlib.suppress(sqlite3.Error, TarmacError, OSError):
            self._add_event(subject, state, None, detail)

    def _add_event(self, subject: str, state: str, pid: int | None, detail: str) -> None:
        self._database.execute(
            "INSERT INTO events (at, node, state, pid, detail) VALUES (?, ?, ?, ?, ?)",
            (time.time(), subject, state, pid, detail),
        )

    def pids(self) -> Iterator[tuple[str, int]]:
        """Yield what this process has written of processes that run: their service and pid."""
        for node in self._nodes.values():
            if node.pid is not None:
                yield node.name.partition(".")[0], node.pid

    def remove(self, name: str) -> None:
        """Forget a node that is no longer part of the system."""
        self._unwritten.pop(name, None)
        self._nodes.pop(name, None)
        with self._kept():
            self._database.execute("DELETE FROM nodes WHERE name = ?", (name,))

    def set_meta(self, **values: Any) -> None:
        """Write facts of the run: system, file, supervisor_pid, notes ..."""
        self._meta |= values
        try:
            with self._kept():
                self._put_meta(values)
        except DamagedState:
            self.rewrite()

    def _put_meta(self, values: Mapping[str, Any]) -> None:
        for key, value in values.items():
            self._database.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value))
            )

    def meta(self) -> dict[str, Any]:
        """Read the facts of the run."""
        with self._kept():
            rows = self._database.execute("SELECT key, value FROM meta").fetchall()
        return {key: json.loads(value) for key, value in rows}

    def nodes(self) -> tuple[NodeState, ...]:
        """Read every node, in the order of the plan; none that another version wrote."""
        if not self._readable:
            return ()
        names = [field.name for field in fields(NodeState)]
        with self._kept():
            rows = self._database.execute(
                f"SELECT {', '.join(names)} FROM nodes ORDER BY position"  # noqa: S608 - own names
            ).fetchall()
        return tuple(_node(dict(zip(names, row, strict=True))) for row in rows)

    def events(
        self, node: str | None = None, *, since: float = 0.0
    ) -> tuple[tuple[float, str, str, int | None, str], ...]:
        """Read what happened since a moment: (at, node, state, pid, detail), oldest first."""
        with self._kept():
            return tuple(
                self._database.execute(
                    "SELECT at, node, state, pid, detail FROM events "
                    "WHERE (?1 IS NULL OR node = ?1) AND at >= ?2 ORDER BY id",
                    (node, since),
                )
            )


def _is_damage(error: sqlite3.Error) -> bool:
    """Tell damage from a full disk, a lock that is held, or a folder that is read-only."""
    codes = (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT)
    # The low byte: corruption has extended codes, e.g. of its index.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in codes


def _node(row: dict[str, Any]) -> NodeState:
    row["ports"] = json.loads(row["ports"])
    row["last_lines"] = tuple(json.loads(row["last_lines"]))
    row["by_port"] = bool(row["by_port"])
    return NodeState(**row)


def transition(node: NodeState, state: str, **changes: Any) -> NodeState:
    """Return the node in another state; `since` is renewed if it is another one."""
    since = time.time() if state != node.state else node.since
    return replace(node, state=state, since=since, **changes)
