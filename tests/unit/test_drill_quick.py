"""The quick set: which drills a system gets that nobody wrote any for, and what visits them."""

from __future__ import annotations

import contextlib
import datetime as dt
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from free_ports import free_port

from tarmac.base.foreign import files
from tarmac.base.target import Edge, Instance
from tarmac.drill import quick
from tarmac.drill.drill import Check, DrillResult, Verdict
from tarmac.drill.load import front_pages
from tarmac.model.loader import load

ROOT = Path(__file__).parents[2]


class System:
    """A target with a service of two instances, a store, a task and an entry."""

    def instances(self) -> tuple[Instance, ...]:
        return (
            Instance("orders-db", "store", "healthy", 1, 0),
            Instance("orders", "service", "healthy", 2, 0),
            Instance("orders.2", "service", "healthy", 3, 0),
            Instance("orders.migrate", "task", "done", None, 0),
            Instance("elsewhere", "service", "outside", None, 0),
            Instance("entry", "entry", "healthy", 4, 0),
        )

    def edges(self) -> tuple[Edge, ...]:
        return (
            Edge("world->orders:http", "world", "orders"),
            Edge("orders->orders-db:main", "orders", "orders-db"),
        )


def test_each_process_is_killed_and_each_edge_is_slow():
    target: Any = System()
    found = dict(quick.drills(target, quick.QuickVisits(Path("j.py"), "look", 5)))
    assert list(found) == ["kill orders-db", "kill orders", "slow orders -> orders-db"]
    assert {drill.load.journey for drill in found.values()} == {"look"}
    (step,) = found["slow orders -> orders-db"].method
    assert (step.fault, step.on, step.delay) == ("latency", "orders -> orders-db", 0.2)


def test_visitors_do_what_the_system_s_drills_say_or_look_at_front_pages(tmp_path):
    shop = load(str(ROOT / "systems/shop/tarmac.yaml"), files.content)
    assert quick.visits(shop) == quick.QuickVisits(ROOT / "systems/shop/journeys.py", "order", 5)
    path = tmp_path / "tarmac.yaml"
    path.write_text("tarmac: 1\nsystem: small\nservices: {web: {run: [serve], port: 8000}}\n")
    found = quick.visits(load(str(path), files.content))
    assert (found.journeys.name, found.journey) == ("front_pages.py", "front-pages")


def test_a_set_is_as_bad_as_the_worst_that_showed_something():
    good = DrillResult((Check("hypothesis", "x", True, "y"),), recovered_s=1.0)
    bad = DrillResult((Check("hypothesis", "x", False, "y"),))
    nothing = DrillResult((Check("fault", "was there", False, "no traffic"), *bad.checks))
    shop = load(str(ROOT / "systems/shop/tarmac.yaml"), files.content)

    def verdict(*results: DrillResult) -> str:
        named = [(f"{number}", result) for number, result in enumerate(results)]
        return str(quick.as_data(shop, named, dt.datetime.now(dt.UTC))["verdict"])

    assert verdict(good, nothing) == Verdict.PASS
    assert verdict(good, nothing, bad) == Verdict.FAIL
    assert verdict(nothing) == Verdict.INVALID
    assert quick.deciding(nothing) == "was there: no traffic"
    assert quick.deciding(good) == "visits as before after 1.0 s"


class Running:
    """A copy that comes back from what it is put through, or does not."""

    kind = "local"

    def __init__(self, healthy: bool) -> None:
        self.healthy = healthy

    def status(self) -> Running:
        return self

    @contextlib.contextmanager
    def target(self, _urls: Any) -> Iterator[Any]:
        yield Drilled()

    @contextlib.contextmanager
    def counting(self, _names: Any) -> Iterator[None]:
        yield None


class Drilled(System):
    """The target of a copy, with all that a quick set needs."""

    def __getattr__(self, _name: str) -> Any:
        return lambda *_args, **_options: {}


@pytest.mark.parametrize(("healthy", "copies"), [(True, 1), (False, 3)])
def test_a_copy_that_a_drill_has_broken_is_replaced_for_the_next(monkeypatch, healthy, copies):
    started, said = [], []

    @contextlib.contextmanager
    def copy(*_: Any) -> Iterator[Running]:
        started.append(True)
        yield Running(healthy)

    bad = DrillResult((Check("hypothesis", "x", False, "y"),))
    monkeypatch.setattr(quick.session, "system_to_drill", copy)
    monkeypatch.setattr(quick.running_system, "steady_state", lambda *_: None)
    monkeypatch.setattr(quick, "_result", lambda _context: bad)
    shop = load(str(ROOT / "systems/shop/tarmac.yaml"), files.content)
    found = quick.carry_out(shop, ROOT, said.append, quick.session.ON_A_COPY)
    assert [name for name, _ in found] == [
        "kill orders-db",
        "kill orders",
        "slow orders -> orders-db",
    ]
    assert len(started) == copies


@contextlib.contextmanager
def serving(statuses: list[int]) -> Iterator[str]:
    """Serve these statuses in turn, the last one for ever."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_front_page_that_is_not_there_is_served_and_an_error_is_not():
    nobody = f"http://127.0.0.1:{free_port()}"
    with serving([404, 404, 503]) as orders, serving([500]) as grpc:
        urls = {"orders": orders, "orders:http": orders, "grpc": grpc, "nobody": nobody}
        async with front_pages.front_pages(urls) as visit:
            await visit()
            with pytest.raises(RuntimeError, match="/: 503"):
                await visit()


async def test_a_system_without_a_page_needs_a_journey():
    with pytest.raises(RuntimeError, match="write a journey"):
        async with front_pages.front_pages({}):
            pass
