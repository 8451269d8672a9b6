"""How long forty small services take to come up and to go down, beside honcho with the same ones.

Each is a web server of Python's standard library. Ours is timed until `tarmac up -d` and `down`
return; theirs until every port answers, and until honcho has ended after SIGTERM.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.copies import BIN, copy, ended, environment, until
from bench.figure import Figure, seconds, sized

SERVICES = sized(40, 3)
ROUNDS = sized(3, 1)
FIRST_PORT = 18100
SERVER = """
import http.server, os, signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def measure() -> list[Figure]:
    """Return two figures in seconds."""
    rounds = [(*_ours(), *_theirs()) for _ in range(ROUNDS)]
    up, down, their_up, their_down = map(statistics.median, zip(*rounds, strict=True))
    how = f"{SERVICES} web servers of the standard library; medians of {ROUNDS}"
    return [
        Figure("40 services up", "s", up, their_up, how),
        Figure("40 services down", "s", down, their_down, how),
    ]


def _ours() -> tuple[float, float]:
    run = f"[{sys.executable}, -I, server.py]"
    lines = [
        f"  s{number}: {{run: {run}, port: {FIRST_PORT + number}}}" for number in range(SERVICES)
    ]
    text = "\n".join(["tarmac: 1", "system: many", "services:", *lines]) + "\n"
    with copy(text) as system:
        (system.folder / "server.py").write_text(SERVER, encoding="utf-8")
        up = seconds(lambda: system.tarmac("up", "-d"))
        return up, seconds(lambda: system.tarmac("down"))


def _theirs() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        folder = Path(name)
        (folder / "server.py").write_text(SERVER, encoding="utf-8")
        ports = range(FIRST_PORT, FIRST_PORT + SERVICES)
        lines = [f"s{p}: exec env PORT={p} {sys.executable} -I server.py\n" for p in ports]
        (folder / "Procfile").write_text("".join(lines), encoding="utf-8")
        processes: list[subprocess.Popen[bytes]] = []

        def up() -> None:
            processes.append(
                subprocess.Popen(
                    [BIN / "honcho", "start"],
                    cwd=folder,
                    env=environment(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            for port in ports:
                until("honcho", lambda port=port: _answers(port), 0.02)  # type: ignore[misc]

        def down() -> None:
            ended(processes[0])

        try:
            return seconds(up), seconds(down)
        finally:
            if processes[0].poll() is None:
                down()


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False
