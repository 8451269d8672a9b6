"""Corrects what a service is told: a variable that it lacks, or a value that it cannot read."""

from __future__ import annotations

import json
import re
from dataclasses import replace

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Service
from tarmac.adopt.tries.case import TRIED, Case, Correction, Lesson
from tarmac.adopt.tries.with_store import with_store
from tarmac.adopt.variables.dotenv_files import is_secret
from tarmac.adopt.variables.for_now import readable

_FOR_NOW = "there until you give the true one"
#: What programs say of a value that is not there, without its name.
_OF_NOTHING = (
    r"^it says: .*(?:NoneType|of undefined|of null|reading '|must be of type string|"
    r"Expected a string|must not be (?:null|empty|blank)|invalid memory address)"
)
_OF_A_KIND = {"integer": "10", "number": "10", "boolean": "false", "URL": "http://localhost"}


def _missing(case: Case, match: re.Match[str]) -> Lesson | None:
    return _with_value(case, as_read(case.service, match[1]))


def _with_value(case: Case, name: str) -> Lesson | None:
    """Give a variable the store that its name means, a secret, or a value that can be read.

    A word that may mean any database, such as DB, means one that is there.
    """
    service = case.service
    there = frozenset(store.kind for store in case.found.stores)
    known = servers.of_variable(name, there)
    if known and known[0].kind in case.kinds:
        found, store, is_new = with_store(case.found, known[0])
        value = servers.reference(store.name, known[1], broker=known[0].broker)
        what = f"the {known[0].kind} that it names" if is_new else f"that of {store.name}"
        note = f"it does not start without {name}: {what} is its value now"
        return case.corrected(_told(service, name, value), note, found)
    if name in service.env or name in service.secrets:
        return None
    if is_secret(name):
        changed = given(replace(service, secrets=(*service.secrets, name)), name)
        note = f"it does not start without {name}, which is generated now"
        return case.corrected(changed, note)
    if servers.of_variable(name, case.kinds):  # of a server that nothing shows
        return None
    value = readable(name, service.run)
    note = f"it does not start without {name}, which no file gives: {value} is {_FOR_NOW}"
    return case.corrected(_told(service, name, value), note)


def _unnamed(case: Case, match: re.Match[str]) -> Lesson | None:
    """Give all variables a value that have none, where an error says only that something is not."""
    del match
    lacks = [*case.service.missing]
    lesson: Lesson | None = None
    for name in lacks:
        found = lesson.found if lesson else case.found
        own = next(s for s in found.services if s.name == case.service.name)
        lesson = _with_value(replace(case, found=found, service=own), name) or lesson
    if lesson is None:
        return None
    names = ", ".join(lacks)
    note = f"{TRIED}it fails for want of a value, so that {names} have one now: {_FOR_NOW}"
    return replace(lesson, note=note)


def _told(service: Service, name: str, value: str) -> Service:
    return given(replace(service, env={**service.env, name: value}), name)


def as_read(service: Service, name: str) -> str:
    """Find the variable that a program means which names a field of its settings: its prefix."""
    known = {*service.env, *service.secrets, *service.missing, *service.optional}
    longer = [other for other in known if other.endswith(f"_{name}")]
    return longer[0] if name not in known and len(longer) == 1 else name


def given(service: Service, name: str) -> Service:
    """Take a variable off the lists of those without a value."""
    return replace(
        service,
        missing={key: place for key, place in service.missing.items() if key != name},
        optional=tuple(other for other in service.optional if other != name),
    )


def _as_json(case: Case, match: re.Match[str]) -> Lesson | None:
    """Write a list as JSON for settings that read lists so."""
    name = as_read(case.service, match[1])
    value = case.service.env.get(name)
    if value is None or "${" in value:
        return None
    words = [word.strip() for word in value.split(",") if word.strip()]
    env = {**case.service.env, name: json.dumps(words)}
    note = f"its settings read {name} as JSON"
    return case.corrected(replace(case.service, env=env), note)


def _of_kind(case: Case, match: re.Match[str]) -> Lesson | None:
    """Give a variable a value of the kind that its settings insist on."""
    name, kind = as_read(case.service, match[1]), match[2]
    value = case.service.env.get(name, "")
    first = re.match(r"'([\w.:-]+)'", kind)
    readable = first[1] if first else _OF_A_KIND.get(kind.split()[-1], "")
    if not readable or "${" in value or name in case.service.secrets:
        return None
    what = f"one of {kind}" if first else f"a valid {kind}"
    note = f"its settings want {what} in {name}: {readable} is {_FOR_NOW}"
    return case.corrected(_told(case.service, name, readable), note)


CORRECTIONS: tuple[tuple[str, Correction], ...] = (
    (r"missing environment variable (\w+);", _missing),
    (_OF_NOTHING, _unnamed),
    (r"^(\w+) is given a text that is not JSON", _as_json),
    (r"^(\w+) is given another value than ([^;]+); correct", _of_kind),
)
