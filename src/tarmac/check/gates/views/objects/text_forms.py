"""Forms of texts that no schema has: durations, schedules, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import available_timezones

from tarmac.base import cron
from tarmac.check.gates.views.marks import is_left_open

#: In a template, or filled in by a program: not to be judged.
_FILLED = re.compile(r"\{\{|\$[({\w]|<[\w-]+>|\*")
_REPLACED = re.compile(r"\{\{|\$[({]|<[\w-]+>")
#: What a reader of an example writes another value for.
_TO_WRITE = re.compile(r"\.{3}|<[\w -]+>|\*\*|^$")
_IN_CAPITALS = re.compile(r"[A-Z][A-Z0-9_-]{2,}")
#: A time zone before a schedule: controllers take it, a CronJob does not.
_ZONE = re.compile(r"(CRON_)?TZ=\S+ +")


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
    """Tell whether a schedule is one, and ever runs."""
    try:
        cron.runs(_ZONE.sub("", text), datetime(2026, 1, 1, tzinfo=UTC))
    except ValueError:
        return False
    return True


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


def wrong_form(value: object, name: str) -> str:
    """Say what is wrong with a value that is to have a form; empty: nothing."""
    form, is_schedule = FORMS[name], name in ("cron", "job schedule")
    # An empty text is taken for one that is not there.
    if not isinstance(value, str) or not value or form.holds(value):
        return ""
    if is_replaced(value) or (is_filled(value) and not is_schedule):
        return ""
    if is_schedule and _never_comes(value):
        advice = "correct it, or write `suspend: true` where it is only started by hand"
        return f"is {value!r}, which is on no day that comes; {advice}"
    return f"is {value!r}, which is {form.title}; write e.g. {form.example}"


def _never_comes(schedule: str) -> bool:
    """Tell whether a schedule is one, of days that no month has."""
    fields = schedule.split()
    if len(fields) != len(("minute", "hour", "day", "month", "weekday")):
        return False
    minute, hour, day, month, weekday = fields
    others = (minute, hour, "*", month, weekday), (minute, hour, day, "*", weekday)
    return all(_is_schedule(" ".join(one)) for one in others)


def is_replaced(value: object) -> bool:
    """Tell whether a value is a text of which a program replaces a part: Flux's `${SIZE:=5Gi}`."""
    if not isinstance(value, str):
        return False
    return _REPLACED.search(value) is not None or is_left_open(value)


def is_filled(text: str) -> bool:
    """Tell whether a text has parts that a program fills in, or stands for several."""
    return _FILLED.search(text) is not None


def is_example(text: str) -> bool:
    """Tell whether a text stands for one that is to be written: `...`, `<your account>`."""
    return text != "" and _TO_WRITE.search(text) is not None


def is_to_write(value: object) -> bool:
    """Tell whether a value stands for another: a text of an example, `PROJECT_ID`, nothing."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # [PROJECT_ID]
    return isinstance(value, str) and (
        _TO_WRITE.search(value) is not None or _IN_CAPITALS.fullmatch(value) is not None
    )
