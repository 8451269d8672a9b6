"""A real Backstage for tests: its backend, with SQLite in memory, as `.ci/backstage` builds it.

`run` starts one on a free port and yields it when it is ready; it reads catalogue and templates
from the addresses that it is given, as from a forge.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import built
import pytest
import yaml
from free_ports import free_port

READY_S = 300.0
#: How often it reads again what it knows; a change is there soon after.
INTERVAL_S = 3
SEEN_S = 90.0
START = Path(__file__).parents[2] / ".ci/backstage.d/index.js"
GET = "no Backstage here: have .ci/backstage build it"


@dataclass(frozen=True)
class Backstage:
    """A running Backstage."""

    url: str
    token: str
    log: Path
    folder: Path

    def ask(self, path: str, body: Any = None, *, token: str | None = None) -> tuple[int, Any]:
        """Send a request; return the status and what was answered, text where it is no JSON."""
        headers = {"Content-Type": "application/json"}
        headers["Authorization"] = f"Bearer {self.token if token is None else token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=180) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def guest(self) -> str:
        """Sign in as the guest of the front end; return the token."""
        status, said = self.ask("/api/auth/guest/refresh", token="")
        assert status == 200, said
        return str(said["backstageIdentity"]["token"])

    def entities(self) -> dict[str, dict[str, Any]]:
        """Return everything in the catalogue by its reference."""
        status, said = self.ask("/api/catalog/entities")
        assert status == 200, said
        return {reference(entity): entity for entity in said}

    def wait(self, holds: Callable[[dict[str, dict[str, Any]]], bool]) -> dict[str, dict[str, Any]]:
        """Wait until something holds of the catalogue; return what is there, in time or not."""
        ends_at = time.monotonic() + SEEN_S
        while True:
            found = self.entities()
            if holds(found) or time.monotonic() > ends_at:
                return found
            time.sleep(0.5)

    def complaints(self) -> list[str]:
        """Return what its log warns of, of entities."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return [line for line in lines if "warn" in line and "entity" in line.lower()]

    def finished(self, task: str, token: str) -> str:
        """Wait for the end of a task of the scaffolder; return its state."""
        ends_at = time.monotonic() + SEEN_S
        while time.monotonic() < ends_at:
            state = str(self.ask(f"/api/scaffolder/v2/tasks/{task}", token=token)[1]["status"])
            if state not in ("open", "processing"):
                return state
            time.sleep(0.3)
        return "not finished"


def reference(entity: dict[str, Any]) -> str:
    """Name an entity as relations do."""
    meta = entity["metadata"]
    return f"{entity['kind']}:{meta.get('namespace', 'default')}/{meta['name']}".lower()


@dataclass
class Served:
    """A folder behind HTTP, as a forge serves a repository's files."""

    folder: Path
    url: str = ""
    host: str = ""
    _server: ThreadingHTTPServer | None = field(default=None, repr=False)


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Serve a folder until the end."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    host = f"127.0.0.1:{server.server_address[1]}"
    try:
        yield Served(folder, f"http://{host}", host, server)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def program() -> Path:
    """Find what `.ci/backstage` built; a test without it is skipped."""
    found = built.newest("backstage-*/node_modules/.package-lock.json")
    return found.parents[1] if found else pytest.skip(GET)


def _config(port: int, token: str, host: str, targets: Sequence[str]) -> dict[str, Any]:
    base = f"http://localhost:{port}"
    guest = {"dangerouslyAllowOutsideDevelopment": True}
    static = {"type": "static", "options": {"token": token, "subject": "tests"}}
    kinds = ["Group", "System", "Component", "API", "Resource", "Template", "Location"]
    return {
        "app": {"title": "Tests", "baseUrl": base},
        "organization": {"name": "Tests"},
        "backend": {
            "baseUrl": base,
            "listen": {"host": "127.0.0.1", "port": port},
            "database": {"client": "better-sqlite3", "connection": ":memory:"},
            "auth": {"externalAccess": [static]},
            "reading": {"allow": [{"host": host}]},
        },
        "auth": {"environment": "development", "providers": {"guest": guest}},
        "catalog": {
            "processingInterval": {"seconds": INTERVAL_S},
            "orphanStrategy": "delete",
            "rules": [{"allow": kinds}],
            # A template's files are a folder, which plain HTTP cannot list: it is read from disk.
            "locations": [
                {"type": "url" if "://" in target else "file", "target": target}
                for target in targets
            ],
        },
    }


@contextlib.contextmanager
def run(folder: Path, host: str, targets: Sequence[str], **env: str) -> Iterator[Backstage]:
    """Run it in a folder, with the catalogue at some addresses of a host."""
    home, port, token = program(), free_port(), secrets.token_hex(16)
    config, log = folder / "app-config.yaml", folder / "backstage.log"
    config.write_text(yaml.safe_dump(_config(port, token, host, targets)), encoding="utf-8")
    with log.open("wb") as said:
        process = subprocess.Popen(
            ["node", str(START), str(home), "--config", str(config)],
            cwd=home, stdout=said, stderr=said, env=os.environ | {"LOG_LEVEL": "info"} | env,
        )  # fmt: skip
        try:
            portal = Backstage(f"http://127.0.0.1:{port}", token, log, folder)
            _wait(portal, process)
            yield portal
        finally:
            process.kill()  # nothing of it is kept, and it takes half a minute to end by itself
            process.wait()


def _wait(portal: Backstage, process: subprocess.Popen[bytes]) -> None:
    ends_at = time.monotonic() + READY_S
    while time.monotonic() < ends_at:
        assert process.poll() is None, portal.log.read_text()[-3000:]
        with contextlib.suppress(OSError):
            # The port answers earlier, with an empty catalogue.
            if portal.ask("/.backstage/health/v1/readiness")[0] == 200:
                return
        time.sleep(0.2)
    pytest.fail(f"Backstage is not ready in {READY_S:g} s: {portal.log.read_text()[-3000:]}")
