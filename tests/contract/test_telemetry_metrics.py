"""Metrics as they are read from real endpoints: counted once, whatever restarts meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from waiting import until

from tarmac.plan import scrape
from tarmac.plan.scrape import ScrapeTarget
from tarmac.run.telemetry import exposition, metrics, samples, storage
from tarmac.run.telemetry.exposition import UnreadableMetrics
from tarmac.run.telemetry.sample import Sample, SeriesKey, increases
from tarmac.run.telemetry.scraper import Scraper
from tarmac.run.telemetry.storage import Storage

REQUESTS = "http_requests_total"


class Instance:
    """An instance of a service that can be killed and started again on its port."""

    def __init__(self) -> None:
        self.server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def start(self, age_s: float = 0.0) -> None:
        registry = CollectorRegistry()
        began = Gauge("process_start_time_seconds", "Since when it runs.", registry=registry)
        began.set(time.time() - age_s)
        self.requests = Counter("http_requests", "Requests.", ["status"], registry=registry)
        self.duration = Histogram("duration", "Seconds.", buckets=(0.1, 1), registry=registry)
        self.open = Gauge("open", "Requests in flight.", registry=registry)
        #: How often it was read.
        self.reads = 0
        instance = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = generate_latest(registry)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)
                instance.reads += 1

            def log_message(self, *_args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.01,)).start()

    def kill(self) -> None:
        if self.server is not None:
            self.server.shutdown()
            self.server.server_close()
            self.server = None


@pytest.fixture
def instance():
    made = Instance()
    yield made
    made.kill()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "telemetry.sqlite"


@contextlib.asynccontextmanager
async def scraping(path, *targets: ScrapeTarget):
    """Read these targets as often as can be."""
    file = path.with_name("targets.json")
    file.write_text(scrape.as_text(targets))
    with contextlib.closing(Storage(path)) as writer:
        running = asyncio.create_task(Scraper(writer, file, every_s=0.01).run())
        try:
            yield
            assert not running.done()
        finally:
            running.cancel()
            await asyncio.wait([running])


async def reads(instance: Instance, more: int = 2) -> None:
    """Wait until what is counted now is read and written: the reading after is under way."""
    expected = instance.reads + more
    await until(lambda: instance.reads >= expected, 20)


def target(instance: Instance, number: int = 1) -> ScrapeTarget:
    return ScrapeTarget("orders", f"orders-{number}", f"127.0.0.1:{instance.port}")


def increase(path, name: str = REQUESTS, since_ms: int = 0, **labels: str) -> float:
    """Ask how much a counter has grown, of all series with these labels."""
    with contextlib.closing(storage.reader(path)) as stored:
        found = metrics.counters(stored, "orders", name, lambda own: labels.items() <= own.items())
        return found.increase(stored, since_ms, 2**62)


def by_instance(path, **labels: str) -> dict[str, float]:
    """Ask how much each instance's counter has grown, of all series with these labels."""
    with contextlib.closing(storage.reader(path)) as stored:
        return metrics.by_instance(
            stored, "orders", REQUESTS, lambda own: labels.items() <= own.items(), 0
        )


async def test_increases_are_summed_over_replicas_and_restarts(path, instance):
    other = Instance()
    try:
        async with scraping(path, target(instance), target(other, 2)):
            instance.requests.labels("200").inc(3)
            instance.requests.labels("500").inc()
            other.requests.labels("200").inc(10)
            await asyncio.gather(reads(instance, 3), reads(other, 3))
            instance.kill()
            instance.start()
            instance.requests.labels("200").inc(5)  # more than before, of a new process
            await reads(instance, 3)
            assert increase(path) == 19
            assert increase(path, status="500") == 1
            assert by_instance(path) == {"orders-1": 9, "orders-2": 10}
            assert by_instance(path, status="500") == {"orders-1": 1}
    finally:
        other.kill()


async def test_what_was_counted_while_nothing_was_read_counts_once(path, instance):
    async with scraping(path, target(instance)):
        instance.requests.labels("200").inc(3)
        await reads(instance, 3)
    instance.requests.labels("200").inc(4)
    async with scraping(path, target(instance)):
        await reads(instance, 3)
        assert increase(path) == 7
    instance.kill()
    instance.start()
    instance.requests.labels("200").inc(8)
    async with scraping(path, target(instance)):
        await reads(instance, 3)
        assert increase(path) == 15


async def test_of_a_process_older_than_the_first_reading_only_what_comes_is_counted(path, instance):
    instance.kill()
    instance.start(age_s=3600)
    instance.requests.labels("200").inc(1000)
    async with scraping(path, target(instance)):
        await reads(instance, 3)
        instance.requests.labels("200").inc(2)
        await reads(instance, 3)
    # The next reader knows what the first one found.
    instance.requests.labels("200").inc(1)
    async with scraping(path, target(instance)):
        await reads(instance, 3)
        assert increase(path) == 3


async def test_histograms_are_counted_by_bucket_and_gauges_kept_as_they_are(path, instance):
    for seconds in (0.05, 0.5, 5):
        instance.duration.observe(seconds)
    instance.open.set(7)
    async with scraping(path, target(instance)):
        await reads(instance, 3)
        for le, count in (("0.1", 1), ("1.0", 2), ("+Inf", 3)):
            assert increase(path, "duration_bucket", le=le) == count
        assert increase(path, "duration_count") == 3
        with contextlib.closing(storage.reader(path)) as stored:
            assert values(stored, "open") == [7]


async def test_an_instance_that_does_not_answer_is_not_up_and_nothing_else_is_known(path, instance):
    async with scraping(path, target(instance)):
        await reads(instance)
        instance.kill()

        def seen() -> list[float]:
            with contextlib.closing(storage.reader(path)) as stored:
                return values(stored, "up")

        await until(lambda: seen() == [1, 0], 20)
        instance.start()
        await until(lambda: len(seen()) == 3, 20)
        assert seen() == [1, 0, 1]


