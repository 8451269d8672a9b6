"""Prometheus metrics of one process, in a registry of its own.

Made by `create_app`, written by the middleware, client, cache, relay and consumers. The route
label is the route's template, never the path that was asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate

from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from tarmac_kit import conventions
from tarmac_kit.breaker import Breaker, State
from tarmac_kit.health import HealthCheck

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: 0.2 is the shop's latency objective: a histogram can only answer for its own bounds.
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)

#: By their number in `client_breaker_state`.
BREAKER_STATES: tuple[State, ...] = ("closed", "half-open", "open")

_LABELS = ("service", "method", "route", "status")
_BOUNDS = (*map(str, BUCKETS_S), "+Inf")


class _Requests(Collector):
    """Counts and durations by method, route and status; one thread, the loop's, writes them.

    prometheus_client's own metrics take locks and check names, which each request would pay for.
    """

    def __init__(self, service: str) -> None:
        self._service = service
        #: For each: answers by the index of their bucket, and the sum of their seconds.
        self._cells: dict[tuple[str, str, int], tuple[list[int], list[float]]] = {}

    def add(self, method: str, route: str, status: int, duration_s: float) -> None:
        cell = self._cells.get((method, route, status))
        if cell is None:
            cell = self._cells[method, route, status] = ([0] * len(_BOUNDS), [0.0])
        cell[0][bisect_left(BUCKETS_S, duration_s)] += 1
        cell[1][0] += duration_s

    def collect(self) -> Iterator[Metric]:
        counts = CounterMetricFamily(
            conventions.REQUESTS_METRIC, "Requests answered.", labels=_LABELS
        )
        durations = HistogramMetricFamily(
            conventions.DURATION_METRIC,
            "Seconds from the request's head to the end of the answer.",
            labels=_LABELS,
        )
        for (method, route, status), (buckets, total_s) in self._cells.items():
            labels = (self._service, method, route, str(status))
            below = list(accumulate(buckets))
            counts.add_metric(labels, below[-1])
            durations.add_metric(labels, list(zip(_BOUNDS, below, strict=True)), total_s[0])
        yield counts
        yield durations


class Metrics:
    """The kit's metrics; `registry` takes a part's own."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        requests = _Requests(service)
        self.registry.register(requests)
        #: Count one answered request: method, route, status, seconds.
        self.request = requests.add
        #: Requests in flight; the middleware counts them here, and each scrape reads it.
        self.in_flight = 0
        #: Of these, answers that are streams of events.
        self.streams = 0
        Gauge(
            "http_requests_in_flight", "Requests in flight.", ("service",), registry=self.registry
        ).labels(service).set_function(lambda: self.in_flight)
        self._calls = Counter(
            "client_requests_total",
            "Attempts made to other services.",
            ("service", "role", "outcome"),
            registry=self.registry,
        )
        self._called: dict[tuple[str, str], Counter] = {}
        self._retries = Counter(
            "client_retries_total",
            "Retries of repeatable calls, and retries denied by the budget.",
            ("service", "role", "result"),
            registry=self.registry,
        )
        self._refused_callers = Counter(
            "caller_refusals_total",
            "Requests without a valid caller token (missing, invalid), whose token cannot be "
            "verified now (unverifiable), or whose caller is not declared.",
            ("service", "caller", "reason"),
            registry=self.registry,
        )
        self._breakers = Gauge(
            "client_breaker_state",
            "The circuit breaker towards a role: 0 closed, 1 half-open, 2 open.",
            ("service", "role"),
            registry=self.registry,
        )
        self._checks = Gauge(
            "health_check_passing",
            "1, or 0 where the check failed when readiness was last asked.",
            ("service", "check"),
            registry=self.registry,
        )
        self._cache = Counter(
            "cache_operations_total",
            "Cache reads and writes by result.",
            ("service", "operation", "result"),
            registry=self.registry,
        )
        self._published = Counter(
            "outbox_published_total",
            "Outbox rows relayed.",
            ("service", "topic"),
            registry=self.registry,
        )
        self._consumed = Counter(
            "messages_consumed_total",
            "Deliveries by result.",
            ("service", "topic", "group", "result"),
            registry=self.registry,
        )
        self._outbox = Gauge(
            "outbox_waiting",
            "Outbox rows that are not published yet, up to 10000; where the relay works.",
            ("service",),
            registry=self.registry,
        )
        self._outbox_oldest = Gauge(
            "outbox_oldest_seconds",
            "The age of the oldest of them.",
            ("service",),
            registry=self.registry,
        )
        self._jobs_are = Gauge(
            "jobs",
            "Jobs that are not done: queued, running or dead-lettered.",
            ("service", "state"),
            registry=self.registry,
        )
        self._stored_messages = Gauge(
            "messages_set_aside",
            "Messages that a handler could not process: scheduled for retry, or dead-lettered.",
            ("service", "state"),
            registry=self.registry,
        )
        self._jobs = Counter(
            "job_runs_total",
            "Runs of jobs by result.",
            ("service", "kind", "result"),
            registry=self.registry,
        )

        self._spans = Counter(
            "spans_exported_total",
            "Spans by what came of them: sent, refused by the collector, dropped for a full queue, "
            "or lost with a collector that was away for too long.",
            ("service", "result"),
            registry=self.registry,
        )

    # A series that begins with its first event shows no increase there. So what is known to come is
    # shown from zero.

    def will_call(self, role: str) -> None:
        """Show a role's attempts from zero."""
        for outcome in ("2xx", "5xx", "error", "timeout", "open"):
            self._calls.labels(self.service, role, outcome)

    def will_cache(self) -> None:
        """Show the cache's operations from zero."""
        for operation, result in (("get", "hit"), ("get", "miss"), ("get", "error"), ("set", "ok")):
            self._cache.labels(self.service, operation, result)

    def will_publish(self, topic: str) -> None:
        """Show a topic's relayed rows from zero."""
        self._published.labels(self.service, topic)

    def will_consume(self, topic: str, group: str) -> None:
        """Show a consumer's deliveries from zero."""
        for result in ("ok", "retry", "parked"):
            self._consumed.labels(self.service, topic, group, result)

    def will_send_spans(self) -> None:
        """Show what comes of spans from zero."""
        for result in ("sent", "refused", "dropped", "lost"):
            self._spans.labels(self.service, result)

    def spans(self, result: str, number: int) -> None:
        """Count spans: sent, refused, dropped or lost."""
        self._spans.labels(self.service, result).inc(number)

    def call(self, role: str, outcome: str) -> None:
        """Count one attempt of a client: a status class, `error`, `timeout` or `open`."""
        counter = self._called.get((role, outcome))
        if counter is None:  # kept, because labels are as long in looking up as all else here
            counter = self._called[role, outcome] = self._calls.labels(self.service, role, outcome)
        counter.inc()

    def retry(self, role: str, result: str) -> None:
        """Count one retry of a client: `made`, or `refused` by its budget."""
        self._retries.labels(self.service, role, result).inc()

    def will_check_callers(self) -> None:
        """Show refused callers from zero."""
        for reason in ("missing", "invalid"):
            self._refused_callers.labels(self.service, "", reason)

    def refused_caller(self, caller: str, reason: str) -> None:
        """Count a refused caller by reason; named where it is known."""
        self._refused_callers.labels(self.service, caller, reason).inc()

    def breaker(self, role: str, breaker: Breaker) -> None:
        """Show the state of the breaker towards `role`, as it is at each scrape."""
        shown = self._breakers.labels(self.service, role)
        shown.set_function(lambda: BREAKER_STATES.index(breaker.state))

    def checked(self, name: str, check: HealthCheck) -> None:
        """Show whether what readiness asks is there, as it was last answered."""
        self._checks.labels(self.service, name).set_function(lambda: not check.failing)

    def cache(self, operation: str, result: str) -> None:
        """Count one cache operation: get, set, delete; hit, miss, ok, error or skipped."""
        self._cache.labels(self.service, operation, result).inc()

    def published(self, topic: str, count: int = 1) -> None:
        """Count relayed outbox rows."""
        self._published.labels(self.service, topic).inc(count)

    def consumed(self, topic: str, group: str, result: str) -> None:
        """Count one delivery: `ok`, `retry` or `parked`."""
        self._consumed.labels(self.service, topic, group, result).inc()

    def stored_messages(self, state: str, number: int) -> None:
        """Note how many messages are scheduled for retry, or dead-lettered."""
        self._stored_messages.labels(self.service, state).set(number)

    def outbox_waits(self, rows: int, oldest_s: float) -> None:
        """Note how many outbox rows wait to be published, and for how long."""
        self._outbox.labels(self.service).set(rows)
        self._outbox_oldest.labels(self.service).set(oldest_s)

    def jobs_are(self, state: str, number: int) -> None:
        """Note how many jobs are queued, running or dead-lettered."""
        self._jobs_are.labels(self.service, state).set(number)

    def job(self, kind: str, result: str) -> None:
        """Count one run of a job: `done`, `retry`, `later`, `parked` or `lost`."""
        self._jobs.labels(self.service, kind, result).inc()

    def exposition(self) -> bytes:
        """Return the text that `/metrics` answers."""
        return generate_latest(self.registry)
