"""Prometheus metrics of one process, in a registry of its own.

Made by `create_app`, written by the middleware, client, cache, relay and consumers. The route
label is the route's template, never the path that was asked for.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from tarmac_kit import conventions

CONTENT_TYPE = CONTENT_TYPE_LATEST
#: 0.2 is the shop's latency objective: a histogram can only answer for its own bounds.
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """The kit's metrics; `registry` takes a part's own."""

    def __init__(self, service: str) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        labels = ("service", "method", "route", "status")
        self._requests = Counter(
            conventions.REQUESTS_METRIC, "Requests answered.", labels, registry=self.registry
        )
        self._duration = Histogram(
            conventions.DURATION_METRIC,
            "Seconds from the request's head to the end of the answer.",
            labels,
            buckets=BUCKETS_S,
            registry=self.registry,
        )
        #: `labels` takes a lock and checks its arguments; each request would pay that twice.
        self._by_request: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._in_flight = Gauge(
            "http_requests_in_flight", "Requests now in hand.", ("service",), registry=self.registry
        ).labels(service)
        self._calls = Counter(
            "client_requests_total",
            "Attempts made to other services.",
            ("service", "role", "outcome"),
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

    def request(self, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request."""
        found = self._by_request.get((method, route, status))
        if found is None:
            labels = (self.service, method, route, str(status))
            found = (self._requests.labels(*labels), self._duration.labels(*labels))
            self._by_request[method, route, status] = found
        found[0].inc()
        found[1].observe(duration_s)

    def in_flight(self, count: int) -> None:
        """Set the number of requests in hand."""
        self._in_flight.set(count)

    def call(self, role: str, outcome: str) -> None:
        """Count one attempt of a client: a status class, `error`, `timeout` or `open`."""
        self._calls.labels(self.service, role, outcome).inc()

    def cache(self, operation: str, result: str) -> None:
        """Count one cache operation: get, set, delete; hit, miss, ok, error or skipped."""
        self._cache.labels(self.service, operation, result).inc()

    def published(self, topic: str, count: int = 1) -> None:
        """Count relayed outbox rows."""
        self._published.labels(self.service, topic).inc(count)

    def consumed(self, topic: str, group: str, result: str) -> None:
        """Count one delivery: ok, retry or parked."""
        self._consumed.labels(self.service, topic, group, result).inc()

    def exposition(self) -> bytes:
        """Return the text that `/metrics` answers."""
        return generate_latest(self.registry)
