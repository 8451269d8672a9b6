"""A CronJob starts at the local time that it is meant for, each day."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

#: Zones that are that of the controller, nearly everywhere.
_UTC = re.compile(r"(?i)(etc/)?(utc|gmt|universal|zulu|z)?")
#: A schedule of one time, or few, of each day that it runs at.
_DAILY = re.compile(r"(\d{1,2})\s+(\d{1,2})\s+\S+\s+\S+\s+\S+")
#: By then daylight saving time has begun and ended once.
_FIRST, _DAYS = date(2026, 1, 1), 366


def check(files: Files) -> Iterator[Finding]:
    """Yield schedules in UTC of programs with a zone of their own, and times that a day lacks."""
    for own in _kept(files):
        artifact = own.artifact
        schedule = string(artifact.data, "spec", "schedule") or ""
        zone = string(artifact.data, "spec", "timeZone")
        where = artifact.at("spec", "schedule")
        found = _DAILY.fullmatch(schedule.strip())
        if zone and found and _is_missing(zone, int(found[2]), int(found[1])):
            what = f"{title(artifact)} runs at {int(found[2]):02d}:{int(found[1]):02d} of {zone},"
            said = f"{what} which the day lacks on which summer time begins: it does not run then"
            yield Finding(where, f"{said}; choose another hour, or UTC", warning=True)
        elif not zone and found and "TZ=" not in schedule and (told := _told(own)):
            what = f"{title(artifact)} has no timeZone, so its schedule is in the zone of the"
            said = f"{what} controller, UTC as a rule, and its program works in {told}"
            yield Finding(where, f"{said}; write timeZone: {told}", warning=True)


def _told(own: Pods) -> str:
    """Return the zone that the program of a job is told; "" for UTC."""
    for container in own.main_containers:
        given = own.variables.of(container).get("TZ")
        if given is not None and not _UTC.fullmatch(given.text) and "$" not in given.text:
            return given.text
    return ""


@lru_cache(maxsize=512)
def _is_missing(zone: str, hour: int, minute: int) -> bool:
    """Tell whether a local time is left out on some day of a year."""
    try:
        known = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    if hour > 23 or minute > 59:
        return False
    for number in range(_DAYS):
        day = _FIRST + timedelta(days=number)
        local = datetime(day.year, day.month, day.day, hour, minute, tzinfo=known)
        after = datetime.fromtimestamp(local.timestamp(), known)
        if (after.hour, after.minute) != (hour, minute):
            return True
    return False


@once
def _kept(files: Files) -> Iterator[Pods]:
    yield from (own for own in pods(files, "CronJob") if _is_cron(own.artifact))


def _is_cron(artifact: Artifact) -> bool:
    return string(artifact.data, "spec", "schedule") is not None


GATE = Gate(
    id="OBJ059",
    title="CronJobs start at the local time that is meant",
    phase="kubernetes",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones: "
    "without timeZone the schedule is in that of the kube-controller-manager",
    check=check,
    of_files=check,
    scope=counted_in_files("CronJobs", _kept),
    targets=("cluster",),
    reads="schedules of a fixed hour and minute beside timeZone, with the rules of that zone, and "
    "TZ of their containers. All are warnings.",
)
