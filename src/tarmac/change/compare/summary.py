"""Compares one environment, and merges the same change in many places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from tarmac.base.artifact import Artifact
from tarmac.change.compare import consequences, implied, judging_objects, objects
from tarmac.change.compare.change import Change, Difference, Risk, RiskAssessment, differences
from tarmac.change.compare.facts import ComparedFact, Side, facts
from tarmac.change.compare.judging import JUDGES
from tarmac.change.compare.wording import listed, plural, text

_ORDER = {what: number for number, what in enumerate(JUDGES)}


@dataclass(frozen=True)
class RenderedSide:
    """One environment of a system on one side, with its rendered files."""

    side: Side
    artifacts: tuple[Artifact, ...]


def changes(before: RenderedSide, after: RenderedSide) -> Iterator[Change]:
    """Yield all that is different in one environment, one change for each difference."""
    old, new = before.side, after.side
    found = differences(facts(old), facts(new))
    for difference in implied.not_implied(found, old, new):
        yield _change(
            difference, JUDGES[difference.key.what](ComparedFact(difference, old, new)), new
        )
    files = [objects.rendered_files(one.side.plan, one.artifacts) for one in (before, after)]
    shifts = objects.file_differences(*files)
    for shift in consequences.unexplained(shifts, found, old, new):
        one = shift.rendered
        for what, told in judging_objects.assessments(shift):
            is_order = shift.path == objects.WRITING
            yield Change(
                told=told,
                what=what,
                verb=shift.verb,
                system=new.system.name,
                subjects=(one.owner,),
                environments=(new.plan.environment,),
                names=(one.artifact.path,),
                old=None if shift.old is None or is_order else text(shift.old),
                new=None if shift.new is None or is_order else text(shift.new),
                places=(one.artifact.place,) if one.artifact.place else (),
            )


def _change(found: Difference, told: RiskAssessment, new: Side) -> Change:
    old_value, new_value = found.values
    fact = found.new or found.old
    return Change(
        told=told,
        what=found.key.what,
        verb=found.verb,
        system=new.system.name,
        subjects=(found.key.subject,),
        environments=(new.plan.environment,),
        names=(found.key.name,) if found.key.name else (),
        old=None if found.old is None else text(old_value),
        new=None if found.new is None else text(new_value),
        places=(fact.place,) if fact is not None and fact.place else (),
    )


def one_sided(side: Side, verb: str, *, of: str) -> Change:
    """Assess an environment or a system that is on one side only."""
    plan = side.plan
    routes = sorted(
        {f"{route.host}{path}" for w in plan.services for route in w.routes for path in route.paths}
    )
    stores = len(plan.stores) + len(plan.managed)
    holds = f"{plural(len(plan.services), 'service')}, {plural(stores, 'store')}"
    public = f", public at {listed(f'`{route}`' for route in routes)}" if routes else ""
    added = verb == "added"
    risk = Risk.HIGH if routes or not added else Risk.MEDIUM
    why = "public routes are reachable from the internet" * bool(routes)
    if not added:
        why = (
            "its running objects are no longer managed"
            if of == "environment"
            else "the whole system is removed"
        )
    name = plan.environment
    subject = name if of == "environment" else plan.system
    fact = f"new {of}: {holds}{public}" if added else f"{of} removed: {holds}{public}"
    place = side.place() if of == "environment" else f"{plan.model}:1:1"
    return Change(
        told=RiskAssessment(risk, fact, why),
        what=of,
        verb="added" if added else "removed",
        system=plan.system,
        subjects=(subject,),
        environments=(name,),
        old=None if added else holds,
        new=holds if added else None,
        places=(place,),
    )


def merged(every: Iterable[Change]) -> tuple[Change, ...]:
    """Merge equal changes of several subjects and environments; sort by risk."""
    by_environment = _merged(every, lambda one: (one.subjects, one.names))
    by_subject = _merged(by_environment, lambda one: one.environments)
    return tuple(sorted(by_subject, key=_rank))


def _rank(one: Change) -> tuple[object, ...]:
    number = _ORDER.get(one.what, len(_ORDER))
    return (-one.told.risk, one.system, number, one.what, one.subjects, one.told.fact)


def _merged(every: Iterable[Change], also: Callable[[Change], object]) -> list[Change]:
    found: dict[object, Change] = {}
    for one in every:
        key = (one.system, one.what, one.verb, one.told, also(one))
        was = found.get(key)
        found[key] = one if was is None else _both(was, one)
    return list(found.values())


def _both(one: Change, other: Change) -> Change:
    return replace(
        one,
        subjects=_union(one.subjects, other.subjects),
        environments=_union(one.environments, other.environments),
        names=_union(one.names, other.names),
        places=_union(one.places, other.places),
        told=replace(one.told, at=_union(one.told.at, other.told.at)),
        old=one.old if one.old == other.old else None,
        new=one.new if one.new == other.new else None,
    )


def _union(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*one, *other)))
