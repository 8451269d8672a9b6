"""A file of values takes nothing away that the chart's templates read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import Chart, charts
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_VALUES = re.compile(r"(?:.*[-._])?values(?:[-._].*)?\.ya?ml")


class OwnValues(NamedTuple):
    """A file of values, and the chart that it is for."""

    artifact: Artifact
    chart: Chart


def check(files: Files) -> Iterator[Finding]:
    """Yield keys without a value over a mapping of the chart, below which its templates read."""
    for artifact, chart in _judged(files):
        for key, value in artifact.data.items():
            own = chart.values.data.get(key)
            if value is not None or not isinstance(own, Mapping) or not own:
                continue
            below = next(
                (at for path, at in chart.read.items() if path[:1] == (key,) and path[1:]), ""
            )
            # A key beside it that is one of its own slipped out of it.
            slipped = [
                str(one) for one in own if one in artifact.data and one not in chart.values.data
            ]
            if below and slipped:
                what = f"{key} is empty, so Helm takes the chart's own {key} away, below which"
                said = f"{what} {below} reads: no release can be made; indent {slipped[0]} below it"
                yield Finding(artifact.at(str(key)), said)
            elif below:
                what = f"{key} is empty, so Helm takes the chart's own {key} away, below which"
                said = f"{what} {below} reads; remove the key"
                yield Finding(artifact.at(str(key)), said, warning=True)
        yield from _replaced(artifact, chart)


def _replaced(artifact: Artifact, chart: Chart) -> Iterator[Finding]:
    """Yield lists of variables that take the place of a longer one of the chart."""
    if "ci" in artifact.path.split("/")[:-1]:
        return
    for path, own in _variables(chart.values.data, ()):
        given = dig(artifact.data, *path)
        kept = _names(given) if isinstance(given, list) else []
        lost = [one for one in own if one not in kept]
        is_read = chart.is_open or any(one[: len(path)] == path for one in chart.read)
        # One without any of the chart's own is another list.
        if kept and lost and is_read and set(kept) < set(own):
            name, has = ".".join(map(str, path)), ", ".join(kept)
            what = f"{name} has {has} alone, and a list takes the place of that of"
            said = f"{what} {chart.values.path}, as Helm merges mappings and no lists:"
            advice = f"{', '.join(lost)} is lost; write all of the list"
            yield Finding(artifact.at(*path), f"{said} {advice}", warning=True)


def _variables(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], list[str]]]:
    """Yield the lists of variables of some values, with their paths."""
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _variables(below, (*path, str(key)))
    elif isinstance(value, list) and (names := _names(value)):
        yield path, names


def _names(listed: list[Any]) -> list[str]:
    """List the names of variables; none where the list is of something else."""
    is_of_variables = all(
        isinstance(one, Mapping) and "name" in one and ("value" in one or "valueFrom" in one)
        for one in listed
    )
    return [str(one["name"]) for one in listed] if is_of_variables else []


@once
def _judged(files: Files) -> Iterator[OwnValues]:
    """Yield files of values beside or below a chart, or above the only chart of a folder."""
    found = charts(files)
    by_folder = {chart.folder: chart for chart in found}
    above: dict[str, list[Chart]] = {}
    for chart in found:
        above.setdefault(posixpath.dirname(chart.folder), []).append(chart)
    for one in files.artifacts if found else ():
        folder, name = posixpath.split(one.path)
        if one.is_object or not _VALUES.fullmatch(name) or not one.data:
            continue
        own = by_folder.get(folder) or by_folder.get(posixpath.dirname(folder))
        if own is None and len(above.get(folder, ())) == 1:
            own = above[folder][0]
        if own is not None and one is not own.values:
            yield OwnValues(one, own)


GATE = Gate(
    id="OBJ051",
    title="A file of values takes nothing away that the chart reads",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_template_guide/values_files/#deleting-a-default-key: a key "
    "without a value removes the chart's own, so what is read below it fails; and lists are not "
    "merged",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of values", _judged),
    targets=(),
    reads="files of values in the folder of a chart, below it, or beside the only chart of a "
    "folder. Judges files without a plan only.",
)
