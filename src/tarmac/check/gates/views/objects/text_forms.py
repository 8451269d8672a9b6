"""Forms of texts that no schema has: durations, schedules, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import available_timezones

from cronsim import CronSim, CronSimError

#: In a template, or filled in by a program: not to be judged.
_FILLED = re.compile(r"\{\{|\$[({\w]|<[\w-]+>|\*")
#: Words for a schedule, and fields, as robfig/cron reads them, by which controllers go.
_EVERY = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly)|@every \S+")
_ZONE = re.compile(r"(CRON_)?TZ=\S+ +")
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()  # noqa: SIM905 - in a row
_DAYS = "sun mon tue wed thu fri sat".split()  # noqa: SIM905 - in a row
#: The least and the most of each field, and the words that stand for its numbers.
_FIELDS: tuple[tuple[int, int, list[str]], ...] = (
    (0, 59, []), (0, 23, []), (1, 31, []), (1, 12, _MONTHS), (0, 6, _DAYS),
)  # fmt: skip
_RANGE = re.compile(r"(?P<first>[*?]|\w+)(-(?P<last>\w+))?(/(?P<step>\d+))?")


class Form(NamedTuple):
    """What a text must be."""

    #: For a reader: `not a duration`.
    title: str
    example: str
    holds: Callable[[str], bool]


def _is_like(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern)
    return lambda text: compiled.fullmatch(text) is not None


def _is_schedule(text: str) -> bool:
    """Tell whether a schedule has five fields that are within their bounds, and ever runs."""
    if _EVERY.fullmatch(text):
        return True
    fields = _ZONE.sub("", text).split()
    if len(fields) != len(_FIELDS) or not all(map(_is_field, fields, _FIELDS)):
        return False
    # 5/15 is from 5 on.
    plain = (
        re.sub(r"\b(?<!-)(\d+)/", rf"\1-{most}/", one.replace("?", "*"))
        for one, (_, most, _) in zip(fields, _FIELDS, strict=True)
    )
    try:
        # One that never runs, as of 30 February, has no next run.
        return next(CronSim(" ".join(plain), datetime(2026, 1, 1, tzinfo=UTC)), None) is not None
    except CronSimError:
        return False


def _is_field(text: str, bounds: tuple[int, int, list[str]]) -> bool:
    least, most, words = bounds
    for part in text.split(","):
        found = _RANGE.fullmatch(part)
        if found is None or found["step"] in ("0", "00"):
            return False
        ends = [found["first"], found["last"]] if found["last"] else [found["first"]]
        if ends in (["*"], ["?"]):
            continue
        numbers = [_number(end.lower(), least, words) for end in ends]
        if not all(least <= number <= most for number in numbers) or numbers != sorted(numbers):
            return False
    return True


def _number(word: str, least: int, words: list[str]) -> int:
    if word in words:
        return words.index(word) + least
    return int(word) if word.isdecimal() else -1


def _is_job_schedule(text: str) -> bool:
    return "TZ=" not in text and _is_schedule(text)


FORMS = {
    "duration": Form("not a duration", "30s", _is_like(r"0|(\d+(\.\d+)?(ns|us|ms|s|m|h|d|w|y))+")),
    "seconds": Form("not a duration", "30s", _is_like(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")),
    "job schedule": Form(
        "not a schedule that ever runs in a CronJob", "15 3 * * *", _is_job_schedule
    ),
    "zone": Form("not a time zone", "Europe/Berlin", lambda text: text in available_timezones()),
    "cron": Form("not a schedule that ever runs", "15 3 * * *", _is_schedule),
    "url": Form("not a URL", "https://host.example.com", _is_like(r"[a-z][a-z0-9+]*://\S+")),
    "repository": Form(
        "not a repository", "https://git.example.com/team/deploy.git", _is_like(r".*[./:].*")
    ),
    "namespace": Form("not a namespace", "orders", _is_like(r"!?[a-z0-9]([-a-z0-9]*[a-z0-9])?")),
    "kind": Form("not a kind", "Deployment", _is_like(r"[A-Z][A-Za-z0-9]*")),
    "path": Form("not a path", "/metrics", _is_like(r"/.*")),
}


def is_filled(text: str) -> bool:
    """Tell whether a text has parts that a program fills in, or stands for several."""
    return _FILLED.search(text) is not None
