"""Corrects what was found by what a try showed: a port, a missing store, a package, a variable.

`tarmac init --try` calls it with the likely causes that `up` gave. Pure; what it cannot correct it
notes, so that the file says what is left to do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from tarmac.adopt.survey.found import Service, Store, Survey
from tarmac.adopt.tries import of_commands, of_packages, of_servers, of_variables
from tarmac.adopt.tries.case import TRIED, Case, Correction, Failure, Lesson, changed_in
from tarmac.adopt.tries.of_variables import as_read

#: It is for another machine: a language or a program that this one lacks.
_ABSENT = re.compile(
    r"is not on PATH|^program \S+ was not found|fits this Python|install that one$"
)
#: It says no more than that the program ends, or does not listen: it may lack a value.
_ENDS = re.compile(r"^(?:ended (?:with|by)|lives for less|not booted within|it says: )")
#: (what a cause says, what corrects it)
_CORRECTIONS: tuple[tuple[str, Correction], ...] = (
    *of_commands.CORRECTIONS,
    *of_variables.CORRECTIONS,
    *of_servers.CORRECTIONS,
    *of_packages.CORRECTIONS,
)


def corrected(
    found: Survey, failures: Iterable[Failure], kinds: frozenset[str]
) -> tuple[Lesson, ...]:
    """Correct what can be corrected, one failure after the other; the last lesson has all of it."""
    return _learnt(found, failures, kinds, _CORRECTIONS)


def noted(found: Survey, failures: Iterable[Failure], kinds: frozenset[str]) -> tuple[Lesson, ...]:
    """Take notes of failures, one after the other, and correct nothing."""
    return _learnt(found, failures, kinds, ())


def _learnt(
    found: Survey,
    failures: Iterable[Failure],
    kinds: frozenset[str],
    corrections: tuple[tuple[str, Correction], ...],
) -> tuple[Lesson, ...]:
    lessons: list[Lesson] = []
    for failure in failures:
        service = next((s for s in found.services if s.name == failure.service), None)
        if service is None:
            continue
        lesson = _lesson(Case(found, service, failure, kinds), corrections)
        found = _noted(lesson.found, failure.service, lesson.note)
        lessons.append(replace(lesson, found=found))
    return tuple(lessons)


def taken_back(found: Survey, before: Survey, failure: Failure) -> Survey:
    """Undo for a service what a try has shown to be of no help: it fails as it did before.

    Args:
        before: what was known before the correction.
    """
    old = next(service for service in before.services if service.name == failure.service)
    found = _noted(changed_in(found, old), failure.service, _note(old, failure))
    said = "\n".join(value for service in found.services for value in service.env.values())
    known = {store.name: store for store in before.stores}
    used = {name for service in found.services for name in service.stores}
    kept = (
        _as_before(store, known, failure)
        for store in found.stores
        if store.name in known or store.name in used or f"${{stores.{store.name}." in said
    )
    broker = found.broker if before.broker or "${broker." in said else None
    if broker and before.broker:
        broker = _as_before(broker, {broker.name: before.broker}, failure)
    return replace(found, stores=tuple(kept), broker=broker)


def _as_before(store: Store, before: Mapping[str, Store], failure: Failure) -> Store:
    """Return a store without the place that a service was wrongly said to know of it."""
    is_of_it = store.known is not None and store.known.by == failure.service
    return before.get(store.name, store) if is_of_it else store


def _lesson(case: Case, corrections: tuple[tuple[str, Correction], ...]) -> Lesson:
    cause = case.failure.cause
    for pattern, correct in corrections:
        if match := re.search(pattern, cause):
            if lesson := correct(case, match):
                return lesson
            break
    is_absent = bool(_ABSENT.search(cause))
    if corrections and _ENDS.search(cause) and (lesson := of_variables.lacking(case)):
        return lesson
    return Lesson(case.found, _note(case.service, case.failure), is_absent=is_absent)


def _note(service: Service, failure: Failure) -> str:
    """Write a failure, with the name of a variable as the program reads it."""
    what = f"task {failure.task}: " if failure.task else ""
    named = re.sub(
        r"(?<=missing environment variable )\w+",
        lambda match: as_read(service, match[0]),
        failure.cause,
    )
    return f"{TRIED}{what}{named}"


def _noted(found: Survey, name: str, note: str) -> Survey:
    service = next((s for s in found.services if s.name == name), None)
    if service is None or note in service.remarks:
        return found
    return changed_in(found, replace(service, remarks=(*service.remarks, note)))
