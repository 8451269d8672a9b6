"""Schedules of backups: when they run, and how far apart two runs are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import islice, pairwise

from cronsim import CronSim, CronSimError

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import text

UNITS = {"s": 1, "m": 60, "h": 3600}
_EVERY = {"@hourly": 3600, "@daily": 86400, "@midnight": 86400, "@weekly": 604800}
_PERIOD = re.compile(r"@every (\d+)([smh])\w*")
#: So many runs show any rhythm within a week.
RUNS = 50


def backup_schedule(artifact: Artifact) -> str:
    """Read when a Schedule of Velero makes backups; empty where it does not say."""
    return text(artifact.data, "spec", "schedule") or ""


def apart(schedule: str) -> float | None:
    """Find how far apart two runs are at most, in seconds; None: the schedule is none."""
    if found := _PERIOD.fullmatch(schedule):
        return int(found[1]) * UNITS[found[2]]
    if schedule in _EVERY:
        return _EVERY[schedule]
    try:
        runs = list(islice(CronSim(schedule, datetime(2026, 1, 1, tzinfo=UTC)), RUNS))
    except CronSimError:
        return None
    return max((after - before).total_seconds() for before, after in pairwise(runs))
