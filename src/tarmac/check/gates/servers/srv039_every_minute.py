"""A task that is sent at an hour is sent at one minute of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.scope import counted_in_files

_FILES = re.compile(r"(.*/)?\w+\.py")
_IMPORTED = re.compile(r"\bcelery\b")
#: Times of a day, without steps and ranges: what is done in each minute of a range may be meant.
_TIMES = re.compile(r"\d{1,2}(,\d{1,2})*")
#: The same of cron: each minute of one hour, or of several.
_LINE = re.compile(r"\*\s+\d{1,2}(,\d{1,2})*(\s+\S+){3}")
_PARTS = ("hour", "day_of_week", "day_of_month", "month_of_year")


class Crontab(NamedTuple):
    """A time of Celery's, and what is written of it."""

    where: str
    written: str
    given: dict[str, object]


def check(files: Files) -> Iterator[Finding]:
    """Yield times that leave their minute open."""
    for artifact in files.objects("CronJob"):
        written = string(artifact.data, "spec", "schedule")
        if _LINE.fullmatch(written.strip()):
            what = f"{title(artifact)} is started every minute of its hours by '{written}'"
            where = artifact.at("spec", "schedule")
            yield Finding(where, f"{what}; write a minute: 0{written.strip()[1:]}", warning=True)
    for one in _crontabs(files):
        hour = one.given.get("hour")
        is_of_hours = _TIMES.fullmatch(str(hour).replace(" ", "")) is not None
        is_of_days = hour is None and bool({*_PARTS} & one.given.keys())
        if "minute" not in one.given and (is_of_hours or is_of_days):
            every = "of that hour" if is_of_hours else "of that day"
            what = f"{one.written} has no minute, which is each one by itself: the task is sent"
            said = f"{what} every minute {every}; write minute=0"
            yield Finding(one.where, said, warning=True)


def _crontabs(files: Files) -> Iterator[Crontab]:
    for artifact in files.artifacts:
        text = artifact.content
        if not _FILES.fullmatch(artifact.path) or not isinstance(text, str):
            continue
        if "crontab(" not in text or not _IMPORTED.search(text):
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if isinstance(node, ast.Call) and name.rpartition(".")[2] == "crontab":
                yield Crontab(f"{artifact.path}:{node.lineno}", ast.unparse(node), _given(node))


def _given(call: ast.Call) -> dict[str, object]:
    """List the parts that are given; a value that is computed is its text."""
    # What is given by a mapping may have a minute.
    found: dict[str, object] = {"minute": ""} if call.args else {}
    for one in call.keywords:
        value = one.value.value if isinstance(one.value, ast.Constant) else ast.unparse(one.value)
        found[one.arg or "minute"] = value
    return found


def _judged(files: Files) -> Iterator[object]:
    yield from _crontabs(files)
    yield from files.objects("CronJob")


GATE = Gate(
    id="SRV039",
    title="A task that is sent at an hour is sent at one minute of it",
    phase="services",
    source="https://docs.celeryq.dev/en/stable/reference/celery.schedules.html#celery.schedules."
    "crontab: each part is `*` where it is not given, the minute, too",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("times of tasks", _judged),
    targets=(),
    reads="crontab() in settings and tasks of Celery, which are parsed and not run, and schedules "
    "of CronJobs. Each minute of "
    "an hour may be meant, so all are warnings. Judges files without a plan only.",
)
