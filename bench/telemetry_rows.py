"""Spans and log records as a shop sends them, for what measures how telemetry is kept.

Traces of eight spans, four services, SQL and messages; five lines of logs for each span.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Iterator
from typing import TypeVar

from bench.figure import sized

from tarmac.run.telemetry.log_record import LogRecord
from tarmac.run.telemetry.span import Span

T = TypeVar("T")
SPANS, LINES, BATCH, DEPTH = *sized((1_000_000, 5_000_000), (4_000, 20_000)), 512, 8
SERVICES = ("api-gateway", "order-service", "payment-service", "notification-service")
BEGAN_NS = 1_700_000_000 * 10**9
#: From one span to the next.
SPAN_NS = 1_000_000
_LINES_PER_SPAN = LINES // SPANS


def batches(make: Callable[[int], T], count: int, size: int = BATCH) -> Iterator[list[T]]:
    """Yield what `make` gives for each number, in batches as an SDK sends them."""
    made = (make(number) for number in range(count))
    while batch := list(itertools.islice(made, size)):
        yield batch


@functools.lru_cache(maxsize=64)
def trace_id(trace: int) -> bytes:
    """Return the id of a trace by its number."""
    return random.Random(trace).randbytes(16)


def span(number: int) -> Span:
    """Make one span."""
    trace, place = divmod(number, DEPTH)
    service = SERVICES[place // 2]
    is_call = place % 2 == 1
    return Span(
        trace_id(trace),
        number.to_bytes(8, "big"),
        (number - 1).to_bytes(8, "big") if place else b"",
        service,
        service,
        f"INSERT {service}" if is_call else "POST /orders",
        "client" if is_call else "server",
        BEGAN_NS + number * SPAN_NS,
        2_000_000 + number % 997,
        failed=trace % 500 == 0,
        attributes={"db.system.name": "postgresql"} if is_call else {"http.route": "/orders"},
    )


def record(number: int) -> LogRecord:
    """Make one line of a log, within the trace of its span."""
    of_span, line = divmod(number, _LINES_PER_SPAN)
    trace, place = divmod(of_span, DEPTH)
    service = SERVICES[place // 2]
    return LogRecord(
        service,
        service,
        BEGAN_NS + of_span * SPAN_NS + line,
        "error" if trace % 500 == 0 else "info",
        f"order {trace} of customer {trace % 977}: step {line} took {number % 89} ms",
        trace_id(trace),
        {"order_id": trace, "step": line},
    )
