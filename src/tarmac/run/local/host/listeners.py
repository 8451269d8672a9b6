"""Listeners of this machine: the ports of a process, and the process of a port.

On Linux only; elsewhere nothing is known and nothing is said. Used to explain a
failure, and to see whether it is ours that answers.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import re
from collections.abc import Collection, Iterable
from pathlib import Path

from tarmac.run.local.host.guard import descendants, node_of, parents
from tarmac.run.local.host.kernel import LISTEN, TcpSocket, inodes_of, sockets
from tarmac.run.local.host.sockets import is_held_by

UNKNOWN = "another process"
#: The module that a supervisor's process runs, as its command line shows it.
DAEMON = "tarmac.run.local.supervisor.daemon"
#: Processes that build, or wait for edits, beside the program that they start.
_BUILDS = re.compile(
    r"GradleDaemon|org\.gradle\.launcher|GradleWorkerMain|KotlinCompileDaemon|"
    r"/MSBuild\.dll|/VBCSCompiler\b|dotnet-watch\.dll"
)
#: Ports that tools open in a program: Node's inspector, and what tells a page of an edit.
_OF_TOOLS = frozenset({9229, 35729, 24678})
_FILE = re.compile(r"\.(?:[cm]?[jt]s|py|rb|php|jar|sh|exs?|dll)$")


def of(pids: Iterable[int]) -> list[TcpSocket]:
    """List the sockets on which these processes listen, by port."""
    inodes = {inode for pid in pids for inode in inodes_of(pid)}
    return sorted({socket for socket in sockets(LISTEN) if socket.inode in inodes})


def of_program(pid: int) -> list[TcpSocket]:
    """List the sockets of a program and of what it has started, without those of its tools."""
    pids = [pid, *descendants(pid)]
    own = [one for one in pids if not _BUILDS.search(" ".join(_argv(one)))]
    return [socket for socket in of(own) if socket.port not in _OF_TOOLS]


def holder(port: int) -> str:
    """Name the process that listens on a port, if visible: `pid 4711 (node server.js)`."""
    inodes = {socket.inode for socket in sockets(LISTEN) if socket.port == port}
    if inodes:
        for pid in sorted(
            int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()
        ):
            if not inodes.isdisjoint(inodes_of(pid)):
                return f"pid {pid} ({program(_argv(pid))})"
        return "a process of another user"
    return UNKNOWN


def other_listener(port: int, pid: int, name: str) -> str:
    """Name the listener of a port unless it is a process, a descendant of it, or its daemon."""
    # Nearly always the process itself; to look for what is below it takes all of /proc.
    if is_held_by(port, [pid]) or is_held_by(port, descendants(pid)):
        return ""
    daemons = (parent for parent in parents() if node_of(parent) == name)
    return "" if is_held_by(port, daemons) else f"port {port} is taken by {holder(port)}"


def program(argv: Collection[str]) -> str:
    """Name a program as its user knows it: its name and what it runs.

    Options are left out, and what follows one unless it is a program's file: it may be a password.
    """
    words = list(argv)
    if DAEMON in words:
        with contextlib.suppress(ValueError, LookupError, TypeError):
            options = json.loads(words[words.index(DAEMON) + 1])
            return f"Tarmac, for {options['file']}"
    if any(word.endswith("tarmac/run/local/network/wires.py") for word in words):
        return "Tarmac's wires"
    if not words:
        return "a process that is ending"
    first, *rest = words
    named = (
        word
        for before, word in itertools.pairwise(words)
        if not word.startswith("-") and (not before.startswith("-") or _FILE.search(word))
    )
    shown = [first.rpartition("/")[2], *named]
    if shown[1:] == [] and len(rest) > 1 and rest[0] == "-m":
        shown.append(rest[1])
    return " ".join(shown[:2])[:80]


def _argv(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return [part.decode("utf-8", "replace") for part in raw.split(b"\0") if part]
    return []
