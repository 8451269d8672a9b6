"""Who listens on this machine: which ports a process has, and which process has a port.

Read from /proc, so on Linux only; elsewhere nothing is known and nothing is said. Used to explain a
failure, and to see whether it is ours that answers.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tarmac.local.guard import descendants, node_of, parents
from tarmac.local.sockets import is_held_by

_LISTEN = "0A"  # include/net/tcp_states.h
UNKNOWN = "another process"


@dataclass(frozen=True, order=True)
class Listener:
    """A socket that accepts connections."""

    port: int
    address: str
    inode: str = ""

    def answers(self, host: str) -> bool:
        """Tell whether it answers on an IPv4 address: it listens there, or everywhere."""
        return self.address in (host, "0.0.0.0", "::", f"::ffff:{host}")


def parse(table: str) -> Iterator[Listener]:
    """Read the listening sockets of /proc/net/tcp or tcp6."""
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == _LISTEN:
            address, _, port = fields[1].rpartition(":")
            yield Listener(int(port, 16), _address(address), fields[9])


def everyone() -> list[Listener]:
    """List every socket of this network namespace that accepts connections."""
    found: list[Listener] = []
    for name in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            found.extend(parse((Path("/proc/net") / name).read_text()))
    return found


def of(pids: Iterable[int]) -> list[Listener]:
    """List the sockets on which these processes listen, by port."""
    inodes = {inode for pid in pids for inode in _sockets(pid)}
    return sorted({each for each in everyone() if each.inode in inodes})


def holder(port: int) -> str:
    """Say who listens on a port: `pid 4711 (node server.js)`, as far as it can be seen."""
    inodes = {each.inode for each in everyone() if each.port == port}
    if inodes:
        for pid in sorted(
            int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()
        ):
            if not inodes.isdisjoint(_sockets(pid)):
                return f"pid {pid} ({program(_argv(pid))})"
        return "a process of another user"
    return UNKNOWN


def stranger(port: int, pid: int, name: str) -> str:
    """Say who listens on a port if it is neither a process, what is below it, nor its daemon."""
    if is_held_by(port, [pid, *descendants(pid)]):
        return ""
    daemons = (each for each in parents() if node_of(each) == name)
    return "" if is_held_by(port, daemons) else f"port {port} is taken by {holder(port)}"


def program(argv: Collection[str]) -> str:
    """Name a program as its user knows it: its name and what it runs, options left out."""
    words = list(argv)
    if "tarmac.local.daemon" in words:
        with contextlib.suppress(ValueError, LookupError, TypeError):
            return (
                f"Tarmac, for {json.loads(words[words.index('tarmac.local.daemon') + 1])['file']}"
            )
    if any(word.endswith("tarmac/local/wires.py") for word in words):
        return "Tarmac's wires"
    if not words:
        return "a process that is ending"
    first, *rest = words
    shown = [first.rpartition("/")[2], *(word for word in rest if not word.startswith("-"))]
    if shown[1:] == [] and len(rest) > 1 and rest[0] == "-m":
        shown.append(rest[1])
    return " ".join(shown[:2])[:80]


def _address(text: str) -> str:
    raw = bytes.fromhex(text)
    # Words of four bytes in the machine's order; every machine that we run on is little endian.
    words = (raw[start : start + 4][::-1] for start in range(0, len(raw), 4))
    return str(ipaddress.ip_address(b"".join(words)))


def _sockets(pid: int) -> set[str]:
    found: set[str] = set()
    with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as descriptors:
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                target = os.readlink(descriptor.path)  # noqa: PTH115 - hot: many files
                if target.startswith("socket:["):
                    found.add(target[8:-1])
    return found


def _argv(pid: int) -> list[str]:
    with contextlib.suppress(OSError):
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return [part.decode("utf-8", "replace") for part in raw.split(b"\0") if part]
    return []
