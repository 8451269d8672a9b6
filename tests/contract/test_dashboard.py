"""The dashboard's server: its access, and what it answers of a namespace's files."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from tarmac.run.dashboard import logs, recent
from tarmac.run.dashboard.access import Access
from tarmac.run.dashboard.recent import RecentActivity
from tarmac.run.dashboard.server import STATIC, routes
from tarmac.run.local.state.paths import Home
from tarmac.run.local.state.state import NodeState, StateFile
from tarmac.run.telemetry.readings import ReadingLog
from tarmac.run.telemetry.sample import UP, Reading, SeriesKey
from tarmac.run.telemetry.span import Span
from tarmac.run.telemetry.storage import Storage
from tarmac_kit_testing.inprocess import InProcess

TOKEN, COOKIE = "a-token-of-this-test", "tarmac-4318"
OWN = {"host": "127.0.0.1:4318"}
ADMITTED = {**OWN, "cookie": f"{COOKIE}={TOKEN}"}
TRACE = bytes(range(16))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.logs.mkdir()
    state = StateFile(made.state)
    state.set_meta(system="shop", file=str(tmp_path / "tarmac.yaml"), namespace="default")
    state.put(NodeState("orders", "service", "takes orders", state="healthy", since=1.0))
    state.put(NodeState("db", "store", "PostgreSQL", state="starting", since=1.0))
    state.close()
    storage = Storage(made.telemetry)
    order = Span(TRACE, b"1" * 8, b"", "orders", "orders", "POST /orders", "server", 10**18, 5_000)
    insert = replace(order, span_id=b"2" * 8, parent_id=b"1" * 8, name="INSERT", failed=True)
    storage.add([order, insert])
    storage.close()
    return made


@pytest.fixture
def app(home: Home) -> InProcess:
    return InProcess(Starlette(routes=routes(home, Access(TOKEN, COOKIE))))


def paths(app: InProcess) -> list[tuple[str, str]]:
    """Every route that shows or does something, but for the files of the page itself."""
    return [
        (method, route.path.replace("{id}", TRACE.hex()).replace("{name}", "orders"))
        for route in app.app.routes
        if isinstance(route, Route) and not route.path.startswith("/static/")
        for method in route.methods or ()
    ]


async def test_nothing_is_shown_or_done_without_the_token(app: InProcess) -> None:
    asked = paths(app)
    assert len(asked) > 10
    own = {**OWN, "origin": "http://127.0.0.1:4318"}
    for cookie in ({}, {"cookie": f"{COOKIE}=another"}, {"cookie": f"tarmac-1={TOKEN}"}):
        answers = [await app.request(*route, headers={**own, **cookie}) for route in asked]
        assert {answer.status for answer in answers} == {401}
    assert (await app.get("/?token=another", headers=OWN)).status == 401


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("GET", {"host": "localhost:4318"}, 200),
        ("GET", {"host": "[::1]:4318"}, 200),
        ("GET", {"host": "shop.localhost:4318"}, 200),
        ("GET", {"host": "rebound.example:4318"}, 421),
        ("GET", {"host": "127.0.0.1.rebound.example"}, 421),
        ("GET", {"host": ""}, 421),
        ("GET", {"host": "rebound.example@localhost"}, 400),
        ("GET", {"host": "rebound.example/@localhost"}, 400),
        ("GET", {"host": "rebound.example?x=@localhost"}, 400),
        ("GET", {"host": "localhost/rebound.example"}, 400),
        ("GET", {"host": "localhost#rebound.example"}, 400),
        ("GET", {"host": "rebound.example\\@localhost"}, 400),
        ("GET", {"origin": "http://127.0.0.1:4318"}, 200),
        ("GET", {"origin": "http://127.0.0.1:9"}, 403),
        ("GET", {"origin": "null"}, 403),
        ("POST", {"origin": "http://127.0.0.1:4318"}, 404),  # nothing runs that could be restarted
        ("POST", {"origin": "http://127.0.0.1:9"}, 403),
        ("POST", {}, 403),
    ],
)
async def test_only_pages_of_its_own_ask_it(app: InProcess, method, headers, status) -> None:
    path = "/api/system" if method == "GET" else "/api/restart/orders"
    answer = await app.request(method, path, headers={**ADMITTED, **headers})
    assert answer.status == status, answer.body


@pytest.mark.parametrize("path", ["/static/app.js", "/"])
async def test_other_names_are_refused_without_asking_for_a_token(app: InProcess, path) -> None:
    assert (await app.get(path, headers={"host": "rebound.example"})).status == 421


@pytest.mark.parametrize("digits", [30, 5_000])
@pytest.mark.parametrize(
    "question",
    [
        *("traces?most=", "traces?least_us=", "traces?below_us=", "traces?from=1&to="),
        *("metrics?minutes=", "metrics?from=1&to=", "logs?last="),
        "timeline?most=",
    ],
)
async def test_numbers_of_any_length_are_answered(app: InProcess, question, digits) -> None:
    answer = await app.get(f"/api/{question}{'9' * digits}", headers=ADMITTED)
    assert answer.status == 200, answer.body


async def test_stores_are_asked_for_about_any_time(app: InProcess) -> None:
    answer = await app.get(f"/api/stores?minutes={'9' * 30}", headers=ADMITTED)
    assert answer.status == 404
    assert "the supervisor does not answer" in answer.json()["error"]  # the spans were read


async def test_the_link_becomes_a_cookie_that_scripts_cannot_read(app: InProcess) -> None:
    answer = await app.get(f"/?token={TOKEN}", headers=OWN)
    assert (answer.status, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}={TOKEN}")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = await app.get("/", headers=ADMITTED)
    assert page.status == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_its_files_are_those_of_its_folder(app: InProcess) -> None:
    script = await app.get("/static/app.js", headers=OWN)
    assert script.status == 200
    assert "javascript" in script.headers["content-type"]
    known = {**OWN, "if-none-match": script.headers["etag"]}
    assert (await app.get("/static/app.js", headers=known)).status == 304
    for path in ("/static/../server.py", "/static/%2e%2e/server.py", "/static/vendor/..%2f..%2f"):
        assert (await app.get(path, headers=OWN)).status == 404, path
    assert STATIC.is_dir()


async def test_the_system_and_its_traces_are_data(app: InProcess) -> None:
    system = (await app.get("/api/system", headers=ADMITTED)).json()
    assert [(node["name"], node["state"]) for node in system["nodes"]] == [
        ("orders", "stopped"),  # nothing holds the namespace's lock
        ("db", "stopped"),
    ]
    events = (await app.get("/api/timeline", headers=ADMITTED)).json()["events"]
    assert [(event["node"], event["state"]) for event in events] == [
        ("orders", "healthy"),
        ("db", "starting"),
    ]
    (found,) = (await app.get("/api/traces?failed=true", headers=ADMITTED)).json()["traces"]
    assert (found["name"], found["spans"], found["failed"]) == ("POST /orders", 2, 1)
    trace = (await app.get(f"/api/traces/{found['trace_id'][:8]}", headers=ADMITTED)).json()
    assert [span["depth"] for span in trace["spans"]] == [0, 1]


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/api/traces/xyz", "is not a trace id"),
        ("/api/traces/ffff", "no such trace"),
        ("/api/logs?trace=xyz", "is not a trace id"),
        ("/api/logs?cursor=[{},1e999]", "does not come from an earlier answer"),
        ("/api/logs?cursor=%7B", "does not come from an earlier answer"),
        ("/api/logs?cursor=%7B%22orders%22%3A1%7D", "does not come from an earlier answer"),
    ],
)
async def test_an_invalid_request_is_answered_with_the_reason(app, path, words) -> None:
    answer = await app.get(path, headers=ADMITTED)
    assert answer.status == 400
    assert words in answer.json()["error"]


def write(home: Home, name: str, *lines: str, mode: str = "a") -> None:
    with (home.logs / f"{name}.log").open(mode) as log:
        log.writelines(f"{line}\n" for line in lines)


def said(found: dict) -> list[tuple[str, str, str]]:
    return [(line["name"], line["level"], line["said"]) for line in found["lines"]]


def test_log_lines_come_once_and_in_order(home: Home) -> None:
    write(home, "orders", "2026-01-01T00:00:01Z one", '2026-01-01T00:00:03Z {"event": "three"}')
    write(home, "db", "2026-01-01T00:00:02Z two")
    first = logs.read(home)
    assert said(first) == [("orders", "", "one"), ("db", "", "two"), ("orders", "", "three")]
    with (home.logs / "orders.log").open("a") as log:
        log.write("2026-01-01T00:00:04Z fo")
    second = logs.read(home, cursor=first["cursor"])
    assert said(second) == []
    write(home, "orders", "ur")
    third = logs.read(home, cursor=second["cursor"])
    assert said(third) == [("orders", "", "four")]
    (home.logs / "orders.log").rename(home.logs / "orders.log.1")
    write(home, "orders", "2026-01-01T00:00:05Z after it was rotated")
    assert said(logs.read(home, cursor=third["cursor"])) == [("orders", "", "after it was rotated")]


@pytest.mark.parametrize(
    ("fields", "level", "text"),
    [
        ({"level": "warning", "event": "slow", "took_s": 3}, "warning", "slow"),
        ({"severity": "ERROR", "message": "lost"}, "error", "lost"),
        ({"level": 40, "msg": "pino"}, "warning", "pino"),
        ({"levelname": "CRITICAL", "message": "over"}, "error", "over"),
        ({"event": ""}, "", '{"event": ""}'),
        ({"event": {"a": 1}}, "", '{"event": {"a": 1}}'),
    ],
)
def test_levels_and_messages_of_many_loggers_are_known(home, fields, level, text) -> None:
    write(home, "orders", f"2026-01-01T00:00:01Z {json.dumps(fields)}")
    assert said(logs.read(home)) == [("orders", level, text)]


def test_a_traces_lines_are_found_however_old_they_are(home: Home) -> None:
    ours = json.dumps({"event": "ours", "trace_id": TRACE.hex(), "order": 7})
    write(home, "orders", f"2026-01-01T00:00:01Z {ours}")
    write(home, "orders", *(f"2026-01-01T00:00:02Z {number}" for number in range(2_000)))
    (line,) = logs.read(home, trace=TRACE.hex()[:8])["lines"]
    assert (line["said"], line["fields"], line["trace"]) == ("ours", {"order": 7}, TRACE.hex())


def test_what_is_too_much_for_one_answer_is_counted(home: Home) -> None:
    cursor = logs.read(home)["cursor"]
    write(home, "orders", *("2026-01-01T00:00:02Z x" for _ in range(logs.MOST_LINES + 5)))
    found = logs.read(home, cursor=cursor)
    assert (len(found["lines"]), found["left_out"]) == (logs.MOST_LINES, 5)


def test_lines_of_one_node_are_read_alone(home: Home) -> None:
    write(home, "orders", "2026-01-01T00:00:01Z ours")
    write(home, "db", "2026-01-01T00:00:02Z another's")
    assert said(logs.read(home, node="orders")) == [("orders", "", "ours")]


async def names(app: InProcess, query: str) -> list[str]:
    answer = await app.get(f"/api/traces?{query}", headers=ADMITTED)
    return [trace["name"] for trace in answer.json()["traces"]]


@pytest.fixture
def visited(home: Home) -> None:
    """Add a page's file, one that failed, and a message, one second after each other."""
    storage = Storage(home.telemetry)
    for number, (name, kind, failed) in enumerate(
        [
            ("GET /static/{name}", "server", False),
            ("GET /static/{name}", "server", True),
            ("order.placed", "consumer", False),
        ],
        start=1,
    ):
        began = 10**18 + number * 10**9
        own = bytes([number]) * 16
        span = Span(own, own[:8], b"", "orders", "orders", name, kind, began, 5_000, failed=failed)
        storage.add([span])
    storage.close()


