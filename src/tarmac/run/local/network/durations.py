"""Durations counted in buckets that grow evenly: any quantile to within a twelfth of its value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

Measure = TypeVar("Measure", int, float)
#: The first bucket ends here, and eight of them double it.
SHORTEST_S, PER_DOUBLING = 0.0001, 8
#: From this status on a request failed by the service's fault. Commands to stores count as one or
#: the other.
OK, FAILED = 200, 500


def bucket_of(took_s: float) -> int:
    """Return the bucket of a duration: the first one that does not end before it."""
    if took_s <= SHORTEST_S:
        return 0
    return math.ceil(math.log2(took_s / SHORTEST_S) * PER_DOUBLING)


def end_s(bucket: int) -> float:
    """Return where a bucket ends, in seconds."""
    return float(SHORTEST_S * 2 ** (bucket / PER_DOUBLING))


def quantile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the duration that this share did not exceed, in seconds; None where none is counted.

    A bucket stands for its end: no quantile is given as shorter than it was.
    """
    bucket = reached(counts, share)
    return None if bucket is None else end_s(bucket)


def reached(counts: Mapping[Measure, int], share: float) -> Measure | None:
    """Return the first measure that this share did not exceed; None where nothing is counted."""
    wanted, many = share * sum(counts.values()), 0
    for measure, count in sorted(counts.items()):
        many += count
        if count and many >= wanted:
            return measure
    return None


@dataclass(frozen=True)
class RequestSummary:
    """The requests of one edge: how many, how many failed, how long they took."""

    requests: int
    #: Answered with a status of 500 or above.
    failed: int
    p50_s: float | None
    p95_s: float | None
    p99_s: float | None

    @classmethod
    def of(cls, counted: Mapping[str, Any]) -> RequestSummary | None:
        """Summarise what a wire counted; None where it counted no requests."""
        if not counted.get("requests"):
            return None
        by_status = [(int(key.split()[1]), n) for key, n in counted["requests"].items()]
        durations = {int(bucket): count for bucket, count in counted["durations"].items()}
        return cls(
            sum(count for _, count in by_status),
            sum(count for status, count in by_status if status >= FAILED),
            *(quantile(durations, share) for share in (0.5, 0.95, 0.99)),
        )
