"""Reads `/metrics` of a service: Prometheus's text format, by the parser of its own client."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tarmac.run.telemetry.sample import MOST_SERIES, Reading, SeriesKey

#: A gauge of Prometheus's clients: when the process began.
BEGAN = "process_start_time_seconds"
#: What of a histogram or a summary only ever grows; its quantiles do not.
GROWING = ("_bucket", "_count", "_sum")
#: The time when a series began; no measurement.
CREATED = "_created"


class UnreadableMetrics(ValueError):
    """The text is not in Prometheus's format."""


def read(text: str, *, service: str, instance: str, at_ms: int) -> Reading:
    """Read one answer; series beyond MOST_SERIES are left out. Raises UnreadableMetrics."""
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415 - 30 ms

    counters: dict[SeriesKey, float] = {}
    gauges: dict[SeriesKey, float] = {}
    began_at = 0.0
    try:
        for family in text_string_to_metric_families(text):
            for name, labels, value in _samples(family.samples):
                if name == BEGAN:
                    began_at = value
                key = SeriesKey(name, tuple(sorted(labels.items())))
                grows = family.type == "counter" or (
                    family.type in ("histogram", "summary") and name.endswith(GROWING)
                )
                if len(counters) + len(gauges) < MOST_SERIES:
                    (counters if grows else gauges)[key] = value
    except (ValueError, KeyError, IndexError) as error:
        raise UnreadableMetrics(f"not Prometheus's text format ({error})") from None
    return Reading(service, instance, at_ms, began_at, counters, gauges)


def _samples(samples: Iterable[Any]) -> Iterable[tuple[str, dict[str, str], float]]:
    for name, labels, value, *_ in samples:
        if not name.endswith(CREATED) and math.isfinite(value):
            yield name, labels, value
