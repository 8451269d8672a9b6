"""What an API server refuses by its own code: assets/server_rules.yaml, asked of one object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, at_each, dig, items
from tarmac.check.gates.views.objects.metadata import group_of, kind_of, name_of
from tarmac.check.gates.views.shapes.templates import spec_places
from tarmac.model.value import amount

FILE = files("tarmac") / "assets" / "server_rules.yaml"
#: A word that a reader or a script replaces: MY_NAME, and not a name with a capital letter.
_PLACEHOLDER = re.compile(r"(?<![a-z])[A-Z]{3,}")
#: What a program fills in before the object is applied.
_FILLED = re.compile(r"[{}]|\$[(\w]|<[\w -]+>")
#: A dot that ends a step of a place; others are written `\.`.
_STEP = re.compile(r"(?<!\\)\.")


class Refusal(NamedTuple):
    """A place that an API server refuses, and why."""

    path: Path
    what: str
    #: Whether it may be replaced before it is applied.
    placeholder: bool = False


@cache
def server_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


def refusals(artifact: Artifact) -> Iterator[Refusal]:
    """Yield what is refused of an object, each place once for each reason."""
    kind, specs = kind_of(artifact), spec_places(artifact.data)
    group, rules = group_of(artifact), server_rules()
    served = group in rules["groups"] and (bool(group) or kind in rules["core"])
    if served and (name := name_of(artifact)):
        form = rules["names"].get(kind, "subdomain")
        yield from _formed(("metadata", "name"), name, form)
    for section, judge in _JUDGES.items():
        for at, rule in _rules(section, kind if served else "", specs):
            yield from judge(artifact.data, at, rule)


@cache
def _rules(
    section: str, kind: str, specs: tuple[str, ...]
) -> tuple[tuple[Sequence[str], Any], ...]:
    """List the places of a section's rules for a kind, with what they say."""
    own = server_rules()[section]
    found = [*_pairs(own.get("all", {})), *_pairs(own.get(kind, {}))] if kind else []
    for spec in specs:
        found += [(f"{spec}.{at}".strip("."), rule) for at, rule in _pairs(own.get("pods", {}))]
        above = spec.removesuffix("spec")
        found += [(f"{above}{at}", rule) for at, rule in _pairs(own.get("templates", {}))]
    return tuple((_steps(at), rule) for at, rule in found)


def _pairs(own: Any) -> list[tuple[str, Any]]:
    """List rules with their places; those of a list say their place themselves."""
    return list(own.items()) if isinstance(own, Mapping) else [(rule["at"], rule) for rule in own]


@cache
def _steps(place: str) -> tuple[str, ...]:
    return tuple(step.replace("\\.", ".") for step in _STEP.split(place)) if place else ()


def _texts(data: Any, at: Sequence[str], form: str) -> Iterator[Refusal]:
    for path, value in at_each(data, at):
        if isinstance(value, str) and value:
            yield from _formed(path, value, form)


def _formed(path: Path, value: str, name: str) -> Iterator[Refusal]:
    form = server_rules()["forms"][name]
    if _FILLED.search(value):
        return
    said = f"is {value[:80]!r}"
    if len(value) > form["most"]:
        yield Refusal(
            path, f"{said}, which has {len(value)} characters; use {form['most']} at most"
        )
    elif not re.fullmatch(form["pattern"], value, re.DOTALL):
        what = f"{said}; use {form['title']}"
        yield Refusal(path, what, _PLACEHOLDER.search(value) is not None)


def _mappings(data: Any, at: Sequence[str], forms: Sequence[str]) -> Iterator[Refusal]:
    for path, held in at_each(data, at):
        for key, value in held.items() if isinstance(held, Mapping) else ():
            for refusal in _formed((*path, str(key)), str(key), forms[0]):
                yield refusal._replace(what=f"has a key that {refusal.what}")
            if len(forms) > 1 and isinstance(value, str) and value:
                yield from _formed((*path, str(key)), value, forms[1])


