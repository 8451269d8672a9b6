"""Who listens on this machine: which ports a process has, and which process has a port.

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

from tarmac.local.machine.kernel import LISTEN, TcpSocket, inodes_of, sockets
from tarmac.local.machine.sockets import is_held_by
from tarmac.local.starting.guard import descendants, node_of, parents

UNKNOWN = "another process"
_FILE = re.compile(r"\.(?:[cm]?[jt]s|py|rb|php|jar|sh|exs?|dll)$")


def of(pids: Iterable[int]) -> list[TcpSocket]:
    """List the sockets on which these processes listen, by port."""
    inodes = {inode for pid in pids for inode in inodes_of(pid)}
    return sorted({each for each in sockets(LISTEN) if each.inode in inodes})


def holder(port: int) -> str:
    """Say who listens on a port: `pid 4711 (node server.js)`, as far as it can be seen."""
    inodes = {each.inode for each in sockets(LISTEN) if each.port == port}
    if inodes:
        for pid in sorted(
            int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()
        ):
            if not inodes.isdisjoint(inodes_of(pid)):
                return f"pid {pid} ({program(_argv(pid))})"
        return "a process of another user"
    return UNKNOWN


def stranger(port: int, pid: int, name: str) -> str:
    """Say who listens on a port if it is neither a process, what is below it, nor its daemon."""
    # Nearly always the process itself; to look for what is below it takes all of /proc.
    if is_held_by(port, [pid]) or is_held_by(port, descendants(pid)):
        return ""
    daemons = (each for each in parents() if node_of(each) == name)
    return "" if is_held_by(port, daemons) else f"port {port} is taken by {holder(port)}"


def program(argv: Collection[str]) -> str:
    """Name a program as its user knows it: its name and what it runs.

    Options are left out, and what follows one unless it is a program's file: it may be a password.
    """
    words = list(argv)
    if "tarmac.local.daemon" in words:
        with contextlib.suppress(ValueError, LookupError, TypeError):
            return (
                f"Tarmac, for {json.loads(words[words.index('tarmac.local.daemon') + 1])['file']}"
            )
    if any(word.endswith("tarmac/local/edges/wires.py") for word in words):
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
