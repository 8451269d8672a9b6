"""A real telemetry process for a test, with its listening socket as standard input."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from tarmac.plan import telemetry_token
from tarmac.run.local.state.paths import Home
from tarmac.run.telemetry import queries, receiver, storage

TOKEN = "a-token-of-this-test"
#: Services that have a token there.
SERVICES = ("shipping", "orders")
JSON, PROTOBUF = receiver.JSON, receiver.PROTOBUF


def token_of(service: str) -> str:
    """The token of a service of SERVICES."""
    return f"token-of-{service}"


class TelemetryServer:
    """The process, its address and its file."""

    def __init__(self, folder) -> None:
        self.home = Home(folder)
        self.home.dashboard_token.write_text(TOKEN)
        tokens = {telemetry_token.token(service).path: token_of(service) for service in SERVICES}
        self.home.secrets.write_text(json.dumps({**tokens, "stores/db/admin": "hush"}))
        self.path = self.home.telemetry
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-I", "-m", "tarmac.run.dashboard", str(self.home.root), "a-run"]
        self.process = subprocess.Popen(command, stdin=self.listener.fileno())

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)

    def close(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()
        self.process.wait()
        self.listener.close()

    def send(self, body: bytes, kind: str = JSON, path: str = "/v1/traces", **headers: str):
        request = urllib.request.Request(self.url + path, body, {"Content-Type": kind, **headers})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def counts(self) -> dict[str, int]:
        """What it says of what it received."""
        with urllib.request.urlopen(f"{self.url}/health", timeout=20) as answer:
            return json.load(answer)

    def spans(self) -> int:
        with contextlib.closing(storage.reader(self.path)) as stored:
            return sum(trace.spans for trace in queries.latest(stored, most=1000))

    def until(self, spans: int) -> None:
        ends_at = time.monotonic() + 20
        while self.spans() < spans:
            assert time.monotonic() < ends_at, f"{self.spans()} of {spans} were written"
            time.sleep(0.02)
