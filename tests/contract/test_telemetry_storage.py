"""Stored spans: listed, found by their trace, shown as a tree, kept within bounds."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tarmac.base.errors import BadInput, TarmacError
from tarmac.run.telemetry import queries, storage
from tarmac.run.telemetry.span import Span
from tarmac.run.telemetry.storage import NewerFile, Retention, Storage

NOW_NS = time.time_ns()


def span(trace: int, number: int, parent: int = 0, *, at_s: float = 0.0, **changes) -> Span:
    given = {
        "service": "orders",
        "instance": "orders-1",
        "name": f"span {number}",
        "kind": "server",
        "started_ns": NOW_NS + int(at_s * 1e9),
        "duration_ns": 1_000_000,
    } | changes
    ids = trace.to_bytes(16), number.to_bytes(8), parent.to_bytes(8) if parent else b""
    return Span(*ids, **given)


def now() -> float:
    """The moment of these spans: the file may have been collected long ago."""
    return NOW_NS / 1e9


@pytest.fixture
def path(tmp_path):
    return tmp_path / "telemetry.sqlite"


@contextlib.contextmanager
def stored(path, *spans: Span):
    with contextlib.closing(Storage(path)) as writer:
        writer.add(spans)
        with contextlib.closing(storage.reader(path)) as found:
            yield found


def test_the_latest_traces_are_listed_newest_first(path):
    spans = [
        span(1, 1, at_s=0),
        span(1, 2, 1, at_s=0.5, service="payments", duration_ns=2_000_000_000, failed=True),
        span(2, 3, at_s=5, name="GET /"),
    ]
    with stored(path, *spans) as found:
        newest, oldest = queries.latest(found, most=10)
        assert (newest.name, newest.spans, newest.services, newest.failed) == ("GET /", 1, 1, 0)
        assert (oldest.name, oldest.service) == ("span 1", "orders")
        assert (oldest.spans, oldest.services, oldest.failed) == (2, 2, 1)
        assert oldest.duration_ns == 2_500_000_000
        assert queries.latest(found, most=1) == [newest]
        assert queries.latest(found, most=10, service="payments") == [oldest]
        assert queries.latest(found, most=10, failed=True) == [oldest]
        assert queries.latest(found, most=10, name="get") == [newest]
        assert queries.latest(found, most=10, name="span", service="payments") == [oldest]
        took_ns = oldest.duration_ns
        assert queries.latest(found, most=10, between_ns=(took_ns, took_ns + 1)) == [oldest]
        assert oldest not in queries.latest(found, most=10, between_ns=(0, took_ns))


def test_a_trace_is_found_by_the_beginning_of_its_id(path):
    with stored(path, span(0xAB << 120, 1), span(0xAC << 120, 2)) as found:
        trace_id, (only,) = queries.trace(found, "ab00")
        assert (trace_id, only.name) == ("ab" + "0" * 30, "span 1")
        for given_id, words in (
            ("dead", "no such trace"),
            ("a", "4 to 32 hexadecimal digits"),
            ("xyz1", "4 to 32 hexadecimal digits"),
        ):
            with pytest.raises(BadInput, match=words):
                queries.trace(found, given_id)
    with (
        stored(path, span(0xAB << 120 | 1, 1)) as found,
        pytest.raises(BadInput, match="several traces"),
    ):
        queries.trace(found, "ab00")


@settings(deadline=None, max_examples=50)  # each makes a file
@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), min_size=1, max_size=15))
def test_every_span_is_in_the_tree_once_below_its_parent(tmp_path_factory, links):
    path = tmp_path_factory.mktemp("tree") / "telemetry.sqlite"
    spans = [span(7, number, parent, at_s=n / 1e3) for n, (number, parent) in enumerate(links)]
    with stored(path, *spans) as found:
        _, tree = queries.trace(found, f"{7:032x}")
    shown = [entry.span_id for entry in tree]
    assert sorted(shown) == sorted({one.span_id.hex() for one in spans})
    depths = {entry.span_id: entry.depth for entry in tree}
    for entry in tree:
        if entry.depth:
            assert depths[entry.parent_id] == entry.depth - 1
            assert shown.index(entry.parent_id) < shown.index(entry.span_id)


def test_a_chain_of_ten_thousand_spans_is_no_recursion(path):
    spans = [span(7, number, number - 1, at_s=number / 1e6) for number in range(1, 10_001)]
    with stored(path, *spans) as found:
        _, tree = queries.trace(found, f"{7:032x}")
    assert [entry.depth for entry in tree] == list(range(10_000))


def test_what_is_too_old_is_deleted_in_steps_and_the_rest_stays(path):
    old = [span(1, number + 1, at_s=-100) for number in range(storage.STEP_ROWS + 5)]
    with contextlib.closing(Storage(path)) as writer:
        writer.add([*old, span(2, 1)])
        steps = [writer.prune(Retention(age_s=50), now=now) for _ in range(3)]
        assert steps == [storage.STEP_ROWS, 5, 0]
        with contextlib.closing(storage.reader(path)) as found:
            assert [trace.spans for trace in queries.latest(found, most=9)] == [1]


def test_a_file_stays_below_its_size_and_keeps_the_newest(path):
    with contextlib.closing(Storage(path)) as writer:
        for batch in range(10):
            writer.add(
                span(batch + 1, number, at_s=batch, attributes={"text": "x" * 200})
                for number in range(1, 1001)
            )
        most = writer.size_bytes // 2
        while writer.prune(Retention(size_bytes=most), now=now):
            pass
        assert 0 < writer.size_bytes <= most
        with contextlib.closing(storage.reader(path)) as found:
            newest = queries.latest(found, most=1)[0]
            assert (int(newest.trace_id, 16), newest.spans) == (10, 1000)


def test_a_file_survives_its_writer_and_is_opened_again(path):
    with stored(path, span(1, 1)):
        pass
    with stored(path, span(1, 2, 1)) as found:
        assert queries.latest(found, most=9)[0].spans == 2


def test_a_file_of_a_newer_version_is_left_alone(path):
    with stored(path, span(1, 1)):
        pass
    with contextlib.closing(sqlite3.connect(path)) as changed:
        changed.execute(f"PRAGMA user_version = {storage.VERSION + 1}")
    with pytest.raises(NewerFile, match="newer Tarmac"):
        Storage(path)
    with pytest.raises(TarmacError, match="has format"):
        storage.reader(path)


def test_without_a_file_a_reader_says_how_to_get_one(path):
    with pytest.raises(TarmacError, match="tarmac up"):
        storage.reader(path)


def test_a_batch_is_written_as_a_whole_or_not_at_all(path):
    bad = span(1, 2, attributes={"x": object()})
    with contextlib.closing(Storage(path)) as writer:
        with pytest.raises(TypeError):
            writer.add([span(1, 1), bad])
        writer.add([span(2, 1)])
        with contextlib.closing(storage.reader(path)) as found:
            assert [int(t.trace_id, 16) for t in queries.latest(found, most=9)] == [2]


def test_a_file_is_closed_once_the_thread_that_uses_it_is_done(path):
    """SQLite crashes a process that closes a connection while a thread runs a statement on it."""
    began, go_on = threading.Event(), threading.Event()
    writer = Storage(path)

    def insert(connection: sqlite3.Connection) -> None:
        began.set()
        assert go_on.wait(20)
        connection.execute("INSERT INTO processes VALUES ('orders', '1', 0, 0)")

    with ThreadPoolExecutor(2) as threads:
        writing = threads.submit(writer.write, insert)
        assert began.wait(20)
        closing = threads.submit(writer.close)
        with pytest.raises(TimeoutError):
            closing.result(0.05)
        go_on.set()
        writing.result(20)
        closing.result(20)
    with contextlib.closing(storage.reader(path)) as found:
        assert found.execute("SELECT count(*) FROM processes").fetchone()[0] == 1
    with pytest.raises(sqlite3.ProgrammingError):
        writer.write(insert)
