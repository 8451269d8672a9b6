"""Values that an API server refuses: of another form, of another number, there twice."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

import yaml

from tarmac.base.foreign.reading import Path, at_each, dig, items
from tarmac.check.gates.views.placeholders import is_placeholder

FILE = files("tarmac") / "assets" / "server_rules.yaml"
#: Texts that a reader or a program replaces: `MY_NAME`, `...`, and `_`, which kustomize does. One
#: capital letter alone counts as a value.
_PLACEHOLDER = re.compile(
    r"(?<![a-z])[A-Z]{3,}|\.{3}|base-?64|^<.*>$|^_+$|^(some|your|my|change|replace|example)[-_]"
)
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


@cache
def steps(place: str) -> tuple[str, ...]:
    """Split a place into its steps."""
    return tuple(step.replace("\\.", ".") for step in _STEP.split(place)) if place else ()


def texts(data: Any, at: Sequence[str], form: str) -> Iterator[Refusal]:
    """Yield texts at a place that are of another form than the one that is asked for."""
    for path, value in at_each(data, at):
        if isinstance(value, str) and value:
            yield from formed(path, value, form)


def formed(path: Path, value: str, name: str) -> Iterator[Refusal]:
    """Yield a value that is too long, or of another form."""
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
        is_open = _PLACEHOLDER.search(value) is not None or is_placeholder(value)
        yield Refusal(path, what, is_open)


def is_like(value: object, rule: Mapping[str, Any]) -> bool:
    """Tell whether a rule is about a value: without a pattern, about any."""
    if "like" not in rule:
        return True
    is_text = isinstance(value, str) and _FILLED.search(value) is None
    return is_text and re.fullmatch(rule["like"], str(value)) is not None


def mappings(data: Any, at: Sequence[str], forms: Sequence[str]) -> Iterator[Refusal]:
    """Yield keys and values of mappings at a place that are of other forms."""
    for path, held in at_each(data, at):
        for key, value in held.items() if isinstance(held, Mapping) else ():
            for refusal in formed((*path, str(key)), str(key), forms[0]):
                # A dash at the end tells what merges keys, as kubectl does, to take one away.
                is_open = refusal.placeholder or str(key).endswith("-")
                yield refusal._replace(what=f"has a key that {refusal.what}", placeholder=is_open)
            if len(forms) > 1 and isinstance(value, str) and value:
                yield from formed((*path, str(key)), value, forms[1])


def exact(data: Any, at: Sequence[str], wanted: Any) -> Iterator[Refusal]:
    """Yield values at a place that are not the one that is taken."""
    for path, value in at_each(data, at):
        if value is not None and value != wanted and not _FILLED.search(str(value)):
            yield Refusal(path, f"is {value}; must be {wanted}")


def unique(data: Any, at: Sequence[str], keys: Sequence[str]) -> Iterator[Refusal]:
    """Yield items of lists at a place that repeat the values of some keys."""
    *above, last = at
    for path, holder in at_each(data, above):
        seen = set[str]()
        for key in last.split("|"):
            for number, item in enumerate(items(holder, key)):
                values = [dig(item, *steps(key_path)) for key_path in keys] if keys else [item]
                if None in values or {} in values:
                    continue
                if (whole := repr(values)) in seen:
                    said = ", ".join(map(str, values)) if keys else "it"
                    yield Refusal((*path, key, number), f"repeats {said}; each must be there once")
                seen.add(whole)


def most(data: Any, at: Sequence[str], most: int) -> Iterator[Refusal]:
    """Yield lists at a place that are too long."""
    for path, value in at_each(data, at):
        if isinstance(value, list) and len(value) > most:
            yield Refusal(path, f"has {len(value)} items; must have {most} at most")
