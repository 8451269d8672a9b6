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


def _of_nothing(case: Case, match: re.Match[str]) -> Lesson | None:
    """An error says only that something is not there: it may mean all that has no value."""
    del match
    return lacking(case)


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


#: What class-validator says of a field of settings, in the words of its own report.
_CONSTRAINED = re.compile(r"property (\w+) has failed the following constraints: ([\w, ]+)")
#: Its checks, and a value that passes; of several, the first of these.
_PASSES = (
    ("isBoolean", "false"),
    ("isPort", "1025"),
    ("isInt", "10"),
    ("isNumber", "10"),
    ("isNumberString", "10"),
    ("isUrl", "http://localhost"),
    ("isEmail", "someone@example.com"),
)


def lacking(case: Case) -> Lesson | None:
    """Give values where nothing else is known of a failure: what its settings or no file says.

    class-validator names all that it lacks, of which the last lines are known.
    """
    said = "\n".join((case.failure.cause, *case.failure.last_lines))
    wanted = {name: checks.replace(",", " ").split() for name, checks in _CONSTRAINED.findall(said)}
    if case.failure.task:
        return None
    lesson: Lesson | None = None
    names = []
    for name in dict.fromkeys((*wanted, *case.service.missing)):
        found = lesson.found if lesson else case.found
        own = next(s for s in found.services if s.name == case.service.name)
        now = replace(case, found=found, service=own)
        passes = (value for check, value in _PASSES if check in wanted.get(name, ()))
        value = "" if is_secret(name) or name in own.env else next(passes, "")
        given_so = now.corrected(_told(own, name, value), "") if value else None
        if taught := given_so or _with_value(now, name):
            lesson = taught
            names.append(name)
    if lesson is None:
        return None
    note = f"{TRIED}it fails for want of a value, so that {', '.join(names)} have one now"
    return replace(lesson, note=f"{note}: {_FOR_NOW}")


CORRECTIONS: tuple[tuple[str, Correction], ...] = (
    (r"missing environment variable (\w+);", _missing),
    (_OF_NOTHING, _of_nothing),
    (r"^(\w+) is given a text that is not JSON", _as_json),
    (r"^(\w+) is given another value than ([^;]+); correct", _of_kind),
)