def _exact(data: Any, at: Sequence[str], wanted: Any) -> Iterator[Refusal]:
    for path, value in at_each(data, at):
        if value is not None and value != wanted and not _FILLED.search(str(value)):
            yield Refusal(path, f"is {value}; must be {wanted}")


def _unique(data: Any, at: Sequence[str], keys: Sequence[str]) -> Iterator[Refusal]:
    *above, last = at
    for path, holder in at_each(data, above):
        seen = set[str]()
        for key in last.split("|"):
            for number, item in enumerate(items(holder, key)):
                values = [dig(item, *_steps(key_path)) for key_path in keys] if keys else [item]
                if None in values or {} in values:
                    continue
                if (whole := repr(values)) in seen:
                    said = ", ".join(map(str, values)) if keys else "it"
                    yield Refusal((*path, key, number), f"repeats {said}; each must be there once")
                seen.add(whole)


def _most(data: Any, at: Sequence[str], most: int) -> Iterator[Refusal]:
    for path, value in at_each(data, at):
        if isinstance(value, list) and len(value) > most:
            yield Refusal(path, f"has {len(value)} items; must have {most} at most")


def _beside(data: Any, at: Sequence[str], rule: Mapping[str, Any]) -> Iterator[Refusal]:
    for path, holder in at_each(data, at):
        if not isinstance(holder, Mapping):
            continue
        if not all(_is_one(holder, key, of) for key, of in rule["when"].items()):
            continue
        beside = ", ".join(f"{k} {dig(holder, k)}" for k, of in rule["when"].items() if _says(of))
        given = f" beside {beside}" if beside else ""
        for below, value in at_each(holder, _steps(rule["refuse"])) if "refuse" in rule else ():
            if value not in (None, [], {}, ""):
                yield Refusal((*path, *below), f"is refused{given}: {rule['why']}; remove it")
        if "need" in rule and not _has(holder, rule["need"]):
            needed = rule["need"].replace("\\", "").replace("|", " or ")
            yield Refusal(path, f"needs {needed}{given}: {rule['why']}; write it")


def _says(wanted: Sequence[Any]) -> bool:
    return not {"any", "none"} & set(map(str, wanted))


def _is_one(holder: Any, key: str, wanted: Sequence[Any]) -> bool:
    value = dig(holder, *_numbers(_steps(key)))
    return ("none" in wanted) if value in (None, "") else ("any" in wanted or value in wanted)


def _numbers(steps: Sequence[str]) -> Iterator[str | int]:
    return (int(step) if step.isdigit() else step for step in steps)


def _has(holder: Any, places: str) -> bool:
    """Tell whether one of some places is there; one of a list's items, in each of them."""
    return any(_has_all(holder, _steps(place)) for place in places.split("|"))


def _has_all(holder: Any, steps: Sequence[str]) -> bool:
    if "-" not in steps:
        found = dig(holder, *_numbers(steps))
        return found is not None and (found != "" or steps[0] in ("data", "stringData"))
    at = steps.index("-")
    return all(_has_all(one, steps[at + 1 :]) for one in items(holder, *steps[:at]))


def _ordered(data: Any, at: Sequence[str], pairs: Sequence[Sequence[str]]) -> Iterator[Refusal]:
    for path, holder in at_each(data, at):
        for low, high in pairs:
            most = dig(holder, *_steps(high))
            for below, least in at_each(holder, _steps(low)):
                if _is_above(least, most):
                    yield Refusal((*path, *below), f"is {least}, above {high} ({most}); lower it")


def _is_above(least: Any, most: Any) -> bool:
    try:
        return None not in (least, most) and amount(least) > amount(most)
    except (ValueError, TypeError):
        return False


_JUDGES: dict[str, Callable[[Any, Sequence[str], Any], Iterator[Refusal]]] = {
    "texts": _texts,
    "mappings": _mappings,
    "exact": _exact,
    "unique": _unique,
    "most": _most,
    "beside": _beside,
    "ordered": _ordered,
}
