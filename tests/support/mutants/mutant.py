"""A file that is broken in one place, and how operators find and replace its parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tarmac.base.artifact import Artifact

Path = tuple[str | int, ...]
Content = Mapping[str, Any] | str
#: What stands in a mutant's place for the numbers of list items.
ITEM = "-"


@dataclass(frozen=True)
class Mutant:
    """One change of one file."""

    #: The operator that made it.
    operator: str
    #: Where it is, with list items all alike: `spec.ports.-.port`.
    place: str
    #: What was done, for a reader.
    description: str
    #: Makes what stands in the place of the file; nothing: it is gone, two: it is there twice.
    #: Few of all mutants are tried, so only those are made.
    contents: Callable[[], tuple[Content, ...]]


def data_of(artifact: Artifact) -> Any:
    """Read a file's data: of YAML as it is, of JSON parsed; None for text."""
    if isinstance(artifact.content, Mapping):
        return artifact.content
    return _from_json(artifact.content) if artifact.path.endswith(".json") else None


@cache
def _from_json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def lines_of(artifact: Artifact) -> list[str]:
    """Read a text's lines; none of what has data."""
    if isinstance(artifact.content, str) and data_of(artifact) is None:
        return artifact.content.splitlines()
    return []


def parts(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every part of a value with its path, what holds others among them."""
    if path:
        yield path, value
    found = value.items() if isinstance(value, Mapping) else ()
    found = enumerate(value) if isinstance(value, list | tuple) else found
    for key, part in found:
        yield from parts(part, (*path, key))


def replaced(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Copy a value with one part changed; the rest is shared."""
    if not path:
        return change(value)
    key, *rest = path
    if isinstance(value, list | tuple):
        return [
            replaced(part, tuple(rest), change) if number == key else part
            for number, part in enumerate(value)
        ]
    return {
        k: replaced(part, tuple(rest), change) if k == key else part for k, part in value.items()
    }


def without(value: Any, path: Path) -> Any:
    """Copy a value without one of its parts."""
    *above, key = path

    def drop(holder: Any) -> Any:
        if isinstance(holder, list | tuple):
            return [part for number, part in enumerate(holder) if number != key]
        return {name: part for name, part in holder.items() if name != key}

    return replaced(value, tuple(above), drop)


def place_of(path: Path) -> str:
    """Write a path with all list items alike, and without dots in keys."""
    return ".".join(ITEM if isinstance(key, int) else str(key).replace(".", "·") for key in path)


def changed(
    operator: str, artifact: Artifact, path: Path, change: Callable[[Any], Any], said: str
) -> Mutant:
    """Make the mutant of a file whose data is now another."""

    def contents() -> tuple[Content, ...]:
        data = change(data_of(artifact))
        return (data if isinstance(artifact.content, Mapping) else json.dumps(data, indent=2),)

    return Mutant(operator, place_of(path), f"{'.'.join(map(str, path))}: {said}", contents)


def exchanged(operator: str, artifact: Artifact, path: Path, old: Any, new: Any) -> Mutant:
    """Make the mutant of a file in which a value is another one."""

    def change(data: Any) -> Any:
        return replaced(data, path, lambda _: new)

    return changed(operator, artifact, path, change, f"{old!r} is {new!r}"[:120])


def retexted(operator: str, artifact: Artifact, number: int, new: list[str]) -> Mutant:
    """Make the mutant of a text in which one line is others, or none."""
    lines = lines_of(artifact)
    said = f"line {number + 1} `{lines[number].strip()}`"
    become = f"is `{new[0].strip()}`" if new else "is gone"

    def contents() -> tuple[Content, ...]:
        return ("\n".join([*lines[:number], *new, *lines[number + 1 :]]) + "\n",)

    return Mutant(operator, word_of(begun_at(lines, number)), f"{said} {become}"[:160], contents)


def begun_at(lines: list[str], number: int) -> str:
    """Find the line on which what goes over several lines has begun."""
    while number and lines[number - 1].rstrip().endswith("\\"):
        number -= 1
    return lines[number]


def word_of(line: str) -> str:
    """Name what a line of text is about: its first word."""
    words = line.replace("=", " ").replace("(", " ").replace(":", " ").split()
    return words[0].strip("\"'") if words else ""
