"""Rules of the API server that no schema has: numbers within bounds, and words that it knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, dig, port, text
from tarmac.base.report import Finding, Fix
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.amounts import asked_amounts, is_amount, unless, wrong_amount
from tarmac.check.gates.views.objects.leaves import is_meant, leaves
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.objects.object_rules import (
    PLACES,
    choices,
    is_defaulted,
    is_ruled,
    nearly,
    object_rules,
    written,
)
from tarmac.check.gates.views.objects.role_rules import is_of_others, without_effect
from tarmac.check.gates.views.objects.text_forms import is_filled, is_replaced, wrong_form
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.shapes.templates import spec_paths
from tarmac.check.schemas.fixes import reworded

FILE = files("tarmac") / "assets" / "kind_rules.yaml"
#: Begins a place that may be at any depth.
DEEP = "**"


class Breach(NamedTuple):
    """A value that is refused, and what stands there instead."""

    path: Path
    what: str
    fix: Fix | None = None


def check(files: Files) -> Iterator[Finding]:
    """Yield values that an API server refuses, or takes and never acts on."""
    for artifact in _ruled(files):
        own = _breaches(artifact)
        for breach in {found.path: found for found in (*own, *kind_breaches(artifact))}.values():
            what = f"{'.'.join(map(str, breach.path))} of {title(artifact)} {breach.what}"
            yield Finding(artifact.at(*breach.path), what, fix=breach.fix)


def _ruled(files: Files) -> list[Artifact]:
    return [one for one in files.objects() if is_ruled(one) or _is_asked(one)]


def _is_asked(artifact: Artifact) -> bool:
    asked = has_rules(kind_of(artifact)) or any(spec_paths(artifact.data))
    return asked or any(True for _ in asked_amounts(artifact.data))


@cache
def kind_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


@cache
def has_rules(kind: str) -> bool:
    """Tell whether there are rules for a kind."""
    return any(kind in rules for rules in kind_rules().values())


def _breaches(artifact: Artifact) -> Iterator[Breach]:
    """Yield each value of an object that is refused."""
    data, ruled = artifact.data, is_ruled(artifact)
    for top in ((),) if ruled else spec_paths(data):
        for path, value in leaves(dig(data, *top), top):
            whole = written(path)
            # A resource of others may be called almost as one of the server's.
            is_own = not is_of_others(artifact, path)
            if is_own and (what := _number(path, value) or _word(whole, value)):
                yield Breach(path, what + unless(data, path), reworded(value, choices(whole)))
    if ruled:
        yield from _of_kind(artifact)
        return
    yield from (Breach(p, what) for p, v in asked_amounts(data) if (what := wrong_amount(p, v)))


def _number(path: Path, value: Any) -> str:
    if is_amount(path):
        return wrong_amount(path, value)
    bounds = object_rules()["bounds"].get(path[-1]) if isinstance(value, int) else None
    found = _bounds(value, bounds) if bounds else ""
    if found and value == 0 and str(path[-2:][0]).endswith("Probe"):
        return "is 0, for which the server writes its default; write the number that is meant"
    return found


def _word(whole: str, value: Any) -> str:
    if not isinstance(value, str):
        return ""
    words, others = choices(whole), nearly(whole)
    if not (words or others) or is_replaced(value):
        return ""
    if words and value not in words and (value or not is_defaulted(whole)):
        return _unknown(value, words)
    found = (_near(value, words) for words in others if value not in words)
    return next(filter(None, found), "")


def _of_kind(artifact: Artifact) -> Iterator[Breach]:
    """Yield what is refused in one kind of object."""
    kind, data = kind_of(artifact), artifact.data
    update = ("spec", "strategy", "rollingUpdate")
    room = [str(port(data, *update, key)) for key in ("maxSurge", "maxUnavailable")]
    if kind == "Deployment" and not {"None", *room} - {"None", "0", "0%"} and "None" not in room:
        yield Breach(update, "allows neither more pods nor fewer, so no update begins; allow one")
    if kind in ("Role", "ClusterRole"):
        yield from (Breach(path, what) for path, what in without_effect(artifact))
    own = ("spec", "jobTemplate", "spec") if kind == "CronJob" else ("spec",)
    if kind in ("Job", "CronJob"):
        path = (*own, "template", "spec", "restartPolicy")
        if text(data, *path) in (None, "Always"):
            what = "must be Never or OnFailure for the pods of a job; write one of them"
            yield Breach(path, f"is {text(data, *path)}; {what}")


def kind_breaches(artifact: Artifact) -> Iterator[Breach]:
    """Yield each value of an object that its controller refuses."""
    kind = kind_of(artifact)
    for path, value in leaves(artifact.data) if has_rules(kind) else ():
        for judge, rule in _asked(kind, written(path)):
            if what := judge(value, rule):
                yield Breach(path, what)


@lru_cache(PLACES)
def _asked(kind: str, whole: str) -> tuple[tuple[Callable[[Any, Any], str], Any], ...]:
    """List what is asked of a place of a kind, with the rule."""
    return tuple(
        (judge, rule)
        for section, judge in _JUDGES.items()
        for place, rule in kind_rules()[section].get(kind, {}).items()
        if whole == place or (place.startswith(DEEP) and whole.endswith(place.removeprefix(DEEP)))
    )


def _bounds(value: Any, bounds: list[int]) -> str:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return ""
    least, *most = bounds
    if least is not None and value < least:
        return f"is {value}; must be at least {least}"
    if most and value > most[0]:
        return f"is {value}; must be at most {most[0]}"
    return ""


def _choice(value: Any, words: list[str]) -> str:
    is_known = not isinstance(value, str) or value in words or is_filled(value)
    return "" if is_known else _unknown(value, words)


def _unknown(value: str, words: Sequence[str]) -> str:
    return f"is {value!r}, which is not known; {did_you_mean(value, words)}"


def _near(value: Any, words: Sequence[str]) -> str:
    near = [word for word in words if value not in words and is_meant(str(value), word)]
    return f"is {value!r}, which is almost {near[0]}; write that" if near else ""


_JUDGES: dict[str, Callable[[Any, Any], str]] = {
    "bounds": _bounds,
    "forms": wrong_form,
    "choices": _choice,
    "nearly": _near,
}


GATE = Gate(
    id="OBJ011",
    title="An API server accepts the numbers and enumerated values of all objects",
    phase="kubernetes",
    source="a schema says that a period is a number; that 0 is none, the API server says when it is"
    " too late, or a controller never acts",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("objects", _ruled),
    reads="bounds and words of assets/object_rules.yaml in objects of Kubernetes' own groups, and "
    "those of assets/kind_rules.yaml, amounts, durations, schedules, addresses in others. A text "
    "that is filled in by a program is not judged.",
)
