"""Forms of texts that no schema has: durations, schedules, addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from cronsim import CronSim, CronSimError

#: In a template, or filled in by a program: not to be judged.
_FILLED = re.compile(r"\{\{|\$[({\w]|<[\w-]+>|\*")
#: cron's words for a schedule, and robfig's, which controllers of Kubernetes parse by.
_EVERY = re.compile(r"@(yearly|annually|monthly|weekly|daily|midnight|hourly|every \S+)")
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
    if _EVERY.fullmatch(text):
        return True
    try:
        # One that never runs, as of 30 February, has no next run.
        return (
            next(CronSim(_ZONE.sub("", text), datetime(2026, 1, 1, tzinfo=UTC)), None) is not None
        )
    except CronSimError:
        return False


FORMS = {
    "duration": Form("not a duration", "30s", _is_like(r"0|(\d+(\.\d+)?(ns|us|ms|s|m|h|d|w|y))+")),
    "seconds": Form("not a duration", "30s", _is_like(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")),
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
