"""Checks what one service says for itself: its command, ports, volumes, tasks, lists.

Called by `consistency` for each service.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from tarmac.base import cron
from tarmac.base.errors import Problem, did_you_mean
from tarmac.base.written import shown
from tarmac.model import conventions
from tarmac.model.location import Path
from tarmac.model.service import Service
from tarmac.model.system import System

#: Programs that put variables in by themselves.
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "fish", "env"})
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_REFERENCE = re.compile(r"\$\{[^{}]*\.[^{}]*\}")
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)


def contradictions(system: System, name: str, service: Service) -> Iterator[Problem]:
    """Yield everything that is wrong with one service, whatever stands elsewhere."""
    root: Path = ("services", name)
    commands: dict[Path, tuple[str, ...] | None] = {(*root, "run"): service.run}
    if service.probe is not None:
        commands[*root, "probe", "command"] = service.probe.command
    commands[*root, "stop", "command"] = service.stop.command
    for name_of, hook in (
        ("after_start", service.after_start),
        ("before_stop", service.before_stop),
    ):
        commands[*root, name_of, "run"] = hook.run if hook else None
    for task, spec in service.tasks.items():
        commands[*root, "tasks", task, "run"] = spec.run
    for path, argv in commands.items():
        if argv is not None:
            yield from _command(system, path, argv, service)
    for sourced in system.parts.get(name, ()):
        if sourced.part.run is not None and not _program(sourced.part.run):
            where = str(sourced.document.locate(("run",)))
            yield Problem(where, "run is empty; name a program, e.g. run: [npm, start]")
    yield from _ports(system, root, name, service)
    yield from _env(system, root, service)
    yield from _folders(system, root, service)
    yield from _schedules(system, root, service)
    yield from _order(system, root, service)
    yield from _twice(system, root, service)


def _at(system: System, *path: str | int, key: bool = False) -> str:
    return str(system.locate(path, key=key))


def _program(argv: tuple[str, ...]) -> str:
    return argv[0].strip() if argv else ""


def _command(
    system: System, path: Path, argv: tuple[str, ...], service: Service
) -> Iterator[Problem]:
    key = path[-1]
    if not _program(argv):
        yield Problem(
            _at(system, *path), f"{key} is empty; name a program, e.g. {key}: [npm, start]"
        )
        return
    is_line = len(argv) == 1 and " " in argv[0]
    by_shell = is_line or posixpath.basename(argv[0]) in SHELLS
    given = {conventions.PORT, conventions.HOST, *service.env, *service.secret_variables}
    for index, word in enumerate(argv):
        if found := _REFERENCE.search(word):
            yield Problem(
                _at(system, *path, index),
                f"{key} has {shown(found[0])}, and only `env` takes references; "
                f"set a variable there, and use $NAME in a command of one line",
            )
        elif not by_shell and (names := set(_VARIABLE.findall(word)) & given):
            line = _line(argv)
            yield Problem(
                _at(system, *path, index),
                f"{key} has ${min(names)}, which a list does not replace; "
                f"write one line, which a shell reads: {key}: {line if len(line) < 60 else '...'}",
            )


def _line(argv: Sequence[str]) -> str:
    """Write a command as a value of one line, which is right in a mapping in braces, too."""
    line = " ".join(f"'{word}'" if " " in word and "$" not in word else word for word in argv)
    return line if re.fullmatch(r"[\w $./=@+-]+", line) else json.dumps(line)


def _ports(system: System, root: Path, name: str, service: Service) -> Iterator[Problem]:
    fixed = service.listen == "fixed"
    if fixed and not service.listening:
        yield Problem(
            _at(system, *root, "listen"), f"{name} listens on a fixed port and has none; add `port`"
        )
    if fixed and service.replicas > 1:
        yield Problem(
            _at(system, *root, "replicas"),
            f"{name} has {service.replicas} replicas and `listen: fixed`, where only one can have "
            "the port; remove one of the two lines",
        )
    if service.public is not None and not service.listening:
        yield Problem(_at(system, *root, "public"), f"{name} is public and has no port; add `port`")
    if service.public is not None:
        for index, path in enumerate(service.public.paths):
            if not path.startswith("/"):
                yield Problem(
                    _at(system, *root, "public", "paths", index),
                    f"{shown(path)} is not a path; begin it with '/'",
                )
    probe = service.probe
    if probe is not None and (probe.http or probe.tcp or probe.grpc) and not service.listening:
        yield Problem(
            _at(system, *root, "probe"),
            f"{name} is probed over the network and has no port; add `port: ...`",
        )


def _env(system: System, root: Path, service: Service) -> Iterator[Problem]:
    for variable in service.env:
        if variable in service.secret_variables:
            there = _at(system, *root, "secrets", *filter(service.secrets.__contains__, [variable]))
            yield Problem(
                _at(system, *root, "env", variable, key=True),
                f"{variable} is in both `env` and `secrets` ({there}); keep one",
            )
    for variable, use in service.secrets.items():
        if use.also in service.secrets:
            yield Problem(
                _at(system, *root, "secrets", variable, "also"),
                f"{variable} has the second value {use.also}, which is a secret of its own; choose "
                "another name, and do not list it",
            )
    if conventions.PORT in service.env and service.listening and service.listen != "fixed":
        yield Problem(
            _at(system, *root, "env", conventions.PORT, key=True),
            "PORT is given by Tarmac, which listens on the service's port itself; remove it, "
            "or add `listen: fixed`",
        )


def _folders(system: System, root: Path, service: Service) -> Iterator[Problem]:
    places: dict[Path, str] = {
        (*root, "volumes", volume): path for volume, path in service.volumes.items()
    }
    for path, folder in places.items():
        place, what = _at(system, *path), f"volume '{path[-1]}'"
        normal = posixpath.normpath(folder)
        if not folder.strip():
            yield Problem(place, f"{what} has an empty path; write a folder, e.g. var/{path[-1]}")
        elif "${" in folder:
            yield Problem(
                place, f"{what} has {shown(folder)}, and only `env` takes references; write a path"
            )
        elif folder.startswith(("/", "~")) or re.match(r"[A-Za-z]:[\\/]", folder):
            yield Problem(
                place,
                f"{what} is an absolute path ({shown(folder)}); write one within the service's "
                f"folder, e.g. var/{path[-1]}",
            )
        elif normal == ".." or normal.startswith("../"):
            yield Problem(
                place,
                f"{what} is outside the service's folder ({shown(folder)}); write one within, "
                f"e.g. var/{path[-1]}",
            )


def _schedules(system: System, root: Path, service: Service) -> Iterator[Problem]:
    for task, spec in service.tasks.items():
        if spec.schedule is None:
            continue
        try:
            cron.runs(spec.schedule, _ANY_TIME)
        except ValueError as error:
            yield Problem(
                _at(system, *root, "tasks", task, "schedule"),
                f"schedule is {shown(spec.schedule)}, not a schedule ({error}); "
                'write minute, hour, day, month, weekday, e.g. "*/15 * * * *"',
            )


def _order(system: System, root: Path, service: Service) -> Iterator[Problem]:
    """Yield tasks that wait for what never ends, is not there, or waits for them."""
    once = [task for task, spec in service.tasks.items() if spec.schedule is None]
    for task, spec in service.tasks.items():
        place = _at(system, *root, "tasks", task, "after") if spec.after is not None else ""
        if spec.schedule is not None and spec.after is not None:
            yield Problem(place, "after is for tasks that run once; remove it, or the schedule")
        for other in spec.after or ():
            if other == task:
                yield Problem(place, f"after names {task} itself; name another task, or []")
            elif other not in once:
                hint = did_you_mean(other, [name for name in once if name != task])
                yield Problem(
                    place, f"after names '{other}', which runs once before nothing; {hint}"
                )
            elif task in service.before(other):
                yield Problem(place, f"{task} waits for {other}, which waits for it; remove one")


def _twice(system: System, root: Path, service: Service) -> Iterator[Problem]:
    for key in ("source", "publishes", "consumes", "externals", "secrets"):
        seen: set[str] = set()
        for index, value in enumerate(getattr(service, key)):
            if value in seen:
                yield Problem(
                    _at(system, *root, key, index), f"{key} has '{value}' twice; remove one"
                )
            seen.add(value)
