"""How long twenty stores take to be ready, beside starting their servers one after another by hand.

Ours is timed until `tarmac up -d` returns; theirs until each of twenty Valkey servers of the same
program, with its own folder and the settings that make it durable, has answered PING.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import tempfile
from pathlib import Path

from bench.copies import Copy, copy, ended, until
from bench.figure import Figure, seconds, sized

STORES = sized(20, 2)
ROUNDS = sized(3, 1)
USER = "  user: {{run: 'echo up && sleep 1000', probe: {{log: ^up}}, env: {{{references}}}}}"


def measure() -> list[Figure]:
    """Return the first start, with no data, and a start on the data that is there, in seconds."""
    first: list[float] = []
    warm: list[float] = []
    theirs: list[float] = []
    for _ in range(ROUNDS):
        with copy(_system()) as system:
            first.append(seconds(lambda system=system: system.tarmac("up", "-d")))  # type: ignore[misc]
            program = _program(system)
            system.tarmac("down")
            warm.append(seconds(lambda system=system: system.tarmac("up", "-d")))  # type: ignore[misc]
        theirs.append(_by_hand(program))
    other = statistics.median(theirs)
    how = f"{STORES} Valkey servers, theirs one after another until PING; medians of {ROUNDS}"
    return [
        Figure("20 stores, no data", "s", statistics.median(first), other, how),
        Figure("20 stores, again", "s", statistics.median(warm), other, how),
    ]


def _system() -> str:
    names = [f"cache{number}" for number in range(STORES)]
    references = ", ".join(f"{name.upper()}: '${{stores.{name}.url}}'" for name in names)
    lines = ["tarmac: 1", "system: stores", "services:", USER.format(references=references)]
    return "\n".join([*lines, "stores:", *(f"  {name}: redis" for name in names)]) + "\n"


def _program(system: Copy) -> Path:
    """Find the program that our stores run."""
    pid = next(node["pid"] for node in system.nodes() if node["role"] == "store")
    words = Path(f"/proc/{pid}/cmdline")
    if words.exists():
        return Path(f"/proc/{pid}/exe").readlink()
    shown = subprocess.run(
        ["ps", "-o", "comm=", "-p", str(pid)], check=True, capture_output=True, text=True
    )
    return Path(shown.stdout.strip())


def _by_hand(program: Path) -> float:
    """Start them one after another; return the seconds until the last has answered."""
    processes: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        folders = [Path(name, str(number)) for number in range(STORES)]
        for folder in folders:
            folder.mkdir()

        def start_all() -> None:
            for folder in folders:
                port = _free_port()
                processes.append(_start(program, folder, port))
                until("a store by hand", lambda port=port: _pings(port), 0.002)  # type: ignore[misc]

        try:
            return seconds(start_all)
        finally:
            for process in processes:
                ended(process)


def _start(program: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    settings = ["--port", str(port), "--bind", "127.0.0.1", "--appendonly", "yes", "--save", ""]
    return subprocess.Popen([program, *settings], cwd=folder, stdout=subprocess.DEVNULL)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def _pings(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)) as asked:
        asked.sendall(b"PING\r\n")
        return asked.recv(100).startswith(b"+PONG")
    return False
