"""How long twenty web servers take to answer and to go down, beside process-compose with the same.

Both sides run the same programs and ask the same pages for their readiness. A start is timed until
every page answers, a stop until the command returns and all has ended. Memory is that of what
manages, once it is idle: all processes but the web servers, ours with wires, telemetry and pages.
`.ci/process_compose` builds the peer; without it nothing is measured.
"""

from __future__ import annotations

import itertools
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from bench.copies import BIN, copy, ended, environment, until
from bench.figure import Absent, Figure, seconds, sized

from tarmac.run.local.host import guard

sys.path.insert(0, str(Path(__file__).parents[1] / "tests/support"))

import built  # where the scripts of .ci put what they build

SERVICES = sized(20, 2)
ROUNDS = sized(3, 1)
#: Until what starts behind the services has started, too.
SETTLED_S = sized(5.0, 1.0)
#: Of the next start: a port whose connections have just ended is not free for a while.
_NEXT_PORT = itertools.count(18200, SERVICES)
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
OURS = "  web{port}: {{run: [{python}, -I, server.py], port: {port}, probe: {{http: /}}}}\n"
THEIRS = """  web{port}:
    command: {python} -I server.py
    environment: ['PORT={port}']
    readiness_probe:
      http_get: {{host: 127.0.0.1, path: /, port: '{port}'}}
      period_seconds: 1
      failure_threshold: 60
"""
Round = tuple[float, float, float]


def measure() -> list[Figure]:
    """Return the seconds of a start and of a stop, and the memory of what manages, in MiB."""
    peer = built.newest("process-compose-*/process-compose")
    if peer is None:
        raise Absent("there is no process-compose; .ci/process_compose builds it")
    rounds = [(_ours(), _theirs(peer)) for _ in range(ROUNDS)]
    middle = [
        [statistics.median(column) for column in zip(*side, strict=True)]
        for side in zip(*rounds, strict=True)
    ]
    how = f"{SERVICES} web servers of the standard library; medians of {ROUNDS} in turns"
    names = ("servers answer", "servers down", "memory of what manages them")
    return [
        Figure(f"process-compose: {SERVICES} {name}", unit, ours, theirs, how)
        for name, unit, ours, theirs in zip(names, ("s", "s", "MiB"), *middle, strict=True)
    ]


def _ports() -> range:
    first = next(_NEXT_PORT)
    return range(first, first + SERVICES)


def _lines(form: str, ports: range) -> str:
    return "".join(form.format(port=port, python=sys.executable) for port in ports)


def _ours() -> Round:
    ports = _ports()
    with copy(f"tarmac: 1\nsystem: many\nservices:\n{_lines(OURS, ports)}") as system:
        (system.folder / "server.py").write_text(SERVER, encoding="utf-8")
        begun = time.perf_counter()
        up = subprocess.Popen(
            [BIN / "tarmac", "up", "-d"],
            cwd=system.folder,
            env={**os.environ, "TARMAC_TELEMETRY": "1"},
            stdout=subprocess.DEVNULL,
        )
        _answered(ports)
        up_s = time.perf_counter() - begun
        up.wait()
        time.sleep(SETTLED_S)
        service = next(node["pid"] for node in system.nodes() if node["role"] == "service")
        parents = guard.parents()
        size = _managing_mib(parents[parents[service]])
        return up_s, seconds(lambda: system.tarmac("down")), size


def _theirs(peer: Path) -> Round:
    ports = _ports()
    with tempfile.TemporaryDirectory(prefix="tarmac-bench-") as name:
        folder = Path(name)
        (folder / "server.py").write_text(SERVER, encoding="utf-8")
        text = f"version: '0.5'\nprocesses:\n{_lines(THEIRS, ports)}"
        (folder / "process-compose.yaml").write_text(text, encoding="utf-8")
        with socket.create_server(("127.0.0.1", 0)) as free:
            own = str(free.getsockname()[1])
        begun = time.perf_counter()
        running = subprocess.Popen(
            [peer, "up", "-t=false", "-p", own],
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            _answered(ports)
            up_s = time.perf_counter() - begun
            time.sleep(SETTLED_S)
            size = _managing_mib(running.pid)
            begun = time.perf_counter()
            subprocess.run([peer, "down", "-p", own], check=True, capture_output=True)
            running.wait(60)
            return up_s, time.perf_counter() - begun, size
        finally:
            if running.poll() is None:
                ended(running)


def _answered(ports: range) -> None:
    for port in ports:
        until(f"the server at {port}", lambda port=port: _answers(port))  # type: ignore[misc]


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _managing_mib(root: int) -> float:
    """Add up the share of memory of a process and of all below it but the web servers."""
    pids = (root, *guard.descendants(root))
    return sum(map(_pss_kib, (pid for pid in pids if b"server.py" not in _command(pid)))) / 1024


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
