"""What a repository gives to its own modules of Terraform, where all calls of one give the same."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.views.terraform.known_values import ENTRY, filled, is_literal

_BLOCK = re.compile(r'^module\b\s+"([^"]*)"\s*\{')
#: Calls that show or try a module say nothing of how it is used.
_SHOWN = re.compile(r"(?:^|/)(?:examples?|tests?|samples?|fixtures?)(?:/|$)")


class ModuleCall(NamedTuple):
    """One call of a module that is a folder here, with its arguments as they are written."""

    caller: str
    folder: str
    arguments: Mapping[str, str]


def calls(sources: Iterable[Artifact]) -> Iterator[ModuleCall]:
    """Yield the calls of modules by a path."""
    for source in sources:
        caller = posixpath.dirname(source.path)
        if not source.path.endswith(".tf") or _SHOWN.search(caller):
            continue
        for entries in _blocks(str(source.content)):
            path = entries.pop("source", "").strip('"')
            if path.startswith(("./", "../")):
                yield ModuleCall(caller, posixpath.normpath(posixpath.join(caller, path)), entries)


def arguments(
    every: Iterable[ModuleCall], known: Mapping[str, Mapping[str, str]]
) -> dict[str, dict[str, str]]:
    """Find the literals that all calls of a folder give it, by the folder and the variable.

    Args:
        known: the values that are known in each folder, for arguments that are others' values.
    """
    found: dict[str, list[dict[str, str]]] = {}
    for call in every:
        values = {
            name: filled(text, known.get(call.caller, {})) for name, text in call.arguments.items()
        }
        found.setdefault(call.folder, []).append(values)
    return {
        folder: {
            name: value
            for name, value in given[0].items()
            if is_literal(value) and all(one.get(name) == value for one in given)
        }
        for folder, given in found.items()
    }


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Yield the arguments of each call of a module that stand in a line of their own."""
    entries: dict[str, str] | None = None
    depth = 0
    for line in text.splitlines() if "module" in text else ():
        if depth == 0 and _BLOCK.match(line):
            entries = {}
        elif entries is not None and depth == 1 and (entry := ENTRY.match(line)):
            entries[entry[1]] = entry[2]
        depth += sum(map(line.count, "{[(")) - sum(map(line.count, ")]}"))
        if depth <= 0 and entries is not None:
            yield entries
            entries = None
        depth = max(depth, 0)
