"""Real systems of small foreign programs, brought up by the real command."""

from __future__ import annotations

import json
import os
import signal
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

import warm

from tarmac.run.local.host import guard
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import StateFile
from tarmac.run.local.supervisor import client
from tarmac.run.local.supervisor.requests import Edges

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

# Five, its default, overflow on a busy machine; what is lost comes again after 1, 3 and 7 s.
http.server.ThreadingHTTPServer.request_queue_size = 128
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler)
server.daemon_threads = False
# Not in a handler: it may interrupt a thread that holds a lock which the start of another needs.
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
threading.Thread(target=server.serve_forever, args=(0.02,)).start()
print("listening", flush=True)
signal.sigwait([signal.SIGTERM])
server.shutdown()
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
        environ = {**os.environ, "NO_COLOR": "1"}
        if args[0] in warm.VERBS and warm.may_run_here():
            return warm.tarmac(*args, folder=self.folder, environ=environ)
        if warm.is_as_at_start(environ):
            return warm.command(*args, folder=self.folder, environ=environ, timeout_s=timeout_s)
        return subprocess.run(
            [*TARMAC, *args],
            cwd=self.folder,
            env=environ,
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

    @property
    def home(self) -> Home:
        """Where it keeps everything."""
        return Home.of(self.folder / "tarmac.yaml", "default")

    def ps(self) -> dict[str, Any]:
        """Read its state."""
        return ps(self.home)

    def node(self, name: str) -> dict[str, Any]:
        """Read one node's state."""
        return next(node for node in self.ps()["nodes"] if node["name"] == name)

    def until(self, name: str, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a node's state is as wanted."""
        end = time.monotonic() + 90
        while not wanted(node := self.node(name)):
            assert time.monotonic() < end, node
            time.sleep(0.05)
        return node

    def get(self, name: str, path: str = "/") -> str:
        """Ask a service."""
        with urllib.request.urlopen(self.node(name)["url"] + path, timeout=10) as answer:
            return answer.read().decode()

    def end(self) -> None:
        """End whatever runs here; no test is about this end.

        What has no store to shut down is killed with its supervisor, as no drain is to be seen.
        """
        for home in client.find_homes(self.folder / "tarmac.yaml"):
            status, supervisor = client.status(home), supervisor_of(home)
            if status is None or not status.running:
                continue
            if supervisor is None or any(node.role == "store" for node in status.nodes):
                self.tarmac("down", "--namespace", home.root.name)
                continue
            pids = [supervisor, *guard.descendants(supervisor)]
            os.kill(supervisor, signal.SIGKILL)
            assert gone(pids, within_s=30), pids


def laid_out(folder: Path) -> Sandbox:
    """Put the server program into a folder; a `.git` ends the search for a virtual environment."""
    (folder / "server.py").write_text(SERVER)
    (folder / ".git").mkdir()
    return Sandbox(folder)


def ps(home: Home) -> dict[str, Any]:
    """Read what `ps --json` prints of a namespace, from the same file, without a process."""
    status = client.status(home)
    assert status is not None, f"nothing ever ran in {home.root}"
    return json.loads(json.dumps(status.as_data()))


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


def supervisor_of(home: Home) -> int | None:
    """Read the pid of a namespace's supervisor; None where it is not up yet, or not any more."""
    file = StateFile(home.state)
    try:
        pid: int | None = file.meta().get("supervisor_pid")
        return pid
    finally:
        file.close()


def family(box: Sandbox) -> list[int]:
    """Every process of the sandbox's supervisor, itself included."""
    pid = supervisor_of(box.home)
    assert pid is not None
    return [pid, *guard.descendants(pid)]


def wire(box: Sandbox, source: str, target: str) -> str:
    """The address that a service is given for another one that it uses."""
    edges = client.ask(box.home, Edges()).edges
    found = next(e for e in edges if (e["source"], e["target"]) == (source, target))
    return f"http://127.0.0.1:{found['listen']}"


def gone(pids: list[int], within_s: float = 10) -> bool:
    """Wait until none of these processes is left."""
    end = time.monotonic() + within_s
    while time.monotonic() < end and set(pids) & set(guard.parents()):
        time.sleep(0.01)
    return not set(pids) & set(guard.parents())
