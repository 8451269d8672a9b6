"""What every service does, whichever it is: started alone as a process, by its service.yaml.

Found by walking the folders: a new service is held to it without a line here. Around it are real
stores, a mail server, and a neighbour that knows the keys and otherwise answers that it is away.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import asyncpg
import pytest
import schemathesis
import yaml
from free_ports import free_port
from hypothesis import HealthCheck, Phase, given, settings

from tarmac_kit_testing import AUDIENCE, ISSUER, issue_token, issuer

pytestmark = pytest.mark.servers

HERE = Path(__file__).parent
PARTS = {
    path.parent.name: yaml.safe_load(path.read_text())
    for path in sorted(HERE.glob("*/service.yaml"))
}
#: Those that run on the kit; the others are programs of other projects.
KIT = {name: part for name, part in PARTS.items() if part.get("package")}
STAFF = issue_token("5eed0000-0000-4000-8000-0000000000aa", roles=["staff"])
#: What a service cannot guess of its system.
GIVEN = {
    "JWT_ISSUER": ISSUER,
    "JWT_AUDIENCE": AUDIENCE,
    "ROUTES": "/api/things=things/things",
    "THINGS_URL": "{neighbour}",
    "API_URL": "{neighbour}",
    "JWKS_URL": "{neighbour}/jwks.json",
}


class Neighbour(BaseHTTPRequestHandler):
    """Plays every service that the one under test calls."""

    def answer(self) -> None:
        keys = self.path == "/jwks.json"
        body = issuer().jwks() if keys else {"code": "away", "status": 503, "title": "Away"}
        content = json.dumps(body).encode()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200 if keys else 503)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def neighbour() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Neighbour)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def mail() -> Iterator[str]:
    port = free_port()
    argv = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{port}"]
    with subprocess.Popen(argv, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(lambda: bool(socket.create_connection(("127.0.0.1", port), 1).close() or 1))
            yield f"smtp://127.0.0.1:{port}"
        finally:
            server.terminate()


def wait_for(look: Any, within_s: float = 30.0) -> None:
    """Wait until `look` is true; what it raises means not yet."""
    ends_at = time.monotonic() + within_s
    while True:
        with contextlib.suppress(OSError):
            if look():
                return
        assert time.monotonic() < ends_at, "it does not come up"
        time.sleep(0.02)


@dataclass
class Service:
    """A running service."""

    name: str
    url: str
    process: subprocess.Popen[bytes]
    log: Path


async def _database(postgres: Any) -> str:
    url = f"postgresql://postgres@127.0.0.1:{postgres.port}"
    name = f"every{uuid4().hex[:12]}"
    connection = await asyncpg.connect(f"{url}/postgres")
    await connection.execute(f"create database {name}")
    await connection.close()
    return f"{url}/{name}"


def environment(name: str, port: int, stores: dict[str, str], neighbour: str) -> dict[str, str]:
    """Make up what a service needs, from its own words."""
    part = KIT[name]
    env = {"SERVICE_NAME": name, "HOST": "127.0.0.1", "PORT": str(port), "DRAIN_DELAY_S": "3"}
    env |= {"BCRYPT_COST": "4", "PATH": os.environ["PATH"]}
    for slot in part.get("slots", {}).values():
        if slot["kind"] in stores:
            env[slot["env"]] = stores[slot["kind"]]
    for role in part.get("calls", {}):
        env[f"{role.upper().replace('-', '_')}_URL"] = neighbour
    for secret in part.get("secrets", {}):
        env[secret] = secrets.token_hex(16)
    env |= {key: value.format(neighbour=neighbour) for key, value in GIVEN.items()}
    required = {key for key, setting in part.get("settings", {}).items() if setting.get("required")}
    assert not required - env.keys(), f"give {sorted(required - env.keys())} above"
    return env


@contextlib.contextmanager
def started(name: str, env: dict[str, str], log: Path) -> Iterator[Service]:
    argv = [sys.executable, "-m", "tarmac_kit.serve", KIT[name]["package"]]
    with (
        log.open("wb") as output,
        subprocess.Popen(argv, env=env, stdout=output, stderr=output) as p,
    ):
        try:
            yield Service(name, f"http://127.0.0.1:{env['PORT']}", p, log)
        finally:
            if p.poll() is None:
                p.kill()


@pytest.fixture(scope="module", params=KIT)
def service(request, postgres, mail, neighbour, tmp_path_factory) -> Iterator[Service]:
    name = request.param
    database = asyncio.run(_database(postgres))
    # No cache: each has to do without.
    stores = {"postgres": database, "mongodb": database, "mail": mail}
    log = tmp_path_factory.mktemp(name) / "log"
    env = environment(name, free_port(), stores, neighbour)
    if name in NEEDS_MORE:
        pytest.skip(NEEDS_MORE[name])
    with started(name, env, log) as found:
        try:
            wait_for(lambda: status(f"{found.url}/health/ready") == 200)
        except AssertionError:
            pytest.fail(f"{name} does not get ready:\n{log.read_text()[-3000:]}")
        yield found


#: Those that wait for something which only a system has; their own tests start them.
NEEDS_MORE = {"capture": "it waits for the publications of the service that writes the tables"}


def get(url: str, *, method: str = "GET", body: bytes | None = None, **headers: str) -> Any:
    async def ask() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, data=body, headers=headers) as answer,
        ):
            return answer.status, dict(answer.headers), await answer.text()

    try:
        return asyncio.run(ask())
    except aiohttp.ClientConnectionError as error:
        raise OSError(str(error)) from error


def status(url: str) -> int:
    found: int = get(url)[0]
    return found


def test_it_starts_alone_and_answers_for_its_health(service):
    for path in ("/health", "/health/live"):
        code, _, text = get(f"{service.url}{path}")
        assert (code, json.loads(text)) == (200, {"status": "ok"})
    code, _, text = get(f"{service.url}/health/ready")
    assert (code, json.loads(text)["status"]) == (200, "ready")
    assert get(f"{service.url}/health", method="POST")[0] == 405


def test_its_metrics_have_the_names_and_labels_that_dashboards_ask_for(service):
    get(f"{service.url}/nowhere-{uuid4()}")
    _, headers, text = get(f"{service.url}/metrics")
    assert headers["Content-Type"].startswith("text/plain")
    requests = re.findall(r"^http_requests_total\{(.*)\} ", text, re.MULTILINE)
    assert requests
    labels = {tuple(sorted(re.findall(r'(\w+)="', request))) for request in requests}
    assert labels == {("method", "route", "service", "status")}
    assert f'service="{service.name}"' in requests[0]
    assert re.search(r'^http_request_duration_seconds_bucket\{.*le="0\.2"', text, re.MULTILINE)
    # A path that has no route is one label, for every caller.
    assert not re.search(r'route="/nowhere-', text)


def test_its_errors_are_problem_documents(service):
    code, headers, text = get(f"{service.url}/nowhere", Accept="application/json")
    if code == 404:
        assert headers["Content-Type"].startswith("application/problem+json")
        problem = json.loads(text)
        assert problem["status"] == 404
        assert {"type", "title", "code", "instance"} <= problem.keys()
    else:  # a service that has routes of its own for every path says so by its own status
        assert code in (401, 503)


@pytest.fixture(scope="module")
def document(service) -> dict[str, Any]:
    code, _, text = get(f"{service.url}/openapi.json")
    assert code == 200
    found: dict[str, Any] = json.loads(text)
    return found


def test_its_document_is_valid_and_nothing_that_fits_it_is_a_500(service, document):
    streams = {
        path
        for path, operations in document["paths"].items()
        if "text/event-stream" in json.dumps(operations)
    }
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    asked = 0
    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.path in streams:
            continue
        asked += 1
        fuzz(service, operation)
    assert asked or not document["paths"].keys() - streams


def fuzz(service: Service, operation: Any) -> None:
    """Ask an operation for whatever its document allows, as staff."""

    @settings(
        max_examples=6,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        answer = case.call(
            base_url=service.url,
            headers={"Authorization": f"Bearer {STAFF}", "Connection": "close"},
        )
        assert answer.status_code != 500, f"{operation.label}: {answer.text[:500]}"
        if answer.status_code >= 400:
            kind = answer.headers.get("content-type", [""])[0]
            assert kind.startswith("application/problem+json"), f"{operation.label}: {kind}"

    ask()


def test_on_sigterm_it_drains_and_not_one_request_fails(service):
    """The last of a service's tests: it ends it."""

    async def asking(stop: asyncio.Event, answers: list[int]) -> None:
        async with aiohttp.ClientSession() as session:
            while not stop.is_set():
                async with session.get(f"{service.url}/health") as answer:
                    await answer.read()
                    answers.append(answer.status)

    async def watching(stop: asyncio.Event) -> None:
        # As a balancer does: a service that is not ready gets no new request.
        async with aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{service.url}/health/ready") as answer:
                    if answer.status == 503:
                        assert "draining" in await answer.text()
                        stop.set()
                        return
                await asyncio.sleep(0.01)

    async def load() -> list[int]:
        stop, answers = asyncio.Event(), []
        async with asyncio.timeout(20), asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(asking(stop, answers))
            group.create_task(watching(stop))
            while len(answers) < 50:  # noqa: ASYNC110 - the load is what is waited for
                await asyncio.sleep(0.01)
            service.process.send_signal(signal.SIGTERM)
        return answers

    answers = asyncio.run(load())
    assert set(answers) == {200}
    assert service.process.wait(20) == 0
