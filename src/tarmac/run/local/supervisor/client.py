"""Finds, starts and asks the supervisor of a namespace; what the verbs use of `local`.

Light: it never imports the model, so that `ps` answers at once.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tarmac.base.errors import TarmacError
from tarmac.run.local.state import state
from tarmac.run.local.state.options import Options
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import DamagedState, NodeState, StateFile
from tarmac.run.local.supervisor import typed_json
from tarmac.run.local.supervisor.requests import (
    Answer,
    Apply,
    Attach,
    Connect,
    Down,
    Request,
    RewriteState,
    answer_type,
    verb_of,
)
from tarmac.run.local.supervisor.results import ApplyResult
from tarmac.run.local.supervisor.status import STARTUP_TIMEOUT_S, Status

#: Longer than any node's deadline and grace: an answer that does not come by then never will.
ANSWER_S = 180.0
#: How often the nodes are looked at while an answer takes its time.
LOOK_S = 0.5
#: Reading the states takes a millisecond or two of a core that what starts could use.
POLL_S = 0.03
#: Trying the lock takes nothing.
GONE_S = 0.01
#: The longest that tasks are waited for beyond that.
TASKS_S = 1800.0
#: They stay open as long as this process lives: an attached supervisor ends with its own.
_REPORTS: list[socket.socket] = []


class SupervisorGone(TarmacError):
    """There is no supervisor, or not any more."""


class RequestRejected(TarmacError):
    """The supervisor could not do what it was asked."""

    def __init__(self, errors: list[str], exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__("\n".join(errors))


def is_running(home: Home) -> bool:
    """Tell whether a supervisor lives: it holds the lock, and nothing else can."""
    try:
        lock = home.lock.open()  # never created here: another process may be deleting its folder
    except OSError:  # it never ran; or nothing can be run there, which `up` says better
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def status(home: Home) -> Status | None:
    """Read the state of a namespace; None where nothing ever ran."""
    if not home.state.exists():
        return None
    try:
        meta, nodes = _read(home)
    except DamagedState:
        if not is_running(home):
            raise
        ask(home, RewriteState())  # what runs knows all of it
        meta, nodes = _read(home)
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
        dashboard=meta.get("dashboard", "") if running else "",
        startup_timeout_s=meta.get("startup_timeout_s", STARTUP_TIMEOUT_S),
        off=tuple(meta.get("off", ())) if running else (),
        groups=meta.get("groups", {}),
        commands=meta.get("commands", {}),
        replaced=tuple(meta.get("replaced", ())),
    )


def is_of_another_version(home: Home) -> bool:
    """Tell whether another version of Tarmac started what runs: its state cannot be read then."""
    with contextlib.closing(StateFile(home.state)) as file:
        return is_running(home) and not file.is_of_this_version


def status_before(home: Home) -> Status | None:
    """Read the state before an `up`; None also where the file is damaged: it is rebuilt then."""
    with contextlib.suppress(DamagedState):
        return status(home)
    return None


def options_before(home: Home) -> Options | None:
    """Read the options of the last `up`; None also where the state is damaged."""
    with contextlib.suppress(DamagedState):
        return last_options(home)
    return None


def sources_of(home: Home) -> Mapping[str, str]:
    """Read which folders run in place of included repositories, since the last `up`."""
    options = options_before(home)
    return options.sources if options is not None else {}


def _read(home: Home) -> tuple[dict[str, Any], tuple[NodeState, ...]]:
    with contextlib.closing(StateFile(home.state)) as file:
        return file.meta(), file.nodes()


def last_options(home: Home) -> Options | None:
    """Read the options of the last `up`; None where there was none."""
    if not home.state.exists():
        return None
    file = StateFile(home.state)
    try:
        options: dict[str, Any] = file.meta().get("options", {})
    finally:
        file.close()
    return Options.of(options) if options else None


#: Of one service, as agents and the dashboard may ask: a typo must not take the machine.
MOST_INSTANCES = 20


def scale(home: Home, service: str, instances: int) -> ApplyResult:
    """Run so many instances of a service; the rest stays as it was started.

    Returns:
        What was started, restarted and stopped, and notes.

    Raises:
        TarmacError: nothing runs, there is no such service, or it cannot have so many.
    """
    options = _running_options(home)
    return up(home, replace(options, scale={**options.scale, service: instances}))()


def stop_services(home: Home, services: tuple[str, ...]) -> ApplyResult:
    """Stop services; the rest stays, and connections to them are closed at once.

    Returns:
        What was started, restarted and stopped, and notes.

    Raises:
        TarmacError: nothing runs, or there is no such service.
    """
    options = _running_options(home)
    stopped = tuple(dict.fromkeys((*options.stopped, *services)))
    return up(home, replace(options, stopped=stopped))()


def start_services(home: Home, services: tuple[str, ...]) -> ApplyResult:
    """Run services that were stopped, are off or are not managed, with what they need.

    Returns:
        What was started, restarted and stopped, and notes.

    Raises:
        TarmacError: nothing runs, or there is no such service.
    """
    options = _running_options(home)
    without = tuple(name for name in options.without if name not in services)
    more = replace(options, whole=False, part=services, without=without)
    return up(home, more.added_to(options))()


def inspect(home: Home, *, on: bool) -> ApplyResult:
    """Count requests on the wires of a running system, or do not.

    Returns:
        What was started, restarted and stopped, and notes.

    Raises:
        TarmacError: nothing runs.
    """
    return up(home, replace(_running_options(home), inspect=on))()


def _running_options(home: Home) -> Options:
    """Return how the system that runs was started. Raises TarmacError where none does."""
    options = last_options(home)
    if options is None or not is_running(home):
        raise TarmacError("the system is not running; start it with `tarmac up`")
    return options


def up(home: Home, options: Options, *, attached: bool = False) -> Callable[[], ApplyResult]:
    """Start the supervisor, or have the one that runs apply what changed.

    Args:
        attached: a supervisor that this starts stops when this process ends.

    Returns:
        A function that waits for the answer: what was started, restarted and stopped, and notes.
        It raises RequestRejected if the model is wrong or something is missing. The caller has
        something to load meanwhile.

    Raises:
        TarmacError: files are to be read-only, which this machine does not allow.
    """
    runs = is_running(home)
    if options.read_only:
        from tarmac.run.local.process import written  # noqa: PLC0415 - the client is light

        written.prepare(home, Path(options.file), is_running=runs)
    if runs:
        return lambda: _applied(home, options, attached=attached)
    home.create()
    ours, theirs = socket.socketpair()
    how = ["attached"] if attached else []
    argv = [
        "-m",
        "tarmac.run.local.supervisor.daemon",
        json.dumps(options.as_data()),
        str(theirs.fileno()),
        *how,
    ]
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


def _applied(home: Home, options: Options, *, attached: bool) -> ApplyResult:
    """Apply the options to the running supervisor; start another if it is just ending."""
    try:
        return ask(home, _apply(options))
    except SupervisorGone:
        _wait_until_gone(home)
    return up(home, options, attached=attached)()


def _started(home: Home, options: Options, report: socket.socket) -> ApplyResult:
    line = ""
    with contextlib.suppress(ConnectionResetError), report.makefile() as lines:
        line = lines.readline()
    if not line:
        raise SupervisorGone(f"the supervisor ended at once; its log is {home.supervisor_log}")
    answer = json.loads(line)
    if answer.get("already"):  # another client was faster: have its supervisor apply the options
        return ask(home, _apply(options))
    applied: ApplyResult = typed_json.read(ApplyResult, checked(answer))
    return applied


def _apply(options: Options) -> Apply:
    from tarmac.run.local.supervisor.build_id import (  # noqa: PLC0415 - only where one runs already
        build_id,
    )

    return Apply(options.as_data(), build_id())


def ask(
    home: Home, request: Request[Answer], look: Callable[[Status], None] = lambda _: None
) -> Answer:
    """Send one request and wait for its answer.

    Args:
        look: is given each change of a node meanwhile.

    Raises:
        RequestRejected: the supervisor says why it cannot.
        TarmacError: it neither answers nor changes a node for a long time.
    """
    line = b""
    with connect(home) as connection:
        connection.settimeout(ANSWER_S)
        with contextlib.suppress(ConnectionError):  # it was killed before it read the request
            connection.sendall(line_of(request).encode())
            line = _answer_line(home, connection, look)
    if not line:
        raise _ended(home, "the supervisor went away")
    return answer_of(request, line.decode())


def _answer_line(home: Home, connection: socket.socket, look: Callable[[Status], None]) -> bytes:
    """Read a line; a supervisor that replaces many nodes is busy, and shows so by their states."""
    received, last, end = bytearray(), None, time.monotonic() + ANSWER_S
    connection.settimeout(LOOK_S)
    while not received.endswith(b"\n"):
        try:
            part = connection.recv(65536)
        except TimeoutError:
            now = status(home)
            if now is not None and now.nodes != last:
                last, end = now.nodes, time.monotonic() + ANSWER_S
                look(now)
            if time.monotonic() > end:
                raise TarmacError(
                    f"the supervisor has not answered for {ANSWER_S:g} s; its log is "
                    f"{home.supervisor_log}, its pid {_supervisor_pid(home)}"
                ) from None
            continue
        if not part:
            return b""
        received += part
    return bytes(received)


def line_of(request: Request[Any]) -> str:
    """Write a request as a line."""
    content = {"verb": verb_of(type(request)), **typed_json.as_json(request)}
    return json.dumps(content) + "\n"


def answer_of(request: Request[Answer], line: str) -> Answer:
    """Read the line that answers a request.

    Raises:
        RequestRejected: the supervisor says why it cannot.
        TarmacError: another version of Tarmac answers.
    """
    found = checked(json.loads(line))
    try:
        answer: Answer = typed_json.read(answer_type(type(request)), found)
    except typed_json.Unfit as error:
        what = "the running system was started by another version of Tarmac"
        advice = "run `tarmac down`, then `tarmac up`"
        raise TarmacError(f"{what} ({error}); {advice}") from None
    return answer


def _ended(home: Home, what: str) -> SupervisorGone:
    """Return why there is no supervisor: it was told to stop, or else its log has the reason."""
    by = ""
    with contextlib.suppress(TarmacError):
        by = _read(home)[0].get("ended_by") or ""
    if by:
        return SupervisorGone(f"{home.root}: the system was stopped by {by}")
    return SupervisorGone(f"{what}; its log is {home.supervisor_log}")


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
                what = f"the supervisor does not answer ({error.strerror})"
                if running:
                    raise TarmacError(f"{what}; its log is {home.supervisor_log}") from None
                raise _ended(home, what) from None
            time.sleep(POLL_S)


def store_url(home: Home, store: str, user: str = "") -> str:
    """Ask a running system for the URL of a store: its administrator's, or that of a service."""
    return ask(home, Connect(store, user)).url


