"""A service of ECS has room for a new task, or may stop an old one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import Setting, settings

_LEAST, _MOST = "deployment_minimum_healthy_percent", "deployment_maximum_percent"
#: What holds where a resource does not say it; what a module begins with is not known.
_DEFAULTS = {_LEAST: 100, _MOST: 200}
#: What is rolled out in another way.
_OTHERS = ("CODE_DEPLOY", "EXTERNAL", "DAEMON", "BLUE_GREEN")
_WAYS = ("type", "scheduling_strategy", "strategy")
_KIND = "aws_ecs_service"
Group = Mapping[str, Setting]


def check(files: Files) -> Iterator[Finding]:
    """Yield services of which no new version is ever started."""
    is_scaled = any(one.path[1:2] == ("aws_appautoscaling_target",) for one in settings(files))
    for group in _services(files):
        first = group.get(_MOST) or group[_LEAST]
        least, most = (_number(group, key) for key in (_LEAST, _MOST))
        if least is None or most is None or _is_other(files, first):
            continue
        count = None if is_scaled else _number(group, "desired_count")
        kept, room = _bounds(count, least, most)
        if kept and room:
            name = first.path[2] if first.path[0] == "resource" else first.path[-2]
            tasks = f"all of its {count} tasks" if count and count > 1 else "its tasks"
            tasks = "its one task" if count == 1 else tasks
            what = f"{name} keeps {tasks} ({_LEAST} {least}) and takes no more ({_MOST} {most}),"
            said = f"{what} so no new task is started, and no version is rolled out; raise {_MOST}"
            yield Finding(first.where, said)


def _bounds(count: int | None, least: int, most: int) -> tuple[bool, bool]:
    """Tell whether all tasks have to stay, and whether no other one may start."""
    if not count:
        return least >= 100, most <= 100
    return ceil(count * least / 100) >= count, count * most // 100 <= count


@once
def _services(files: Files) -> Iterator[Group]:
    """Yield the settings of each service that says one of the two shares."""
    found: dict[tuple[str, ...], dict[str, Setting]] = {}
    for one in settings(files):
        is_own = one.path[:2] == ("resource", _KIND) and len(one.path) == 4
        if is_own or (one.path[0] == "module" and len(one.path) > 2):
            found.setdefault((one.file, *one.path[:-1]), {})[one.name] = one
    for group in found.values():
        if _LEAST in group or _MOST in group:
            yield group


def _number(group: Group, key: str) -> int | None:
    """Read a number that is written, or that holds without one; None where it is computed."""
    if key in group:
        value = group[key].value
        return int(value) if value and value.isdecimal() else None
    is_module = next(iter(group.values())).path[0] == "module"
    return None if is_module else _DEFAULTS.get(key)


def _is_other(files: Files, first: Setting) -> bool:
    """Tell whether a service is rolled out by something else than by these two shares."""
    place = first.path[:-1]
    own = [one for one in settings(files) if one.file == first.file]
    inside = [one for one in own if one.path[: len(place)] == place]
    said = [one.value for one in inside if one.name in _WAYS or one.value in _OTHERS]
    return any(value is None or value in _OTHERS for value in said)


GATE = Gate(
    id="INF084",
    title="A service of ECS has room for a new task, or may stop an old one",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/deployment-type-ecs.html: "
    "of the tasks that are wanted the least share is rounded up, and the largest rounded down",
    check=check,
    of_files=check,
    scope=counted_in_files("services of ECS with shares", _services),
    of_objects=False,
    targets=(),
    reads="deployment_minimum_healthy_percent, deployment_maximum_percent and desired_count of "
    "aws_ecs_service and of modules for it. Where an autoscaler is in these files, the count is "
    "not known. Judges files without a plan only.",
)
