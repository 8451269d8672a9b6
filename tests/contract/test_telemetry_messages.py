"""What waits and flows between services, and what they ask of stores, as telemetry has it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from readings import BEGAN, Readings

from tarmac.run.telemetry import messaging, statements
from tarmac.run.telemetry.messaging import Backlog, Flow
from tarmac.run.telemetry.sample import SeriesKey
from tarmac.run.telemetry.span import Span
from tarmac.run.telemetry.statements import Operation
from tarmac.run.telemetry.storage import Storage, reader

PUBLISHED = SeriesKey("outbox_published_total", (("topic", "order.placed"),))
OUTBOX, OLDEST = SeriesKey("outbox_waiting", ()), SeriesKey("outbox_oldest_seconds", ())


def consumed(result: str) -> SeriesKey:
    labels = (("group", "orders"), ("result", result), ("topic", "payment.captured"))
    return SeriesKey("messages_consumed_total", labels)


def messages(state: str) -> SeriesKey:
    return SeriesKey("messages_set_aside", (("state", state),))


@pytest.fixture
def readings(tmp_path: Path) -> Readings:
    return Readings(tmp_path / "telemetry.sqlite")


@pytest.fixture
def stored(readings: Readings) -> Iterator:
    with contextlib.closing(reader(readings.path)) as opened:
        yield opened


def test_instances_of_one_database_are_not_added_up_and_those_that_are_gone_say_nothing(
    readings, stored
):
    readings.read("orders-1", 0, {}, {OUTBOX: 900.0})
    readings.read("orders-2", 60, {}, {OUTBOX: 4.0, OLDEST: 1.5, messages("parked"): 2.0})
    readings.read("orders-3", 61, {}, {OUTBOX: 3.0, OLDEST: 1.0, messages("parked"): 2.0})
    (found,) = messaging.backlogs(stored, BEGAN + 65_000)
    assert found == Backlog("orders", 4.0, 1.5, {"parked": 2.0})
    assert messaging.backlogs(stored, BEGAN + 600_000) == []


def test_messages_are_counted_in_all_and_for_the_last_minute(readings, stored):
    readings.read("orders-1", 1, {PUBLISHED: 0, consumed("ok"): 0})
    readings.read("orders-2", 1, {PUBLISHED: 0})
    readings.read("orders-1", 10, {PUBLISHED: 30, consumed("ok"): 8, consumed("parked"): 1})
    readings.read("orders-2", 10, {PUBLISHED: 30})
    readings.read("orders-1", 200, {PUBLISHED: 90, consumed("ok"): 8, consumed("parked"): 1})
    found = messaging.flows(stored, BEGAN + 210_000)
    assert found == [
        Flow("orders", "order.placed", "", "", 120.0, 1.0),
        Flow("orders", "payment.captured", "orders", "ok", 8.0, 0.0),
        Flow("orders", "payment.captured", "orders", "parked", 1.0, 0.0),
    ]


def test_operations_on_stores_are_those_that_took_the_most_time(readings, stored):
    def span(number: int, name: str, took_ns: int, **attributes: str) -> Span:
        own = bytes([number]) * 8
        at_ns = BEGAN * 1_000_000 + number
        return Span(
            own * 2, own, b"", "orders", "orders-1", name, "client", at_ns, took_ns,
            failed=number == 1, attributes=attributes,
        )  # fmt: skip

    kept = Storage(readings.path)
    kept.add(
        [
            span(1, "INSERT orders", 1_000_000, **{"db.system.name": "postgresql"}),
            span(2, "INSERT orders", 3_000_000, **{"db.system.name": "postgresql"}),
            span(3, "GET cache", 9_000_000, **{"db.system": "redis"}),
            span(4, "GET users", 99_000_000, **{"http.request.method": "GET"}),
        ]
    )
    kept.close()
    assert statements.operations(stored, BEGAN * 1_000_000) == [
        Operation("orders", "GET cache", 1, 0.009, 0.009, 0.009, 0),
        Operation("orders", "INSERT orders", 2, 0.002, 0.003, 0.004, 1),
    ]
    assert statements.operations(stored, BEGAN * 1_000_000 + 10) == []
