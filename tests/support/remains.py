"""What a system must not leave behind: processes, taken ports, a held lock, half-written files."""

from __future__ import annotations

import contextlib
import fcntl
import json
import socket
import time
from pathlib import Path

from tarmac.run.local.host import guard


def processes_of(home: Path) -> dict[int, str]:
    """Find the living processes that carry a namespace's mark: pid -> what it runs."""
    mark = f"TARMAC_HOME={home}".encode()
    found = {}
    for pid in guard.parents():
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                argv = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
                found[pid] = argv.decode(errors="replace")
    return found


def taken_ports(home: Path) -> list[int]:
    """List those of a namespace's ports that nobody could listen on now."""
    taken = []
    for port in json.loads((home / "facts.json").read_text())["ports"].values():
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                taken.append(port)
    return taken


def is_locked(home: Path) -> bool:
    """Tell whether somebody holds the namespace's lock."""
    with (home / "lock").open("r+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def half_written(home: Path) -> list[str]:
    """List what somebody was killed over: temporary files, trees in the making, deleted halves."""
    patterns = (".*.new", ".*.partial", ".*.deleted-*")
    places = (home, home.parent, home / "nodes", *(home / "nodes").glob("*"))
    return [str(path) for place in places for pattern in patterns for path in place.glob(pattern)]


def remains(home: Path, *, within_s: float = 10) -> list[str]:
    """Say what a stopped system has left, given it has a moment to go; [] is as it must be."""
    end = time.monotonic() + within_s
    while True:
        found = [f"process {pid}: {what[:300]}" for pid, what in processes_of(home).items()]
        found += [f"port {port} is taken" for port in taken_ports(home)]
        found += ["the lock is held"] if is_locked(home) else []
        if not found or time.monotonic() > end:
            return found + [f"half-written: {name}" for name in half_written(home)]
        time.sleep(0.02)
