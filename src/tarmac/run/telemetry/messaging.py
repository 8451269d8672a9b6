"""What services say of their messages and jobs: what waits, and what went out and came in.

Read from the samples of the kit's metrics; functions over an open reader.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field

from tarmac.run.telemetry.samples import labels_of

#: An instance that was not read for so long is gone, and what it said of now with it.
GONE_MS = 20_000
#: Rates are those of the last minute.
RATE_MS = 60_000

_NOW = """
SELECT service, labels, (
    SELECT value FROM samples WHERE series = series.id ORDER BY at_ms DESC LIMIT 1
) FROM series JOIN processes USING (service, instance) WHERE name = ? AND read_ms > ?
"""
_COUNTED = """
SELECT service, labels, sum(value), sum(CASE WHEN at_ms > ? THEN value ELSE 0 END)
FROM series JOIN samples ON samples.series = series.id WHERE name = ? AND at_ms <= ?
GROUP BY service, labels ORDER BY service, labels
"""


@dataclass
class Backlog:
    """What waits in a service's database: rows of its outbox, messages to be retried, and jobs."""

    service: str
    #: Messages to be published, and the age of the oldest.
    outbox: float | None = None
    oldest_s: float | None = None
    #: Messages that are tried again or dead-lettered, and jobs, by state.
    messages: dict[str, float] = field(default_factory=dict)
    jobs: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Flow:
    """Messages of one topic that a service published, or consumed with one result."""

    service: str
    topic: str
    #: Empty for what was published.
    group: str
    result: str
    #: Since the samples that are kept, and in a second of the last minute.
    total: float
    per_s: float


def backlogs(stored: sqlite3.Connection, now_ms: int) -> list[Backlog]:
    """Return what waits for each service that has an outbox, messages or jobs."""
    found: dict[str, Backlog] = {}

    def of(service: str) -> Backlog:
        return found.setdefault(service, Backlog(service))

    # Instances share a database: each says the same of it, as it was a moment earlier or later.
    for service, _, value in _now(stored, "outbox_waiting", now_ms):
        of(service).outbox = max(of(service).outbox or 0.0, value)
    for service, _, value in _now(stored, "outbox_oldest_seconds", now_ms):
        of(service).oldest_s = max(of(service).oldest_s or 0.0, value)
    for service, state, value in _now(stored, "messages_set_aside", now_ms):
        of(service).messages[state] = max(of(service).messages.get(state, 0.0), value)
    for service, state, value in _now(stored, "jobs", now_ms):
        of(service).jobs[state] = max(of(service).jobs.get(state, 0.0), value)
    return sorted(found.values(), key=lambda one: one.service)


def flows(stored: sqlite3.Connection, now_ms: int) -> list[Flow]:
    """Return what was published and consumed, by topic."""
    found = []
    for name in ("outbox_published_total", "messages_consumed_total"):
        for service, text, total, lately in stored.execute(
            _COUNTED, (now_ms - RATE_MS, name, now_ms)
        ):
            labels = dict(labels_of(text))
            group, result = labels.get("group", ""), labels.get("result", "")
            per_s = lately * 1000 / RATE_MS
            found.append(Flow(service, labels.get("topic", ""), group, result, total, per_s))
    return sorted(found, key=lambda flow: (flow.topic, flow.group, flow.service, flow.result))


def _now(stored: sqlite3.Connection, name: str, now_ms: int) -> Iterator[tuple[str, str, float]]:
    """Yield a gauge's values now: service, its label `state` if it has one, value."""
    for service, text, value in stored.execute(_NOW, (name, now_ms - GONE_MS)):
        if value is not None:
            yield service, dict(labels_of(text)).get("state", ""), value
