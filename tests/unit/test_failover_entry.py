"""What visitors of two regions come through: where it leads them, and when a check gives one up."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from tarmac.drill.running import failover_entry, health_check
from tarmac.drill.running.failover_entry import FailoverEntry
from tarmac.drill.running.health_check import HealthCheck, is_well

WAIT_S = 60.0


class Server(ThreadingHTTPServer):
    """Answers with its name, on connections that stay open; what is asked may be held."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        self.name, self.status = name, 200
        self.asked, self.free = threading.Event(), threading.Event()
        self.free.set()
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of a visitor that left."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.set()
        self.server.free.wait(WAIT_S)
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(self.server.name)))
        self.end_headers()
        self.wfile.write(self.server.name.encode())

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(name: str) -> Iterator[Server]:
    with Server(name) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,)).start()
        try:
            yield server
        finally:
            server.free.set()
            server.shutdown()


@pytest.fixture
def regions():
    with serving("first") as first, serving("second") as second:
        yield first, second


@pytest.fixture
def entry(regions):
    urls = [{"web": server.url, "web:main": server.url} for server in regions]
    with FailoverEntry(urls) as found:
        yield found


@contextlib.contextmanager
def visiting(url: str) -> Iterator[http.client.HTTPConnection]:
    visitor = http.client.HTTPConnection(urlsplit(url).netloc, timeout=WAIT_S)
    with contextlib.closing(visitor):
        yield visitor


def asked(visitor: http.client.HTTPConnection) -> str:
    visitor.request("GET", "/")
    return visitor.getresponse().read().decode()


def test_visitors_of_a_lost_region_come_to_the_other_with_their_next_connection(entry):
    assert entry.urls["web"] == entry.urls["web:main"]
    with visiting(entry.urls["web"]) as visitor:
        assert [asked(visitor), asked(visitor)] == ["first", "first"]
        entry.turn_to(1, breaks=True)
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            asked(visitor)
        visitor.close()
        assert asked(visitor) == "second"


def test_a_visitor_that_waits_goes_on_with_the_same_connection(entry):
    with visiting(entry.urls["web"]) as visitor:
        assert asked(visitor) == "first"
        own = visitor.sock
        entry.hold()
        visitor.request("GET", "/")
        entry.turn_to(1)
        assert visitor.getresponse().read() == b"second"
        assert visitor.sock is own


def test_it_holds_only_once_what_is_under_way_was_answered(entry, regions, monkeypatch):
    monkeypatch.setattr(failover_entry, "QUIET_S", 0.01)
    first, _ = regions
    with visiting(entry.urls["web"]) as visitor, visiting(entry.urls["web"]) as other:
        first.free.clear()
        visitor.request("GET", "/")
        assert first.asked.wait(WAIT_S)
        held = threading.Event()
        holding = threading.Thread(target=lambda: (entry.hold(), held.set()))
        holding.start()
        other.request("GET", "/")
        assert not held.wait(0.1)
        first.free.set()
        assert visitor.getresponse().read() == b"first"
        assert held.wait(WAIT_S)
        holding.join()
        entry.turn_to(1)
        assert other.getresponse().read() == b"second"


def test_a_region_where_nothing_listens_closes_the_connection(entry, regions):
    regions[0].shutdown()
    regions[0].server_close()
    with (
        visiting(entry.urls["web"]) as visitor,
        pytest.raises((ConnectionError, http.client.RemoteDisconnected)),
    ):
        asked(visitor)


def test_what_answers_without_a_failure_is_well(regions):
    first, _ = regions
    assert is_well(f"{first.url}/health/ready")
    first.status = 503
    assert not is_well(f"{first.url}/health/ready")
    first.status = 200
    first.free.clear()
    assert not is_well(f"{first.url}/health/ready", within_s=0.05)
    first.shutdown()
    first.server_close()
    assert not is_well(f"{first.url}/health/ready")


def test_only_failures_in_a_row_give_a_region_up(monkeypatch):
    answers, given_up = iter([True, False, False, True, False, False, False]), threading.Event()
    monkeypatch.setattr(health_check, "is_well", lambda _url, _within_s: next(answers))
    check = HealthCheck("", interval_s=0.001, failures=3, give_up=given_up.set)
    with check.checking():
        assert given_up.wait(WAIT_S)
    assert next(answers, "all were asked") == "all were asked"
    assert check.first_failed_at <= check.given_up_at


def test_a_check_that_is_over_gives_nothing_up(monkeypatch):
    first = threading.Event()
    monkeypatch.setattr(health_check, "is_well", lambda _url, _within_s: bool(first.set()))
    check = HealthCheck("", interval_s=0.001, failures=10**9, give_up=pytest.fail)
    with check.checking():
        assert first.wait(WAIT_S)
    assert check.given_up_at is None
