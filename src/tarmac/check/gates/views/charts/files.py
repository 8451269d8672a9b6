"""Charts on disk: their values, and what their templates read of them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.places import chart_places
from tarmac.check.gates.views.once import once

_ACTION = re.compile(r"\{\{-?(?!/\*)(.*?)-?\}\}", re.DOTALL)
_READ = re.compile(r"\.Values((?:\.[A-Za-z_]\w*)+)")
#: Values as a whole, or by a name that is computed: any of them may be read.
_WHOLE = re.compile(r"\.Values(?![.\w])|\btpl\b|\bindex\s+\$?\.Values\b")
#: What makes of a value that is absent another one, or a question whether it is there.
_GUARDED = re.compile(
    r"\b(default|if|with|required|and|or|not|hasKey|get|dig|ternary|coalesce|empty|range|eq|ne|"
    r"fromYaml|lookup|kindIs|typeIs|include|toYaml|tpl|quote)\b"
)
_ENDS = (".yaml", ".yml", ".tpl", ".txt", ".json")
#: What Helm prints when it is done: what it asks changes nothing.
_NOTES = "NOTES.txt"
_CONDITION = re.compile(r"\s*(?:else )?if\b")
#: What a template asks by being true: a value that is compared is not asked so.
_ASKED = re.compile(r"\{\{-?\s*(?:else )?if\b(.*?)-?\}\}", re.DOTALL)
_COMPARED = re.compile(
    r"\(?\b(eq|ne|lt|gt|le|ge|has|contains|kindIs|len|default|toString|regexMatch|hasPrefix|hasSuffix)\b"
)


@dataclass(frozen=True)
class Chart:
    """A chart on disk: its values, and what its templates read."""

    values: Artifact
    read: Mapping[tuple[str, ...], str]
    #: Of these some reading has no other value where it is absent.
    bare: Mapping[tuple[str, ...], str]
    #: Those that a condition takes as true or false.
    asked: Mapping[tuple[str, ...], str]
    #: Those that are read for more than such a question, with what is in them.
    shown: frozenset[tuple[str, ...]]
    others: frozenset[str]
    is_open: bool
    folder: str
    #: Its Chart.yaml, or the file that lists what it depends on.
    needing: Artifact


@once
def charts(files: Files) -> Iterator[Chart]:
    """Yield the charts of a folder that have templates of their own."""
    for one in chart_places(files):
        shown = posixpath.join(one.folder, "templates")
        yield _chart(one.needing, one.values, one.templates, shown)


def _chart(needing: Artifact, values: Artifact, place: Path, shown: str) -> Chart:
    read: dict[tuple[str, ...], str] = {}
    bare: dict[tuple[str, ...], str] = {}
    asked_paths: dict[tuple[str, ...], str] = {}
    shown_paths = set[tuple[str, ...]]()
    needed = items(needing.data, "dependencies")
    # A library's templates, and those of a chart that brings none of its own names, read values.
    is_open = any("common" in string(one, "name") for one in needed) or not values.data
    for file in sorted(place.rglob("*")):
        if not file.is_file() or not file.name.endswith(_ENDS):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        for action in _ACTION.finditer(text):
            is_open = is_open or _WHOLE.search(action[1]) is not None
            for found in _READ.findall(action[1]):
                path = tuple(found[1:].split("."))
                line = text.count("\n", 0, action.start()) + 1
                where = f"{shown}/{file.relative_to(place).as_posix()}:{line}"
                read.setdefault(path, where)
                if not _CONDITION.match(action[1]) or _COMPARED.search(action[1]):
                    shown_paths.add(path)
                if not _GUARDED.search(action[1]):
                    bare.setdefault(path, where)
        # In a block that asks for a value, or for one above it, it is there.
        for asked in re.findall(
            r"\{\{-?\s*(?:else )?(?:if|with|range)\b(.*?)\}\}", text, re.DOTALL
        ):
            for found in _READ.findall(asked):
                head = tuple(found[1:].split("."))
                for path in [one for one in bare if one[: len(head)] == head]:
                    del bare[path]
        for condition in _ASKED.finditer(text if file.name != _NOTES else ""):
            if _COMPARED.search(condition[1]):
                continue
            line = text.count("\n", 0, condition.start()) + 1
            where = f"{shown}/{file.relative_to(place).as_posix()}:{line}"
            for found in _READ.findall(condition[1]):
                asked_paths.setdefault(tuple(found[1:].split(".")), where)
    others = {string(one, "alias") or string(one, "name") for one in needed}
    others |= {string(one, "condition").partition(".")[0] for one in needed}
    folder = posixpath.dirname(shown)
    return Chart(
        values=values,
        read=read,
        bare=bare,
        asked=asked_paths,
        shown=frozenset(shown_paths),
        others=frozenset(others),
        is_open=is_open,
        folder=folder,
        needing=needing,
    )
