"""Charts: each value is read by a template, and what templates read has a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import charts
from tarmac.check.gates.views.charts.texts import chart_texts, values_beside
from tarmac.check.gates.views.charts.values import is_read, leaves
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.scope import counted_in_files

#: So many values may be unread of a chart that is whole.
_FEW = 4
#: Values for other charts, and for what is generated of comments.
_OTHERS = ("global", "tags", "nameOverride", "fullnameOverride")
#: An action of Helm that reads what each release has.
_ACTION = re.compile(r"\{\{-?\s*(include\s|\.Release\.|\.Chart\.|\.Values\.|tpl\s)")
#: What a template does, the values that it names, and what evaluates these or asks for them alone.
_WRITTEN = re.compile(r"\{\{[^{}]*\}\}")
_VALUE = re.compile(r"\.Values((?:\.\w+)+)")
_EVALUATED = re.compile(r"tpl|include|^\{\{-?\s*(if|else|with|range)\b")

_ANCHOR = re.compile(r"^([\w.-]+):\s*&([\w.-]+)", re.MULTILINE)


def check(files: Files) -> Iterator[Finding]:
    """Yield values that no template reads, and readings of a value that is not there."""
    for chart in charts(files):
        if chart.is_open:
            continue
        there = chart.values.data
        every = list(leaves(there, ()))
        unread = [one for one in every if not is_read(one, chart.read)]
        # Of a chart whose templates a program adds, most are read by those.
        if len(unread) > max(_FEW, len(every) // 2):
            continue
        others = {*chart.others, *_OTHERS, *_anchored(files, chart.values)}
        unread = [one for one in unread if one[0] not in others]
        absent = {one: at for one, at in chart.bare.items() if one[0] not in chart.others}
        absent = {one: at for one, at in absent.items() if not _is_there(one, there)}
        for path, where in absent.items():
            name = ".".join(path)
            beside = [one for one in unread if one[:-1] == path[:-1]]
            like = [one for one in beside if _alike(one[-1], path[-1])]
            advice = f"values have {'.'.join(like[0])}" if like else "write it, or `default`"
            yield Finding(where, f"reads .Values.{name}, which values.yaml does not have; {advice}")
        yield from _unfilled(files, chart.folder, every, there)
        for other in values_beside(files, chart.folder):
            yield from _unknown(other, chart.read, there, {*chart.others, *_OTHERS})
        for path in unread:
            what = f"{'.'.join(path)} is read by no template of the chart, so it changes nothing"
            yield Finding(chart.values.at(*path), f"{what}; remove it, or read it")


def _anchored(files: Files, values: Artifact) -> list[str]:
    """List the keys at the top that hold what is written again by an alias."""
    text = text_on_disk(files, values.path) or ""
    return [key for key, anchor in _ANCHOR.findall(text) if re.search(rf"\*{anchor}\b", text)]


def _unfilled(
    files: Files, folder: str, every: list[tuple[str, ...]], values: Any
) -> Iterator[Finding]:
    """Yield values with a template in them that a template writes as they are."""
    held = {path for path in every if _ACTION.search(str(dig(values, *path)))}
    for where, text in chart_texts(files, folder) if held else ():
        for found in _WRITTEN.finditer(text):
            paths = (tuple(name[1:].split(".")) for name in _VALUE.findall(found[0]))
            name = next((".".join(path) for path in paths if path in held), "")
            if name and not _EVALUATED.search(found[0]):
                line = text.count("\n", 0, found.start()) + 1
                what = f"writes .Values.{name} as it is, and that has a template in it, which"
                yield Finding(
                    f"{where}:{line}", f"{what} nothing evaluates; write tpl .Values.{name} ."
                )


def _unknown(
    other: Artifact, read: Mapping[tuple[str, ...], str], there: Any, open_keys: set[str]
) -> Iterator[Finding]:
    """Yield values of another file that neither a template reads nor values.yaml has."""
    every = list(leaves(other.data, ()))
    unknown = [
        path
        for path in every
        if path[0] not in open_keys and not is_read(path, read) and not _is_there(path, there)
    ]
    # Of one for another chart, most are.
    for path in unknown if len(unknown) <= max(1, len(every) // 2) else ():
        known = [key for key in there if _alike(key, path[0])] if len(path) == 1 else []
        choice = f"did you mean {known[0]}?" if known else "remove it, or read it"
        what = f"{'.'.join(path)} is read by no template of the chart, so it changes nothing"
        yield Finding(other.at(*path), f"{what}; {choice}", warning=True)


def _alike(one: str, other: str) -> bool:
    return one.lower().startswith(other.lower()[:5]) or other.lower().startswith(one.lower()[:5])


def _is_there(path: tuple[str, ...], values: Any) -> bool:
    for key in path:
        if not isinstance(values, Mapping):
            return values is not None
        if key not in values:
            return not values  # an empty mapping is for a user to fill
        values = values[key]
    return True


GATE = Gate(
    id="OBJ020",
    title="Each value of a chart is read, and each reading has a value",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_best_practices/values: a value with another name than the "
    "template reads changes nothing, and a template writes nothing for one that is absent",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("charts", charts),
    targets=(),
    reads="values.yaml, and values-*.yaml beside it, with the templates of its chart on disk. "
    "Charts that hand values on as a whole, by `tpl` or to a library, are not judged. Judges files "
    "without a plan only.",
)
