"""What a service measures, as the scraper reads it and samples.py keeps it.

Of a counter its increase is kept, not its value: increases can be added over replicas, restarts and
times, whatever was reset in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

Kind = Literal["counter", "gauge"]
#: A process younger than this when it is first read began under our eyes: all that it counted is
#: new. Of an older one it is not known when that happened.
YOUNG_S = 60.0


class SeriesKey(NamedTuple):
    """One series of one instance; its labels sorted by name."""

    name: str
    labels: tuple[tuple[str, str], ...]


#: Whether an instance answered.
UP = SeriesKey("up", ())
#: Series of one instance; a program that names users in labels must not fill the disk.
MOST_SERIES = 5_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What one instance said at one moment: the values of its counters and of its gauges."""

    service: str
    instance: str
    #: Milliseconds since the epoch.
    at_ms: int
    #: When its process began, in seconds since the epoch; 0 where it does not say.
    began_at: float
    counters: Mapping[SeriesKey, float]
    gauges: Mapping[SeriesKey, float]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a series: a gauge's, or what a counter has grown by since the one before."""

    service: str
    instance: str
    key: SeriesKey
    kind: Kind
    at_ms: int
    value: float
    #: The value as it was read.
    read: float


def increases(
    before: Mapping[SeriesKey, float], now: Mapping[SeriesKey, float]
) -> dict[SeriesKey, float]:
    """Return what counters have grown by, without those that have not.

    Args:
        before: empty for a process that is read for the first time; a counter begins at 0.
        now: one that is lower than before was reset, and has grown by what it is.
    """
    found = {}
    for key, value in now.items():
        previous = before.get(key, 0.0)
        if increase := value - previous if value >= previous else value:
            found[key] = increase
    return found


def has_restarted(reading: Reading, last: Reading) -> bool:
    """Tell whether an instance is another process than at its last reading."""
    return reading.began_at != last.began_at


def samples_of(reading: Reading, last: Reading | None) -> Iterator[Sample]:
    """Yield what is new in a reading: increases of counters, gauges that have changed.

    Args:
        last: the reading before, maybe of another process; None for an instance that is new.
    """

    def sample(key: SeriesKey, kind: Kind, value: float, read: float) -> Sample:
        return Sample(reading.service, reading.instance, key, kind, reading.at_ms, value, read)

    if last is None and not 0 < reading.at_ms / 1000 - reading.began_at < YOUNG_S:
        # Nothing is counted yet, but the values are known to the next reading.
        grown = dict.fromkeys(reading.counters, 0.0)
    else:
        same = last is not None and not has_restarted(reading, last)
        grown = increases(last.counters if last is not None and same else {}, reading.counters)
    for key, increase in grown.items():
        yield sample(key, "counter", increase, reading.counters[key])
    before = last.gauges if last is not None else {}
    for key, value in reading.gauges.items():
        if before.get(key) != value:
            yield sample(key, "gauge", value, value)
