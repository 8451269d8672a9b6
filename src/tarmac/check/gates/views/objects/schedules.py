"""Schedules of CronJobs: how often they start a run, and how long one may last."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice, pairwise

from tarmac.base import cron
from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, string
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.objects.metadata import name_of

#: So many runs of a schedule show its rhythm; more often than that, few jobs have ended.
_BEGIN, _RUNS, _OFTEN_S = datetime(2026, 1, 1, tzinfo=UTC), 50, 300
#: How long a run may last by its own command.
_LASTS = re.compile(
    r"(?<!\S)(?:--?(?:timeout|max-?(?:duration|runtime|time)|deadline)[= ]|timeout )"
    r"(\d+[smh])(?!\S)"
)
_POLICY = "write concurrencyPolicy: Forbid"

#: Runs that are missed when they are needed, and not before.
_BACKUP = re.compile(r"(?i)back-?up|dump|snapshot")


def schedule_faults(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield schedules whose runs may overlap, where nothing says what is done then."""
    spec = fields(artifact.data, "spec")
    if spec.get("concurrencyPolicy", "Allow") != "Allow":
        yield from _held_up(artifact)
        return
    try:
        due = islice(cron.runs(string(spec, "schedule"), _BEGIN), _RUNS)
        apart = min((after - before).total_seconds() for before, after in pairwise(due))
    except ValueError:
        return
    job = fields(spec, "jobTemplate", "spec")
    limits = (job, fields(job, "template", "spec"))
    longest = next((n for one in limits if (n := one.get("activeDeadlineSeconds"))), None)
    said = f"{longest}s"
    if longest is None:
        longest, said = _by_command(fields(job, "template", "spec"))
    if isinstance(longest, int | float) and longest > apart:
        what = f"starts a run every {apart:g}s, each of which may take {said}: they overlap"
        yield ("spec", "schedule"), f"{what}; {_POLICY}"
    elif longest is None and apart <= _OFTEN_S:
        what = f"starts a run every {apart:g}s, and nothing ends one that hangs: they pile up"
        yield ("spec", "schedule"), f"{what}; {_POLICY}, or activeDeadlineSeconds"


def _held_up(artifact: Artifact) -> Iterator[tuple[Path, str]]:
    """Yield backups of which one that hangs keeps all later ones from their start."""
    job = fields(artifact.data, "spec", "jobTemplate", "spec")
    pod = fields(job, "template", "spec")
    is_ended = "activeDeadlineSeconds" in job or "activeDeadlineSeconds" in pod
    is_forbidden = string(artifact.data, "spec", "concurrencyPolicy") == "Forbid"
    is_ended = is_ended or _by_command(pod)[0] is not None
    if is_forbidden and not is_ended and _BACKUP.search(name_of(artifact)):
        what = "forbids a run beside another, and nothing ends one that hangs: no later backup is"
        yield ("spec", "concurrencyPolicy"), f"{what} made; write activeDeadlineSeconds"


def _by_command(spec: Fields) -> tuple[float | None, str]:
    """Read how long a run may last by its command; None where that says nothing."""
    for container in items(spec, "containers"):
        words = " ".join(map(str, (*items(container, "command"), *items(container, "args"))))
        found = _LASTS.search(words)
        # A number alone may be of another unit.
        seconds = duration_s(found[1]) if found else None
        if found and seconds is not None:
            return seconds, f"{seconds:g}s ({found[0]})"
    return None, ""
