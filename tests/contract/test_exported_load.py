"""A drill's load exported for Locust and k6: recorded from a journey, and run by both."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tarmac.drill.file.drill_file import DrillFile
from tarmac.drill.load.process import LoadFailed
from tarmac.drill.load.recorded import scripts
from tarmac.drill.load.recorded.recording import VISITS, record

ROOT = Path(__file__).parents[2]
DRILL: dict[str, Any] = {
    "drill": 1,
    "title": "Many buy",
    "load": {"journey": "buy", "rate": 10, "timeout": "5s", "stages": ({"rate": 30, "for": "2s"},)},
    "hypothesis": {"success": 90, "p99": "30s"},
    "baseline": "1s",
    "recovery": "1s",
}


class Shop:
    """A server that knows its users by what they were given, and its carts by their numbers."""

    def __init__(self) -> None:
        self.emails: set[str] = set()
        self.tokens: set[str] = set()
        self.keys = Counter[str]()
        self.asked: dict[int, int] = {}
        #: Carts by their users' tokens.
        self.carts = Counter[str]()
        self.lines: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def answer(self, method: str, path: str, body: Any, headers: Any) -> tuple[int, dict[str, Any]]:
        with self._lock:
            if path == "/users":
                known, _ = body["email"] in self.emails, self.emails.add(body["email"])
                return (409, {}) if known else (201, {"email": body["email"]})
            if path == "/login":
                token = f"eyJ{uuid.uuid4().hex}.{uuid.uuid4().hex}"
                self.tokens.add(token)
                return (200, {"token": token}) if body["email"] in self.emails else (404, {})
            token = headers.get("Authorization", "").removeprefix("Bearer ")
            if token not in self.tokens:
                return 401, {}
            if path == "/carts":
                self.keys[headers["X-Key"]] += 1
                self.carts[token] += 1
                self.asked[number := len(self.asked) + 1] = 0
                return 201, {"id": number}
            number = int(path.split("/")[2])
            if method == "POST":
                self.lines.append(body)
                return (201, {}) if body["cart_id"] == number else (422, {})
            self.asked[number] += 1
            return 200, {"state": "done" if self.asked[number] > 2 else "open"}


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def url(shop: Shop) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            data = json.loads(body) if body else None
            status, answer = shop.answer(self.command, self.path, data, self.headers)
            sent = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Write no line for each request."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

        def handle_error(self, *_: Any) -> None:
            """Write nothing about connections that a tool leaves open at its end."""

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def journeys(tmp_path: Path) -> Path:
    return Path(shutil.copy(ROOT / "tests/support/buying_journeys.py", tmp_path / "journeys.py"))


def exported(tool: str, journeys: Path, url: str) -> str:
    file = DrillFile.model_validate(DRILL)
    recording = record(journeys, "buy", {"shop": url, "shop:http": url}, 2.0)
    return scripts.export(tool, "shop", "many", file, recording)


def data_of(text: str) -> dict[str, Any]:
    start = text.index("{\n", text.index("LOAD = "))
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text[start:])[0]
    return found


def test_what_differs_in_each_run_becomes_a_variable_and_the_rest_stays(
    journeys: Path, url: str
) -> None:
    data = data_of(exported("k6", journeys, url))
    assert data["urls"] == {"shop": url}
    assert [request["path"] for request in data["before"]] == ["/users", "/login"] * 2
    signed_up, logged_in = data["before"][:2]
    assert signed_up["body"] == logged_in["body"] == '{"email": "ann-${fresh_1}@example.com"}'
    assert list(signed_up["fresh"]) == ["fresh_1"]
    assert not logged_in["fresh"]
    assert logged_in["save"] == {"token_1": ["token"]}
    assert len(data["visits"]) == VISITS
    first, second = data["visits"][:2]
    placed, added, read = first
    assert placed["headers"]["Authorization"] == "Bearer ${token_1}"
    assert second[0]["headers"]["Authorization"] == "Bearer ${token_2}", "the users take turns"
    (key,) = placed["fresh"]
    assert placed["headers"]["X-Key"] == f"${{{key}}}" == added["headers"]["X-Key"]
    (number,) = placed["save"]
    assert placed["save"] == {number: ["id"]}
    assert added["path"] == f"/carts/${{{number}}}/lines"
    assert added["body"] == (
        f'{{"cart_id": ${{{number}}}, "sku": "a-word-that-stays-as-it-is", "quantity": 1}}'
    )
    assert read["path"] == f"/carts/${{{number}}}", "what it polls for is asked for once"


@pytest.mark.parametrize(
    ("journey", "why"),
    [
        ("fails", "sold out"),
        ("nothing", "sends no HTTP requests"),
        ("unknown", "it has: buy, fails, nothing"),
    ],
)
def test_a_journey_that_cannot_be_recorded_is_reported(
    journeys: Path, url: str, journey: str, why: str
) -> None:
    with pytest.raises(LoadFailed, match=why):
        record(journeys, journey, {"shop": url}, 2.0)


def _program(tool: str) -> str:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folders = sorted((cache / "tarmac" / "programs").glob(f"{tool}-*"), reverse=True)
    built = [
        path for home in folders for path in (home / tool, home / "bin" / tool) if path.exists()
    ]
    found = shutil.which(tool) or (str(built[0]) if built else "")
    if not found:
        get = {"k6": "see grafana.com/docs/k6 for one", "locust": ".ci/locust brings one"}[tool]
        pytest.skip(f"this machine has no {tool}; {get}")
    return found


RUN = {
    "k6": ["run", "--quiet", "--no-usage-report", "load.js"],
    "locust": ["-f", "load.py", "--headless", "--only-summary"],
}


@pytest.mark.parametrize("tool", sorted(RUN))
def test_the_tool_itself_makes_the_visits(
    tool: str, journeys: Path, url: str, shop: Shop, tmp_path: Path
) -> None:
    program = _program(tool)
    name = next(word for word in RUN[tool] if word.startswith("load."))
    (tmp_path / name).write_text(exported(tool, journeys, url))
    recorded = shop.carts.total()
    env = {**os.environ, "URL_SHOP": url}
    done = subprocess.run(
        [program, *RUN[tool]], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = shop.carts.total() - recorded
    wanted = sum(rate * seconds for rate, seconds in DrillFile.model_validate(DRILL).stages)
    # Locust begins its users once a second.
    assert 0.5 * wanted < made <= 1.5 * wanted, f"{made} visits of {wanted}"
    assert set(shop.keys.values()) == {1}, "each visit has a key of its own"
    assert len(shop.lines) == shop.carts.total(), "each line goes into a cart of its own visit"
    assert len(shop.carts) == 4, "two users of the recording, two of the run"


@pytest.mark.parametrize("tool", sorted(RUN))
def test_a_limit_that_is_not_kept_fails_the_run(
    tool: str, journeys: Path, url: str, shop: Shop, tmp_path: Path
) -> None:
    program = _program(tool)
    name = next(word for word in RUN[tool] if word.startswith("load."))
    script = exported(tool, journeys, url)
    # As after a change of the service: nothing but the visits' last request is another.
    (tmp_path / name).write_text(script.replace('"GET"', '"POST"'))
    done = subprocess.run(
        [program, *RUN[tool]], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode != 0, done.stdout + done.stderr