async def test_a_file_of_targets_that_is_wrong_is_reported_once_and_read_again(path, instance):
    said: list[str] = []
    file = path.with_name("targets.json")
    file.write_text('[{"targets": 1}]')
    with contextlib.closing(Storage(path)) as writer:
        scraper = Scraper(writer, file, every_s=0.01, say=said.append)
        running = asyncio.create_task(scraper.run())
        await until(lambda: said, 20)
        file.write_text(scrape.as_text([target(instance)]))
        await reads(instance)
        running.cancel()
        await asyncio.wait([running])
    assert len(said) == 1
    assert "not a file of targets" in said[0]


def values(stored: sqlite3.Connection, name: str) -> list[float]:
    query = (
        "SELECT value FROM samples WHERE series IN (SELECT id FROM series WHERE name = ?)"
        " ORDER BY at_ms"
    )
    return [row[0] for row in stored.execute(query, (name,))]


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=5), min_size=1, max_size=5))
def test_the_increases_of_all_processes_are_all_that_they_counted(processes):
    """Each process counts in steps and is read after each of them; the next begins at 0."""
    key = SeriesKey(REQUESTS, ())
    total = 0.0
    for steps in processes:
        before: dict[SeriesKey, float] = {}
        for step in steps:
            now = {key: before.get(key, 0.0) + step}
            total += sum(increases(before, now).values())
            before = now
    assert total == sum(map(sum, processes))


MINUTE_MS = samples.MINUTE_MS
#: A full minute, longer ago than samples stay as they are.
OLD_MS = (time.time_ns() // 1_000_000 - 2 * samples.FINE_MS) // MINUTE_MS * MINUTE_MS


@settings(deadline=None, max_examples=30)
@given(st.dictionaries(st.integers(1, 20 * MINUTE_MS), st.integers(1, 9), min_size=1))
def test_folding_keeps_every_minutes_sum_and_leaves_what_is_new(tmp_path_factory, found):
    path = tmp_path_factory.mktemp("folded") / "telemetry.sqlite"
    new_ms = OLD_MS + 2 * samples.FINE_MS
    every = [sample(OLD_MS + at_ms, value) for at_ms, value in found.items()]
    every += [sample(new_ms + number, 1) for number in range(1, 4)]
    with contextlib.closing(Storage(path)) as writer:
        writer.write(lambda stored: samples.add(stored, every))
        for _ in range(2):  # what was folded is not folded again
            for series, kind in writer.write(samples.all_series):
                writer.write(lambda stored: samples.fold(stored, series, kind, new_ms, 2**50))  # noqa: B023
    sums: dict[int, float] = {}
    for at_ms, value in found.items():
        minute = -(-at_ms // MINUTE_MS) * MINUTE_MS
        sums[OLD_MS + minute] = sums.get(OLD_MS + minute, 0) + value
    sums |= {new_ms + number: 1 for number in range(1, 4)}
    with contextlib.closing(storage.reader(path)) as stored:
        rows = stored.execute("SELECT at_ms, value FROM samples")
        assert {row[0]: row[1] for row in rows} == sums


def test_folding_keeps_a_gauges_last_value_and_deletes_what_is_too_old(path):
    at = [OLD_MS + 1, OLD_MS + 30_000, OLD_MS + MINUTE_MS]
    readings = [sample(at_ms, value, "gauge") for at_ms, value in zip(at, (5, 9, 2), strict=True)]
    readings.append(sample(OLD_MS - 10 * samples.FINE_MS, 1, "gauge"))
    with contextlib.closing(Storage(path)) as writer:
        writer.write(lambda stored: samples.add(stored, readings))
        now_ms = OLD_MS + 2 * samples.FINE_MS
        writer.write(lambda stored: samples.fold(stored, 1, "gauge", now_ms, 4 * samples.FINE_MS))
        with contextlib.closing(storage.reader(path)) as stored:
            rows = stored.execute("SELECT at_ms, value FROM samples").fetchall()
            assert [tuple(row) for row in rows] == [(OLD_MS + MINUTE_MS, 2)]


def test_two_increases_within_a_millisecond_are_added_up_and_the_later_gauge_stays(path):
    with contextlib.closing(Storage(path)) as writer:
        for kind, expected in (("counter", 12), ("gauge", 9)):
            twice = [sample(OLD_MS, value, kind) for value in (3, 9)]
            writer.write(lambda stored: samples.add(stored, twice))  # noqa: B023
            with contextlib.closing(storage.reader(path)) as stored:
                rows = stored.execute("SELECT value FROM samples ORDER BY series DESC LIMIT 1")
                assert rows.fetchone()[0] == expected


def sample(at_ms: int, value: float, kind: samples.Kind = "counter") -> Sample:
    return Sample("orders", "orders-1", SeriesKey(REQUESTS, ()), kind, at_ms, value, value)


@pytest.mark.parametrize("text", ["<html>no metrics</html>", "a{b=1} 2\n", "a one\n"])
def test_what_is_no_exposition_is_refused(text):
    with pytest.raises(UnreadableMetrics):
        exposition.read(text, service="orders", instance="orders-1", at_ms=1)


def test_a_program_with_too_many_series_does_not_fill_the_disk():
    lines = "".join(f'visits_total{{user="{number}"}} 1\n' for number in range(6_000))
    text = f"# TYPE visits_total counter\n{lines}"
    reading = exposition.read(text, service="orders", instance="orders-1", at_ms=1)
    assert len(reading.counters) == exposition.MOST_SERIES
