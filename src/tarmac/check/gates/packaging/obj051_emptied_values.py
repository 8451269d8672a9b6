"""A file of values takes nothing away that the chart's templates read."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.chart_files import Chart, charts
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
    "without a value removes the chart's own, so what is read below it fails",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files of values", _judged),
    targets=(),
    reads="files of values in the folder of a chart, below it, or beside the only chart of a "
    "folder. Judges files without a plan only.",
)
