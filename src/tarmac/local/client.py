"""Finds, starts and asks the supervisor of a namespace; what the verbs use of `local`.

Light: it never imports the model, so that `ps` answers at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tarmac.errors import TarmacError
from tarmac.local.home import state
from tarmac.local.home.paths import Home
from tarmac.local.home.state import NodeState, StateFile

#: Longer than any node's deadline and grace: an answer that does not come by then never will.
ANSWER_S = 180.0
POLL_S = 0.03
#: For a start whose probes take no longer.
PATIENCE_S = 120.0
#: They stay open as long as this process lives: an attached supervisor ends with its own.
_REPORTS: list[socket.socket] = []


@dataclass(frozen=True)
class Status:
    """A namespace as it stands."""

    running: bool
    system: str
    file: str
    namespace: str
    nodes: tuple[NodeState, ...]
    notes: tuple[str, ...]
    #: Seconds after which a node that is not ready never will be.
    patience_s: float = PATIENCE_S

    @property
    def healthy(self) -> bool:
        """Whether every node is as it should be."""
        return (
            self.running
            and bool(self.nodes)
            and all(node.state in state.WELL for node in self.counted)
        )

    @property
    def counted(self) -> tuple[NodeState, ...]:
        """The nodes that tell how the system is: no task of a service that was left out.

        It runs, because others may wait for what it installs; what it lacks is nobody's trouble.
        """
        left_out = {node.name for node in self.nodes if node.state == state.OUTSIDE}
        return tuple(
            node
            for node in self.nodes
            if node.role != "task" or node.name.rpartition(".")[0] not in left_out
        )


class Gone(TarmacError):
    """There is no supervisor, or not any more."""


class Refused(TarmacError):
    """The supervisor could not do what it was asked."""

    def __init__(self, errors: list[str], exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("\n".join(errors))


def is_running(home: Home) -> bool:
    """Tell whether a supervisor lives: it holds the lock, and nothing else can."""
    try:
        lock = home.lock.open()  # never made here: somebody may just be deleting its folder
    except OSError:  # it never ran; or nothing can be run there, which `up` says better
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def status(home: Home) -> Status | None:
    """Read how a namespace stands; None where nothing ever ran."""
    if not home.state.exists():
        return None
    file = StateFile(home.state)
    try:
        meta, nodes = file.meta(), file.nodes()
    finally:
        file.close()
    running = is_running(home)
    if not running:
        nodes = tuple(replace(node, state=state.STOPPED, pid=None) for node in nodes)
    return Status(
        running=running,
        system=meta.get("system", ""),
        file=meta.get("file", ""),
        namespace=meta.get("namespace", home.root.name),
        nodes=nodes,
        notes=tuple(meta.get("notes", ())),
        patience_s=meta.get("patience_s", PATIENCE_S),
    )


def last_options(home: Home) -> dict[str, Any]:
    """Read the options of the last `up`; {} where there was none."""
    if not home.state.exists():
        return {}
    file = StateFile(home.state)
    try:
        options: dict[str, Any] = file.meta().get("options", {})
    finally:
        file.close()
    return options


def up(
    home: Home, options: dict[str, Any], *, attached: bool = False
) -> Callable[[], dict[str, Any]]:
    """Start the supervisor, or have the one that runs apply what changed.

    Args:
        attached: a supervisor that this starts stops when this process ends.

    Returns:
        A function that waits for the answer: what was started, restarted and stopped, and notes.
        It raises Refused if the model is wrong or something is missing. The caller has something
        to load meanwhile.
    """
    if is_running(home):
        return lambda: _applied(home, options, attached=attached)
    home.create()
    ours, theirs = socket.socketpair()
    how = ["attached"] if attached else []
    argv = ["-m", "tarmac.local.daemon", json.dumps(options), str(theirs.fileno()), *how]
    with home.supervisor_log.open("ab") as log:
        subprocess.Popen(
            [sys.executable, *argv],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    theirs.close()
    _REPORTS.append(ours)
    return lambda: _started(home, options, ours)


def _applied(home: Home, options: dict[str, Any], *, attached: bool) -> dict[str, Any]:
    """Have the one that runs apply the options; start another where it is just ending."""
    try:
        return ask(home, _apply(options))
    except Gone:
        _wait_until_gone(home)
    return up(home, options, attached=attached)()


def _started(home: Home, options: dict[str, Any], report: socket.socket) -> dict[str, Any]:
    line = ""
    with contextlib.suppress(ConnectionResetError), report.makefile() as lines:
        line = lines.readline()
    if not line:
        raise Gone(f"the supervisor ended at once; its log is {home.supervisor_log}")
    answer = json.loads(line)
    if answer.get("already"):  # somebody else was faster: have theirs apply what is wanted
        return ask(home, _apply(options))
    return _checked(answer)


def _apply(options: dict[str, Any]) -> dict[str, Any]:
    from tarmac.local.edition import edition  # noqa: PLC0415 - only where one runs already

    return {"verb": "apply", "options": options, "edition": edition()}


def ask(home: Home, request: dict[str, Any]) -> dict[str, Any]:
    """Send one request and wait for its answer.

    Raises:
        Refused: the supervisor says why it cannot.
        TarmacError: it does not answer.
    """
    with connect(home) as connection:
        connection.settimeout(ANSWER_S)
        connection.sendall(json.dumps(request).encode() + b"\n")
        try:
            with connection.makefile("r") as answers:
                line = answers.readline()
        except TimeoutError:
            raise TarmacError(
                f"the supervisor has not answered for {ANSWER_S:g} s; its log is "
                f"{home.supervisor_log}, its pid {_supervisor_pid(home)}"
            ) from None
    if not line:
        raise Gone(f"the supervisor went away; its log is {home.supervisor_log}")
    return _checked(json.loads(line))


def _supervisor_pid(home: Home) -> int | None:
    file = StateFile(home.state)
    try:
        pid: int | None = file.meta().get("supervisor_pid")
        return pid
    finally:
        file.close()


def connect(home: Home, within_s: float = 10.0) -> socket.socket:
    """Open a connection to the supervisor; it may still be starting."""
    end = time.monotonic() + within_s
    while True:
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(home.socket_file.read_text())
            return connection
        except OSError as error:
            connection.close()
            running = is_running(home)
            if time.monotonic() > end or not running:
                raise (TarmacError if running else Gone)(
                    f"the supervisor does not answer ({error.strerror}); "
                    f"its log is {home.supervisor_log}"
                ) from None
            time.sleep(POLL_S)


def attach(home: Home) -> socket.socket:
    """Tie the system's life to the returned connection: when it closes, everything stops."""
    connection = connect(home)
    connection.sendall(b'{"verb": "attach"}\n')
    return connection