def attach(home: Home) -> socket.socket:
    """Tie the system's life to the returned connection: when it closes, everything stops."""
    connection = connect(home)
    connection.sendall(line_of(Attach()).encode())
    return connection


def wait(
    home: Home, *, within_s: float | None, on_change: Callable[[Status], None] = lambda _: None
) -> Status:
    """Wait until every node is healthy, one is in a crash loop, or the time is over.

    Args:
        within_s: the longest to wait; None: as long as the system's own probes may take, and what
            its tasks take besides: packages are installed once, and nothing says for how long.
    """
    began = looked = time.monotonic()
    tasks_s = 0.0
    last: tuple[NodeState, ...] = ()
    while True:
        now = status(home)
        if now is None or not now.running:
            raise _ended(home, "the supervisor ended")
        if now.nodes != last:
            last = now.nodes
            on_change(now)
        looping = any(node.state == state.CRASH_LOOP for node in now.counted)
        at = time.monotonic()
        if now.does_tasks:
            tasks_s = min(tasks_s + at - looked, TASKS_S)
        looked = at
        limit_s = now.startup_timeout_s + tasks_s if within_s is None else within_s
        if now.healthy or looping or at > began + limit_s:
            return now
        time.sleep(POLL_S)


def down(home: Home) -> bool:
    """Stop everything, wait until the supervisor itself is gone; False if it was just ending."""
    try:
        ask(home, Down())
    except SupervisorGone:  # what it ran has ended with it
        _wait_until_gone(home)
        return False
    _wait_until_gone(home)
    return True


def _wait_until_gone(home: Home) -> None:
    end = time.monotonic() + ANSWER_S
    while is_running(home):
        if time.monotonic() > end:
            raise TarmacError(f"the supervisor does not end; its log is {home.supervisor_log}")
        time.sleep(GONE_S)


def find_homes(file: Path) -> list[Home]:
    """List the namespaces that a system has had, by name."""
    base = Path(os.path.realpath(file)).parent / ".tarmac"  # of a link to itself, too
    if not base.is_dir():
        return []
    return [
        Home(entry)
        for entry in sorted(base.iterdir())
        if (entry / "state.sqlite").exists() and not entry.name.startswith(".")  # being deleted
    ]


def checked(answer: dict[str, Any]) -> Any:
    """Return what an answer says that went well. Raises RequestRejected or SupervisorGone."""
    if not answer.get("ok"):
        if answer.get("ending"):
            raise SupervisorGone("\n".join(answer["errors"]))
        raise RequestRejected(answer["errors"], answer["exit_code"])
    return answer.get("answer")
