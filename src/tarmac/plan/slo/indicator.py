"""What an objective counts: which metric, which series are bad, which bucket bounds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from tarmac.base import signals

if TYPE_CHECKING:  # the telemetry process reads names here and no model
    from tarmac.model.objective import Objective

REQUESTS = "http_requests_total"
DURATION = "http_request_duration_seconds"
#: A server's fault; what a client asks wrongly is its own.
FAILED = "5.."
#: Requests that the client did not end: it sent no body in time, or left before the answer. They
#: say nothing of the service, neither that it works nor how fast it is.
BROKEN_OFF = "408|499"
#: Requests of probes and of Prometheus itself are not a user's; a pod that is not ready answers
#: 503.
NO_USERS = "/health(/.*)?|/metrics"
USERS = f'route!~"{NO_USERS}"'
#: What an objective and a canary's analysis count, of the series above.
COUNTED = f'status!~"{BROKEN_OFF}"'

Kind = Literal["availability", "latency"]


def is_counted(labels: Mapping[str, str]) -> bool:
    """Tell whether a series counts requests of users that were not broken off: USERS, COUNTED."""
    no_user = re.fullmatch(NO_USERS, labels.get("route", ""))
    return not no_user and not re.fullmatch(BROKEN_OFF, labels.get("status", ""))


def is_failed(labels: Mapping[str, str]) -> bool:
    """Tell whether a series counts requests that the service failed."""
    return re.fullmatch(FAILED, labels.get("status", "")) is not None


def kind(objective: Objective) -> Kind:
    """Return which share it is about: of requests that work, or of those that are fast."""
    return "latency" if objective.availability is None else "availability"


def name(objective: Objective) -> str:
    """Name an objective as its rules and labels do: `api_availability`."""
    return f"{(objective.name or objective.service).replace('-', '_')}_{kind(objective)}"


def buckets() -> tuple[float, ...]:
    """List the bounds in seconds that services count by, without +Inf."""
    return signals.read()[f"{DURATION}_bucket"].buckets


def bound(latency_s: float, known: Iterable[float]) -> float | None:
    """Find the histogram bucket with exactly this upper bound; None if there is no such bucket."""
    return next((bucket for bucket in known if abs(bucket - latency_s) < 1e-9), None)


def nearest(latency_s: float, known: Iterable[float]) -> tuple[float, ...]:
    """List the bounds next to one that is not there: the one below, the one above."""
    ordered = sorted(known)
    below = [bucket for bucket in ordered if bucket < latency_s][-1:]
    return (*below, *[bucket for bucket in ordered if bucket > latency_s][:1])


def le(bound_s: float) -> str:
    """Write a bound as the exporter does in the label `le`: `0.2`, `1.0`."""
    return repr(float(bound_s))


def number(value: float) -> str:
    """Write a number so that PromQL and promtool read it: no exponent, no float's tail."""
    # Fifteen digits are what a float is sure of.
    text = f"{Decimal(f'{round(value, 12):.15g}'):f}"
    return "0" if text == "-0" else text