def wait(
    home: Home, *, within_s: float | None, on_change: Callable[[Status], None] = lambda _: None
) -> Status:
    """Wait until every node is healthy, one is in a crash loop, or the time is over.

    Args:
        within_s: the longest to wait; None: as long as the system's own probes may take.
    """
    began = time.monotonic()
    last: tuple[NodeState, ...] = ()
    while True:
        now = status(home)
        if now is None or not now.running:
            raise Gone(f"the supervisor ended; its log is {home.supervisor_log}")
        if now.nodes != last:
            last = now.nodes
            on_change(now)
        looping = any(node.state == state.CRASH_LOOP for node in now.counted)
        limit_s = now.patience_s if within_s is None else within_s
        if now.healthy or looping or time.monotonic() > began + limit_s:
            return now
        time.sleep(POLL_S)


def down(home: Home) -> None:
    """Stop everything and wait until the supervisor itself is gone."""
    ask(home, {"verb": "down"})
    _wait_until_gone(home)


def _wait_until_gone(home: Home) -> None:
    end = time.monotonic() + ANSWER_S
    while is_running(home):
        if time.monotonic() > end:
            raise TarmacError(f"the supervisor does not end; its log is {home.supervisor_log}")
        time.sleep(POLL_S)


def find_homes(file: Path) -> list[Home]:
    """List the namespaces that a system has had, by name."""
    base = file.resolve().parent / ".tarmac"
    if not base.is_dir():
        return []
    return [Home(entry) for entry in sorted(base.iterdir()) if (entry / "state.sqlite").exists()]


def _checked(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer.get("ok"):
        if answer.get("ending"):
            raise Gone("\n".join(answer["errors"]))
        raise Refused(answer["errors"], answer["exit_code"])
    return answer
