"""Real systems of small foreign programs, brought up by the real command."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.local.starting import guard

TARMAC = [str(Path(sys.executable).with_name("tarmac"))]

#: A web server in any language: here the standard library's. GET /env/NAME shows a variable,
#: /slow answers late, /exit ends it; SIGTERM lets a request in flight finish.
SERVER = """
import http.server, os, signal, sys, threading, time

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"
    def do_GET(self):
        if self.path == "/exit":
            os._exit(7)
        if self.path == "/slow":
            time.sleep(0.6)
        body = os.environ.get(self.path.removeprefix("/env/"), f"pid {os.getpid()}").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        print("GET", self.path, os.environ.get("SHOWN", ""), flush=True)

server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.daemon_threads = False
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
print("listening", flush=True)
server.serve_forever()
server.server_close()
"""


#: The first of the ports that this run's systems ask for; two runs at once seldom meet.
PORT = 10000 + os.getpid() % 900 * 10


@dataclass(frozen=True)
class Sandbox:
    """A folder with a `tarmac.yaml` and the command to run in it."""

    folder: Path

    def tarmac(self, *args: str, timeout_s: float = 90) -> subprocess.CompletedProcess[str]:
        """Run a verb here and wait for it."""
        return subprocess.run(
            [*TARMAC, *args],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def write(self, text: str) -> None:
        """Write the system's file."""
        (self.folder / "tarmac.yaml").write_text(textwrap.dedent(text).lstrip())

    def up(self, *args: str) -> dict[str, Any]:
        """Bring it up; return what `up --json` says."""
        done = self.tarmac("up", "-d", "--json", *args)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def ps(self) -> dict[str, Any]:
        """Read its state."""
        return json.loads(self.tarmac("ps", "--json").stdout)

    def node(self, name: str) -> dict[str, Any]:
        """Read one node's state."""
        return next(node for node in self.ps()["nodes"] if node["name"] == name)

    def until(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a node's state is as wanted."""
        end = time.monotonic() + 30
        while not wanted(node := self.node(name)):
            assert time.monotonic() < end, node
            time.sleep(0.05)
        return node

    def get(self, name: str, path: str = "/") -> str:
        """Ask a service."""
        with urllib.request.urlopen(self.node(name)["url"] + path, timeout=10) as answer:
            return answer.read().decode()


def web(name: str = "web", port: int = PORT, more: str = "") -> str:
    """Write a service that runs the server program."""
    return f"{name}: {{run: [{sys.executable}, server.py], port: {port}{more}}}"


SYSTEM = f"""
    tarmac: 1
    system: small
    services:
      {web("front", PORT, ", calls: [back]")}
      {web("back", PORT + 1)}
    """


def family(box: Sandbox) -> list[int]:
    """Every process of the sandbox's supervisor, itself included."""
    with sqlite3.connect(box.folder / ".tarmac/default/state.sqlite") as database:
        rows = dict(database.execute("SELECT key, value FROM meta").fetchall())
    pid = int(rows["supervisor_pid"])
    return [pid, *guard.descendants(pid)]


def wire(box: Sandbox, source: str, target: str) -> str:
    """The address that a service is given for another one that it uses."""
    edges = json.loads(box.tarmac("edges", "--json").stdout)["edges"]
    found = next(e for e in edges if (e["source"], e["target"]) == (source, target))
    return f"http://127.0.0.1:{found['listen']}"


def gone(pids: list[int], within_s: float = 10) -> bool:
    """Wait until none of these processes is left."""
    end = time.monotonic() + within_s
    while time.monotonic() < end and set(pids) & set(guard.parents()):
        time.sleep(0.01)
    return not set(pids) & set(guard.parents())
