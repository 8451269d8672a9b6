"""Schedules of backups: when they run, and how far apart two runs are."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice, pairwise

from tarmac.base import cron
from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import text

#: So many runs show any rhythm within a week.
RUNS = 50


def backup_schedule(artifact: Artifact) -> str:
    """Read when a Schedule of Velero makes backups; empty where it does not say."""
    return text(artifact.data, "spec", "schedule") or ""


def apart(schedule: str) -> float | None:
    """Find how far apart two runs are at most, in seconds; None: the schedule is none."""
    try:
        runs = list(islice(cron.runs(schedule, datetime(2026, 1, 1, tzinfo=UTC)), RUNS))
    except ValueError:
        return None
    return max((after - before).total_seconds() for before, after in pairwise(runs))
