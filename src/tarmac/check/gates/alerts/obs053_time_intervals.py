"""The hours and the days of a time interval hold together."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.alert_files import configurations
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_WORKING = set(_DAYS[1:6])
#: What an entry says by, as Alertmanager and its operator call it.
_PARTS = ("weekdays", "times", "days_of_month", "daysOfMonth", "months", "years")
#: Hours between which people work.
_EARLY, _LATE = 5, 22
_HOURS = re.compile(r"(\d{1,2}):(\d{2})")


class TimeInterval(NamedTuple):
    """An interval with a name, of whose entries one is enough."""

    artifact: Artifact
    path: Path
    name: str
    entries: tuple[Fields, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield intervals with the hours of work in one entry, and its days in another."""
    for one in _judged(files):
        yield from _over_midnight(one)
        hours = [entry for entry in one.entries if _said(entry) == {"times"}]
        days = [n for n, e in enumerate(one.entries) if _said(e) == {"weekdays"}]
        working = [n for n in days if _days(one.entries[n]) == _WORKING]
        if len(hours) == 1 and working and _is_by_day(hours[0]):
            what = f"the interval {one.name} has its hours in one entry and Monday to Friday in"
            said = f"{what} another, and one of them is enough: it holds at these hours of each"
            advice = "day, and all of each working day; write both into one entry"
            where = one.artifact.at(*one.path, working[0])
            yield Finding(where, f"{said} {advice}", warning=True)


def _over_midnight(one: TimeInterval) -> Iterator[Finding]:
    """Yield ranges that end before they begin, which Alertmanager refuses."""
    for number, entry in enumerate(one.entries):
        for place, time in numbered(entry, "times"):
            begin, end = _minutes(time, "start"), _minutes(time, "end")
            if begin is not None and end is not None and begin >= end:
                what = (
                    f"the interval {one.name} is from {_hour(begin)} to {_hour(end)}: no range goes"
                )
                why = "over midnight, and Alertmanager refuses the file; write two, one until 24:00"
                where = one.artifact.at(*one.path, number, "times", place)
                yield Finding(where, f"{what} {why}")


def _minutes(time: Fields, side: str) -> int | None:
    """Read an hour; YAML 1.1 has 22:00 without quotes as a number of base 60."""
    written = time.get(f"{side}_time", time.get(f"{side}Time"))
    if isinstance(written, int) and not isinstance(written, bool):
        return written
    found = _HOURS.fullmatch(str(written))
    return int(found[1]) * 60 + int(found[2]) if found else None


def _hour(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _said(entry: Fields) -> set[str]:
    return {key for key in _PARTS if entry.get(key)}


def _days(entry: Fields) -> set[str]:
    found = set[str]()
    for written in texts(entry.get("weekdays")):
        begin, colon, end = written.lower().partition(":")
        if begin in _DAYS and (end if colon else begin) in _DAYS:
            last = _DAYS.index(end if colon else begin)
            found |= set(_DAYS[_DAYS.index(begin) : last + 1])
    return found


def _is_by_day(entry: Fields) -> bool:
    """Tell whether all hours of an entry are within one day, and none of a night's."""
    found = []
    for time in items(entry, "times"):
        begin = _HOURS.fullmatch(string(time, "start_time") or string(time, "startTime"))
        end = _HOURS.fullmatch(string(time, "end_time") or string(time, "endTime"))
        if begin is None or end is None:
            return False
        found.append((int(begin[1]), int(end[1])))
    return bool(found) and all(begin >= _EARLY and end <= _LATE for begin, end in found)


@once
def _judged(files: Files) -> Iterator[TimeInterval]:
    for artifact in configurations(files):
        for key in ("time_intervals", "mute_time_intervals"):
            for number, one in numbered(artifact.data, key):
                path: Path = (key, number, "time_intervals")
                entries = tuple(map(fields, items(one, "time_intervals")))
                yield TimeInterval(artifact, path, string(one, "name"), entries)
    for artifact in files.objects("AlertmanagerConfig"):
        for key in ("muteTimeIntervals", "timeIntervals"):
            for number, one in numbered(artifact.data, "spec", key):
                path = ("spec", key, number, "timeIntervals")
                entries = tuple(map(fields, items(one, "timeIntervals")))
                yield TimeInterval(artifact, path, string(one, "name"), entries)


GATE = Gate(
    id="OBS053",
    title="The hours and the days of a time interval hold together",
    phase="observability",
    source="https://prometheus.io/docs/alerting/latest/configuration/#time_interval: of the list, "
    "one entry has to match, and in an entry all of its fields",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("time intervals", _judged),
    reads="intervals of Alertmanager's configurations and of its operator: hours of a day alone in "
    "one entry, and Monday to Friday alone in another.",
)
