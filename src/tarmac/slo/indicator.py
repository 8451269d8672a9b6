"""What an objective counts: which metric, which series are bad, which bucket bounds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from tarmac import signals
from tarmac.model.objective import Objective

REQUESTS = "http_requests_total"
DURATION = "http_request_duration_seconds"
#: A server's fault; what a client asks wrongly is its own.
FAILED = "5.."

Kind = Literal["availability", "latency"]


def kind(objective: Objective) -> Kind:
    """Say which share it is about: of requests that work, or of those that are fast."""
    return "latency" if objective.availability is None else "availability"


def name(objective: Objective) -> str:
    """Name an objective as its rules and labels do: `api_availability`."""
    return f"{(objective.name or objective.service).replace('-', '_')}_{kind(objective)}"


def buckets() -> tuple[float, ...]:
    """List the bounds in seconds that services count by, without +Inf."""
    return signals.read()[f"{DURATION}_bucket"].buckets


def bound(latency_s: float, known: Iterable[float]) -> float | None:
    """Find the bucket that ends exactly at a bound; None: how many are faster is not counted."""
    return next((each for each in known if abs(each - latency_s) < 1e-9), None)


def nearest(latency_s: float, known: Iterable[float]) -> tuple[float, ...]:
    """List the bounds next to one that is not there: the one below, the one above."""
    ordered = sorted(known)
    below = [each for each in ordered if each < latency_s][-1:]
    return (*below, *[each for each in ordered if each > latency_s][:1])


def le(bound_s: float) -> str:
    """Write a bound as the exporter does in the label `le`: `0.2`, `1.0`."""
    return repr(float(bound_s))