@pytest.mark.usefixtures("visited")
async def test_traces_are_listed_by_kind_and_time_without_files_that_were_fine(app) -> None:
    assert await names(app, "") == ["order.placed", "GET /static/{name}", "POST /orders"]
    assert len(await names(app, "all=true")) == 4
    assert await names(app, "kind=message") == ["order.placed"]
    first_ms = 10**12
    assert await names(app, f"from={first_ms - 1}&to={first_ms + 500}") == ["POST /orders"]
    assert await names(app, f"from=1&to={'9' * 30}&kind=request&failed=true") == [
        "GET /static/{name}",
        "POST /orders",
    ]


async def test_failures_are_told_once_with_their_cause_and_their_number(
    app: InProcess, home: Home
) -> None:
    lost = json.dumps({"level": "error", "event": "lost", "error": "Trace\nOSError: disk full"})
    write(home, "orders", "2026-01-01T00:00:01Z plain", f"2026-01-01T00:00:02Z {lost}")
    write(home, "orders", f"2026-01-01T00:00:03Z {lost}")
    (line, trace) = (await app.get("/api/failures", headers=ADMITTED)).json()
    assert (line["service"], line["what"], line["count"]) == ("orders", "lost", 2)
    assert line["cause"] == "OSError: disk full"
    assert (trace["what"], trace["cause"]) == ("POST /orders", "orders: INSERT")
    assert trace["trace"] == TRACE.hex()
    write(home, "orders", f"2026-01-01T00:00:04Z {lost}")
    (line, _) = (await app.get("/api/failures", headers=ADMITTED)).json()
    assert line["count"] == 3


