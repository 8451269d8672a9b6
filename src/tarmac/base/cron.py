"""When a schedule is due, as a cluster reads it (robfig/cron): five fields, or a word for them.

One reader for the model, for tasks that run here, and for files of others: a schedule that runs
here runs in a cluster, at the same times.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from cronsim import CronSim, CronSimError

WORDS = {
    **dict.fromkeys(("@yearly", "@annually"), "0 0 1 1 *"),
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    **dict.fromkeys(("@daily", "@midnight"), "0 0 * * *"),
    "@hourly": "0 * * * *",
}
_PERIOD = re.compile(r"@every (?=\d)(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")
_RANGE = re.compile(r"(?P<first>[*?]|\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?")

MONTHS = (
    *("jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class _Bounds(NamedTuple):
    """A field: its name, the least and the most, and words for its numbers."""

    name: str
    least: int
    most: int
    words: tuple[str, ...] = ()


_FIELDS = (
    _Bounds("minute", 0, 59),
    _Bounds("hour", 0, 23),
    _Bounds("day", 1, 31),
    _Bounds("month", 1, 12, MONTHS),
    _Bounds("weekday", 0, 6, DAYS),
)


def runs(schedule: str, after: datetime) -> Iterator[datetime]:
    """Yield when a schedule is due after a moment, in the moment's zone; it never ends.

    Raises:
        ValueError: it is not a schedule, or it never runs; the text says which field is wrong.
    """
    if schedule.startswith("@every"):
        return _every(_period(schedule), after)
    try:
        times = CronSim(_plain(WORDS.get(schedule, schedule)), after)
        first = next(times)
    except (CronSimError, RecursionError) as error:
        raise ValueError(str(error).lower() or "it cannot be read") from error
    except StopIteration:
        raise ValueError("it never runs") from None
    return itertools.chain((first,), times)


def _every(period: timedelta, after: datetime) -> Iterator[datetime]:
    while True:
        after += period
        yield after


def _period(schedule: str) -> timedelta:
    found = _PERIOD.fullmatch(schedule)
    hours, minutes, seconds = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    period = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    if not period:
        raise ValueError("@every needs a time, as in `@every 90m`")
    return period


def _plain(schedule: str) -> str:
    """Write a schedule in the library's form, which takes more and reads `5/15` otherwise."""
    if schedule.startswith("@"):
        raise ValueError(f"words are {', '.join(WORDS)} and @every")
    texts = schedule.split()
    if len(texts) != len(_FIELDS):
        raise ValueError(f"it has {len(texts)} fields, not {len(_FIELDS)}")
    for text, bounds in zip(texts, _FIELDS, strict=True):
        if not _fits(text, bounds):
            words = f" or {bounds.words[0]} to {bounds.words[-1]}" if bounds.words else ""
            span = f"{bounds.least} to {bounds.most}{words}"
            raise ValueError(f"{bounds.name} {text} is not within {span}")
    # 5/15 is from 5 on.
    return " ".join(
        re.sub(r"\b(?<!-)(\d+)/", rf"\1-{bounds.most}/", text.replace("?", "*"))
        for text, bounds in zip(texts, _FIELDS, strict=True)
    )


def _fits(text: str, bounds: _Bounds) -> bool:
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if found is None or found["step"] in ("0", "00"):
            return False
        ends = [found["first"], found["last"]] if found["last"] else [found["first"]]
        if ends in (["*"], ["?"]):
            continue
        numbers = [_number(end.lower(), bounds) for end in ends]
        if numbers != sorted(numbers):
            return False
        if not all(bounds.least <= number <= bounds.most for number in numbers):
            return False
    return True


def _number(word: str, bounds: _Bounds) -> int:
    if word in bounds.words:
        return bounds.words.index(word) + bounds.least
    return int(word) if word.isdecimal() and len(word) < 4 else -1
