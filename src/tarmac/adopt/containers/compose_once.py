"""What runs to its end in a compose project: a task of the programs that it prepares.

`compose` asks, when every container is read.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tarmac.adopt.containers.container import without_installs
from tarmac.adopt.survey.found import Service, Survey, is_inside, valid_name

#: What makes the tables that all programs of a folder use.
_MAKES_TABLES = re.compile(
    r"\bmigrate\b|\bupgrade head\b|\bdb:(?:migrate|prepare)\b|\bdb upgrade\b"
)
#: What a container is called that only makes or changes tables.
_FOR_TABLES = re.compile(
    r"(?:(?P<of>[\w-]+?)[-_])?(?:(?:db[-_])?(?:migrat(?:e|ions?|or)|init[-_]?db|create[-_]tables)|"
    r"db[-_]?(?:init|setup))"
    r"(?:[-_](?:job|once))?"
)


def with_tasks(found: Survey, shapes: Mapping[str, Mapping[str, Any]]) -> Survey:
    """Make what runs to its end a task of those who wait for it, where it is of the same folder.

    One that is never started again and makes the tables is one of the first program there.
    """
    services = {service.name: service for service in found.services}
    alone = {valid_name(own) for own, spec in shapes.items() if _runs_once(own, spec)}
    retried = {valid_name(own) for own, spec in shapes.items() if _is_retried(spec)}
    completed = _completed(shapes)
    for name in sorted((completed | alone) & services.keys()):
        once = services[name]
        beside = [s for s in services.values() if s.folder == once.folder and s is not once]
        waiting = [service for service in beside if name in service.calls]
        line = "\0".join(once.container_command)  # the survey says it for here
        if not waiting and name in completed:  # of a workspace: its programs are below
            below = (s for s in services.values() if is_inside(s.folder, once.folder))
            waiting = [service for service in below if name in service.calls]
            words = _without_setup(once.container_command)
            place = posixpath.relpath(once.folder or ".", waiting[0].folder) if waiting else ""
            line = "\0".join(("cd", place, "&&", *words)) if words else ""
        makes = _MAKES_TABLES.search(line.replace("\0", " ")) or _FOR_TABLES.fullmatch(name)
        if name in retried - completed and not makes:
            continue  # a worker that is started again where it fails is meant to stay
        if name in alone and makes:
            waiting = waiting or _of_its_name(name, beside) or beside[:1]
        if not waiting or not line:
            continue
        del services[name]
        first = waiting[0]  # it has what that is told, where the program is told nothing
        told, tasks = {**once.env, **first.env}, {**first.tasks, name: line}
        services[first.name] = replace(first, env=told, tasks=tasks)
        for service in services.values():
            calls = tuple(call for call in service.calls if call != name)
            services[service.name] = replace(service, calls=calls)
    filling = [valid_name(own) for own, spec in shapes.items() if _fills(own, spec, shapes)]
    said = _by_hand(services, [name for name in filling if name in services])
    left_out = (*found.left_out, *said)
    return replace(found, services=tuple(_with_folders(services)), left_out=left_out)


#: What a container is called that only puts data into tables: again and again, were it a service.
_FILLS_TABLES = re.compile(
    r"(?:[\w-]+[-_])?(?:seed(?:er|s|ing)?|fixtures?|load[-_]?data)(?:[-_](?:data|db|database))?"
)


def _fills(own: str, spec: Mapping[str, Any], shapes: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tell whether a container fills tables and ends, and no other one waits for it."""
    restarts = str(spec.get("restart") or "no").partition(":")[0] not in ("no", "on-failure")
    stays = restarts or spec.get("ports") or spec.get("expose")
    waited = any(own in (one.get("depends_on") or ()) for one in shapes.values())
    return _FILLS_TABLES.fullmatch(own) is not None and not stays and not waited


def _by_hand(services: dict[str, Service], names: list[str]) -> list[str]:
    """Make containers that fill tables commands of the program beside each; say how to run them."""
    said = []
    for name in names:
        once = services[name]
        beside = [s for s in services.values() if s.folder == once.folder and s.name not in names]
        called = [s for s in beside if s.name in once.calls]
        target = next((s for s in (*called, *beside) if s.ports), None)
        if target is None or not once.container_command:
            continue
        del services[name]
        tasks = {**target.tasks, name: "\0".join(once.container_command)}
        changed = replace(target, tasks=tasks, by_hand=(*target.by_hand, name))
        services[target.name] = changed
        said.append(f"{name}: it fills tables; `tarmac run {target.name} {name}` does it by hand")
    return said


def _without_setup(words: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out what makes folders of the container, and what installs packages."""
    while "&&" in words and re.match(r"mkdir(?: -p)? /", " ".join(words)):
        words = words[words.index("&&") + 1 :]
    return without_installs(words)


def _completed(shapes: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """List the services whose end others wait for."""
    return {
        valid_name(target)
        for spec in shapes.values()
        if isinstance(spec.get("depends_on"), dict)
        for target, how in spec["depends_on"].items()
        if isinstance(how, dict) and how.get("condition") == "service_completed_successfully"
    }


def _runs_once(own: str, spec: Mapping[str, Any]) -> bool:
    """Tell whether a service is not started again when it has ended well, and listens nowhere.

    One that is called by the tables that it makes ends, where nothing says that it starts again.
    """
    said = str(spec.get("restart")).partition(":")[0]
    is_named = _FOR_TABLES.fullmatch(own) is not None and "restart" not in spec
    ends = said in ("no", "on-failure") or is_named
    return ends and not spec.get("ports") and not spec.get("expose")


def _is_retried(spec: Mapping[str, Any]) -> bool:
    return str(spec.get("restart")).partition(":")[0] == "on-failure"


def _of_its_name(name: str, beside: list[Service]) -> list[Service]:
    """Find the program that a container's name says it makes tables for: user-migrate, user-api."""
    match = _FOR_TABLES.fullmatch(name)
    of = match["of"] if match else ""
    return [s for s in beside if of and re.match(rf"{re.escape(of)}(?:[-_]|$)", s.name)]


def _with_folders(services: Mapping[str, Service]) -> list[Service]:
    """Let the whole folder be a service's own where no other one shares it."""
    folders = [service.folder for service in services.values()]
    return [
        replace(service, files=service.files if folders.count(service.folder) > 1 else ())
        for service in services.values()
    ]
