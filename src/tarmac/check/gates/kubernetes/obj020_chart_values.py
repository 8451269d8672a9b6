"""Charts: each value is read by a template, and what templates read has a value."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files

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
#: So many values may be unread of a chart that is whole.
_FEW = 4
#: Values for other charts, and for what is generated of comments.
_OTHERS = ("global", "tags", "nameOverride", "fullnameOverride")


@dataclass(frozen=True)
class Chart:
    """A chart on disk: its values, and what its templates read."""

    values: Artifact
    read: Mapping[tuple[str, ...], str]
    #: Of these some reading has no other value where it is absent.
    bare: Mapping[tuple[str, ...], str]
    others: frozenset[str]
    is_open: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield values that no template reads, and readings of a value that is not there."""
    for chart in charts(files):
        if chart.is_open:
            continue
        there = chart.values.data
        every = list(_leaves(there, ()))
        unread = [one for one in every if not _is_read(one, chart.read)]
        # Of a chart whose templates a program adds, most are read by those.
        if len(unread) > max(_FEW, len(every) // 2):
            continue
        unread = [one for one in unread if one[0] not in {*chart.others, *_OTHERS}]
        absent = {one: at for one, at in chart.bare.items() if one[0] not in chart.others}
        absent = {one: at for one, at in absent.items() if not _is_there(one, there)}
        for path, where in absent.items():
            name = ".".join(path)
            beside = [one for one in unread if one[:-1] == path[:-1]]
            like = [one for one in beside if _alike(one[-1], path[-1])]
            advice = f"values have {'.'.join(like[0])}" if like else "write it, or `default`"
            yield Finding(where, f"reads .Values.{name}, which values.yaml does not have; {advice}")
        for path in unread:
            what = f"{'.'.join(path)} is read by no template of the chart, so it changes nothing"
            yield Finding(chart.values.at(*path), f"{what}; remove it, or read it")


def _alike(one: str, other: str) -> bool:
    return one.lower().startswith(other.lower()[:5]) or other.lower().startswith(one.lower()[:5])


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of values, not those of lists' parts; an empty mapping is for a user."""
    for key, below in value.items() if isinstance(value, Mapping) else ():
        if isinstance(below, Mapping) and below:
            yield from _leaves(below, (*path, str(key)))
        else:
            yield (*path, str(key))


def _is_read(path: tuple[str, ...], read: Mapping[tuple[str, ...], str]) -> bool:
    """Tell whether a value, what it is in, or a part of it is read."""
    heads = [path[:count] for count in range(1, len(path) + 1)]
    return any(head in read for head in heads) or any(one[: len(path)] == path for one in read)


def _is_there(path: tuple[str, ...], values: Any) -> bool:
    for key in path:
        if not isinstance(values, Mapping):
            return values is not None
        if key not in values:
            return not values  # an empty mapping is for a user to fill
        values = values[key]
    return True


def charts(files: Files) -> Iterator[Chart]:
    """Yield the charts of a folder that have values and templates of their own."""
    if files.folder is None:
        return
    by_path = {artifact.path: artifact for artifact in files.artifacts}
    for path, about in by_path.items():
        folder, name = posixpath.split(path)
        values = by_path.get(posixpath.join(folder, "values.yaml"))
        if name != "Chart.yaml" or values is None or not values.data:
            continue
        place = files.folder / folder / "templates"
        if place.is_dir() and string(about.data, "type") != "library":
            old = by_path.get(posixpath.join(folder, "requirements.yaml"))
            shown = posixpath.join(folder, "templates")
            yield _chart(old if old is not None else about, values, place, shown)


def _chart(needing: Artifact, values: Artifact, place: Path, shown: str) -> Chart:
    read: dict[tuple[str, ...], str] = {}
    bare: dict[tuple[str, ...], str] = {}
    needed = items(needing.data, "dependencies")
    # A library's templates, and those of a chart that brings none of its own names, read values.
    is_open = any("common" in string(one, "name") for one in needed)
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
    others = {string(one, "alias") or string(one, "name") for one in needed}
    others |= {string(one, "condition").partition(".")[0] for one in needed}
    return Chart(values, read, bare, frozenset(others), is_open)


GATE = Gate(
    id="OBJ020",
    title="Each value of a chart is read, and each reading has a value",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_best_practices/values: a value with another name than the "
    "template reads changes nothing, and a template writes nothing for one that is absent",
    check=check,
    of_files=check,
    scope=counted_in_files("charts", charts),
    targets=(),
    reads="values.yaml beside the templates of its chart on disk. Charts that hand values on as a "
    "whole, by `tpl` or to a library, are not judged. Judges files without a plan only.",
)
