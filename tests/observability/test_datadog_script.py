"""The script that brings hello-dd's dashboard and monitors to Datadog, at a stub of its API."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import authority
import pytest
from cryptography.hazmat.primitives import serialization
from rendered import artifacts_of

FOLDER = "observability/datadog/"
HOST = "api.localhost"


class Api:
    """What a Datadog holds: dashboards and monitors by their ids."""

    def __init__(self) -> None:
        self.port = 0
        self.held: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []

    def take(self, method: str, path: str, headers: Any, body: bytes) -> tuple[int, Any]:
        """Make or change a definition, as the real one does."""
        self.asked.append((method, path))
        if (headers["DD-API-KEY"], headers["DD-APPLICATION-KEY"]) != ("one", "two"):
            return 403, {"errors": ["Forbidden"]}
        name = path.removeprefix("/api/v1/")
        if method == "POST":
            name = f"{name}/{len(self.held) + 1}"
        elif name not in self.held:
            return 404, {"errors": ["not found"]}
        self.held[name] = json.loads(body)
        return 200, {"id": name.partition("/")[2]}


@pytest.fixture
def api(tmp_path) -> Iterator[Api]:
    """Serve it over TLS; clients trust `ca.pem`."""
    found = Api()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, said = found.take(self.command, self.path, self.headers, body)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        do_POST = do_PUT = answer  # noqa: N815 - names of the standard library

        def log_message(self, *_: Any) -> None:
            """Nothing: the test's output is the test's."""

    signer, trusted = authority.new_authority()
    key, own = authority.of_hosts([HOST], signer, trusted.subject)
    pem = serialization.Encoding.PEM
    plain = (serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "ca.pem").write_bytes(trusted.public_bytes(pem))
    (tmp_path / "own.pem").write_bytes(key.private_bytes(pem, *plain) + own.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "own.pem")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def folder(tmp_path) -> Path:
    """Write what is rendered."""
    made = tmp_path / "datadog"
    made.mkdir()
    for artifact in artifacts_of("hello-dd", "production"):
        if artifact.path.startswith(FOLDER):
            file = made / artifact.path.removeprefix(FOLDER)
            file.write_text(str(artifact.content))
    (made / "load.sh").chmod(0o755)
    return made


def load(folder: Path, api: Api, key: str = "one") -> subprocess.CompletedProcess[str]:
    env = {
        "PATH": os.environ["PATH"],
        "DD_SITE": f"localhost:{api.port}",
        "DD_API_KEY": key,
        "DD_APP_KEY": "two",
        "CURL_CA_BUNDLE": str(folder.parent / "ca.pem"),
    }
    command = [str(folder / "load.sh")]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=60, check=False)


def test_what_is_not_there_is_made_and_what_is_there_is_changed(api, folder):
    first = load(folder, api)
    assert first.returncode == 0, first.stderr
    assert api.asked == [("POST", "/api/v1/dashboard"), *[("POST", "/api/v1/monitor")] * 2]
    file = folder / "monitor-api-gateway-latency.json"
    file.write_text(file.read_text().replace('"priority": 1', '"priority": 2'))
    second = load(folder, api)
    assert second.returncode == 0, second.stderr
    assert [method for method, _ in api.asked[3:]] == ["PUT"] * 3
    written = [json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))]
    assert list(api.held.values()) == written
    assert sorted(api.held) == ["dashboard/1", "monitor/2", "monitor/3"]


def test_a_refused_key_is_told_and_no_id_is_kept(api, folder):
    refused = load(folder, api, key="wrong")
    assert refused.returncode != 0
    assert "403" in refused.stderr
    assert not (folder / "ids/dashboard").exists()
