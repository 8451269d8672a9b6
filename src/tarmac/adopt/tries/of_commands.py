"""Corrects how a service is started: its port, its path, its program, its kind of life."""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt.survey.found import MIGRATE, WAITS, Service
from tarmac.adopt.tries.case import TRIED, Case, Correction, Lesson, changed_in

#: Answers of a path that say nothing of a program's health: it has another one, or a login.
_SAYS_NOTHING = frozenset({"301", "302", "307", "308", "400", "401", "403", "404", "405", "406"})
#: Why a program has a port whose code names none.
_ASSUMED = re.compile(r"^port (?:8000: its code names none|\d+, because 8000 is another's)$")


def _port(case: Case, match: re.Match[str]) -> Lesson | None:
    """Believe it about its port, unless another service has that one."""
    number, service = int(match[1]), case.service
    others = (s for s in case.found.services if s.name != service.name and s.fixed)
    if any(number in other.ports.values() for other in others):
        return None
    first = next(iter(service.ports), "http")
    changed = replace(
        service,
        ports={**service.ports, first: number},
        fixed=True,
        # What is known of its port from elsewhere no longer holds.
        guesses=tuple(guess for guess in service.guesses if "port " not in guess),
    )
    return case.corrected(changed, f"it listens on {number}, whatever PORT says")


def _is_assumed(service: Service) -> bool:
    """Tell whether it has a port only because a service has one as a rule: its code names none."""
    return any(map(_ASSUMED.search, service.guesses))


def _none(case: Case, match: re.Match[str]) -> Lesson | None:
    """Take away a port that was assumed, from a program that runs and listens on none."""
    del match
    if not _is_assumed(case.service):
        return None
    guesses = tuple(guess for guess in case.service.guesses if not guess.startswith("port "))
    changed = replace(case.service, ports={}, probe="", guesses=guesses)
    return case.corrected(changed, "it listens on no port, so that it has none here")


def _path(case: Case, match: re.Match[str]) -> Lesson | None:
    """Ask only its port for its health, where the path that was asked has no answer for that."""
    if match[1] != case.service.probe or match[2] not in _SAYS_NOTHING:
        return None
    note = f"{match[1]} answers {match[2]}, so that its port alone tells whether it is ready"
    return case.corrected(replace(case.service, probe=""), note)


def _by_shell(case: Case, match: re.Match[str]) -> Lesson | None:
    """Start by a shell a script that may not be started by its name."""
    script = match[1]
    word = re.compile(
        rf"(?<![\w./-])(?<!sh )(?:\./)?{re.escape(script.removeprefix('./'))}(?=\s|$)"
    )
    service = case.service
    tasks = {name: word.sub(_with_shell, line) for name, line in service.tasks.items()}
    changed = replace(service, run=word.sub(_with_shell, service.run), tasks=tasks)
    if changed == service:
        return None
    return case.corrected(changed, f"{script} is not executable, so that a shell reads it")


def _with_shell(match: re.Match[str]) -> str:
    return f"sh {match[0]}"


def _elsewhere(case: Case, match: re.Match[str]) -> Lesson | None:
    """Start what its build has made at another place than its command names."""
    if len(case.failure.elsewhere) != 1 or case.failure.task:
        return None
    (place,) = case.failure.elsewhere
    builds, both, _ = case.service.run.rpartition("&& ")
    note = f"its build makes {place}, and not {match[1]}"
    return case.corrected(replace(case.service, run=f"{builds}{both}node {place}"), note)


def _ends(case: Case, match: re.Match[str]) -> Lesson | None:
    """Make a task of what ends when its work is done, for a service of the same folder.

    Only of what is called by none and is known to have no port: what was meant to stay has failed.
    """
    del match
    own = case.service
    beside = [s for s in case.found.services if s.folder == own.folder and s.name != own.name]
    is_meant_to_stay = own.ports and not _is_assumed(own)
    if is_meant_to_stay or own.tasks.keys() & {own.name} or case.failure.task or not beside:
        return None
    if any(_refers_to(own.name, service) for service in case.found.services):
        return None
    first = next((s for s in beside if s.ports and not _is_assumed(s)), beside[0])
    if any(first.env.get(name, value) != value for name, value in own.env.items()):
        return None
    note = f"{TRIED}{own.name} ends when its work is done, so that it is a task here"
    changed = replace(
        first,
        tasks={**first.tasks, **_done_by(own, first), own.name: own.run},
        env={**own.env, **first.env},
        secrets=tuple(dict.fromkeys((*first.secrets, *own.secrets))),
        remarks=(*first.remarks, note),
    )
    left = tuple(s for s in case.found.services if s.name != own.name)
    found = changed_in(replace(case.found, services=left), changed)
    said = f"{TRIED}it ends when its work is done, so that it is a task of {first.name}"
    return Lesson(found, said, is_corrected=True)


def _done_by(own: Service, other: Service) -> dict[str, str]:
    """List the tasks of a service that another one lacks, or waits for."""
    waits = {name for name, line in other.tasks.items() if line.startswith(WAITS)}
    return {n: line for n, line in own.tasks.items() if n not in other.tasks or n in waits}


def _refers_to(name: str, other: Service) -> bool:
    said = "\n".join(other.env.values())
    return name in other.calls or f"${{services.{name}." in said


def _behind_tables(case: Case, match: re.Match[str]) -> Lesson | None:
    """Put a task that asks for a table behind the one that makes the tables."""
    del match
    tasks = dict(case.service.tasks)
    names, own = [*tasks], case.failure.task
    if own not in names or MIGRATE not in names or names.index(own) > names.index(MIGRATE):
        return None
    line = tasks.pop(own)
    made = {name: tasks[name] for name in names[: names.index(MIGRATE) + 1] if name != own}
    changed = replace(case.service, tasks={**made, own: line, **tasks})
    return case.corrected(changed, f"{own} asks for tables, so that it comes behind {MIGRATE}")


def _with_colon(case: Case, match: re.Match[str]) -> Lesson | None:
    """Give a program of Go an address to listen at where it takes PORT for one."""
    del match
    service = case.service
    number = next(iter(service.ports.values()), 0)
    if not number or service.fixed:
        return None
    changed = replace(service, fixed=True, env={**service.env, "PORT": f":{number}"})
    return case.corrected(changed, "it takes PORT for an address, which has a colon")


CORRECTIONS: tuple[tuple[str, Correction], ...] = (
    (r"it listens on (\d+); expected", _port),
    (r"it listens on port (\d+), which Tarmac reserves", _port),
    (r"^not \w+ within .*\((/\S*) answers (\d{3})\b", _path),
    (r"^(\S+) is not executable; chmod", _by_shell),
    (r"^(\S+) is not there; build the program first", _elsewhere),
    (r"^it exited without an error(?:;|, and nothing of it stays)", _ends),
    (r"^it listens on no port; expected", _none),
    (
        r"relation \S+ does not exist|no such table|UndefinedTable|Table '\S+' doesn't exist",
        _behind_tables,
    ),
    (r"\baddress \d+: missing port in address", _with_colon),
)