async def test_what_every_service_did_is_one_answer(app: InProcess, home: Home) -> None:
    now_ms = time.time_ns() // 1_000_000
    storage = Storage(home.telemetry)
    readings = ReadingLog(storage)
    for ago_s, count in ((120, 0), (60, 30)):
        counters = {
            SeriesKey("http_requests_total", (("route", "/orders"), ("status", status))): value
            for status, value in (("200", 2.0 * count), ("503", 1.0 * count))
        } | {SeriesKey("process_cpu_seconds_total", ()): 1.0 * count}
        at_ms = now_ms - ago_s * 1000
        began_at = now_ms / 1000 - 300
        gauges = {UP: 1.0}
        readings.add(Reading("orders", "orders", at_ms, began_at, counters, gauges))
    storage.close()
    answer = (await app.get("/api/activity", headers=ADMITTED)).json()
    orders = answer["services"]["orders"]
    step_s = (answer["ends_ms"][1] - answer["ends_ms"][0]) / 1000
    known = {key: [one for one in values if one is not None] for key, values in orders.items()}
    assert sum(known["requests_per_s"]) * step_s == pytest.approx(90)
    assert sum(known["failed_per_s"]) * step_s == pytest.approx(30)
    assert sum(known["cpu_share"]) * step_s == pytest.approx(30)
    assert orders["requests_per_s"][0] is None  # it did not run yet


def test_steps_that_are_over_are_read_once_and_move_on(home: Home) -> None:
    storage = Storage(home.telemetry)
    readings = ReadingLog(storage)
    now_ms = 1_700_000_000_000

    def read(ago_s: int, count: float) -> None:
        counters = {SeriesKey("process_cpu_seconds_total", ()): count}
        at_ms = now_ms - ago_s * 1000
        readings.add(Reading("orders", "orders", at_ms, now_ms / 1000 - 2000, counters, {UP: 1.0}))

    for ago_s, count in ((890, 0), (800, 9), (100, 12), (10, 20)):
        read(ago_s, count)
    remembered = RecentActivity(home)
    remembered.latest(now_ms)
    for passed_s, count in ((5, 25), (70, 40)):
        read(-passed_s, count)
        later_ms = now_ms + passed_s * 1000 + recent.STEP_MS
        moved, anew = (one.latest(later_ms) for one in (remembered, RecentActivity(home)))
        assert moved == anew
        assert len(moved["services"]["orders"]["cpu_share"]) == len(moved["ends_ms"])
    storage.close()
