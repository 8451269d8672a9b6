"""What a release says of a chart is meant as its templates read it: names, switches, conditions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import dig, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import Chart, charts
from tarmac.check.gates.views.charts.texts import values_beside
from tarmac.check.gates.views.charts.values import is_read, leaves
from tarmac.check.gates.views.scope import counted_in_files

#: Texts that mean no, and that a template takes as yes: only an empty one is not.
_NO = ("false", "no", "off", "n", "0")


def check(files: Files) -> Iterator[Finding]:
    """Yield values of a release that no template reads, and switches that are always on."""
    # What Helmfile gives a chart is in templates, which are not read.
    is_given = any("helmfile" in one.path for one in files.artifacts)
    for chart in charts(files):
        every = [chart.values, *values_beside(files, chart.folder)]
        for artifact in every:
            yield from _switched(chart, artifact)
        yield from _conditions(chart, every)
        if not chart.is_open:
            for artifact in every[1:]:
                yield from _unread(chart, artifact)
            for where, what in _misspelt(chart, every):
                yield Finding(where, what, warning=is_given)


def _switched(chart: Chart, artifact: Artifact) -> Iterator[Finding]:
    for path, where in chart.asked.items():
        value = dig(artifact.data, *path)
        if isinstance(value, str) and value.lower() in _NO and not _is_shown(chart, path):
            what = f"{'.'.join(path)} is the text {value!r}, and {where} asks whether it is empty"
            advice = "so it is taken as on; write false"
            yield Finding(artifact.at(*path), f"{what}, {advice}")


def _is_shown(chart: Chart, path: tuple[str, ...]) -> bool:
    """Tell whether a template also writes a value, or what it is in: a text may be meant."""
    return any(path[:count] in chart.shown for count in range(1, len(path) + 1))


def _unread(chart: Chart, artifact: Artifact) -> Iterator[Finding]:
    """Yield keys of a release's values that are almost one that templates read."""
    known = {one[: count + 1] for one in chart.read for count in range(len(one))}
    told = set[tuple[str, ...]]()
    for leaf in leaves(artifact.data, ()):
        if leaf[0] in chart.others or is_read(leaf, chart.read):
            continue
        for count in range(len(leaf)):
            head = leaf[: count + 1]
            if head in known or head in told:
                continue
            there = [
                one[count] for one in known if len(one) == count + 1 and one[:count] == leaf[:count]
            ]
            near = only_near(head[-1], there)
            if near and dig(artifact.data, *head[:-1], near) is None:
                told.add(head)
                what = f"{'.'.join(head)} is read by no template of the chart: nothing changes"
                yield Finding(artifact.at(*head), f"{what}; did you mean '{near}'?")
            break


def _misspelt(chart: Chart, every: list[Artifact]) -> Iterator[tuple[str, str]]:
    """Yield questions for a value that no file sets, where one sets almost the same."""
    for path, where in chart.asked.items():
        if path[0] in chart.others or any(dig(one.data, *path) is not None for one in every):
            continue
        for count in range(len(path)):
            above = [dig(one.data, *path[:count]) for one in every]
            names = {str(name) for one in above if isinstance(one, Mapping) for name in one}
            if path[count] in names:
                continue
            near = only_near(path[count], names)
            other = (*path[:count], near or "", *path[count + 1 :])
            is_set = near and any(dig(one.data, *other) is not None for one in every)
            if is_set and not is_read(other, chart.read):
                what = f"asks for .Values.{'.'.join(path)}, which no file of values sets: it is off"
                yield where, f"{what}; values have {'.'.join(other)}"
            break


def _conditions(chart: Chart, every: list[Artifact]) -> Iterator[Finding]:
    """Yield conditions of dependencies that no value decides, where almost the same is set."""
    names = {str(name) for one in every for name in one.data}
    for number, needed in numbered(chart.needing.data, "dependencies"):
        asked = [one.strip() for one in string(needed, "condition").split(",") if one.strip()]
        paths = [one.split(".") for one in asked]
        # Helm takes the first one that is set.
        is_set = any(_has(one.data, path) for one in every for path in paths)
        for condition, path in zip(asked, paths, strict=True):
            if is_set or len(path) < 2:
                continue
            own = {string(needed, "name"), string(needed, "alias")}
            near = {path[0]} & names or {only_near(path[0], names - own)} | (own & names)
            for head in sorted(filter(None, near)):
                below = [dig(one.data, head, *path[1:-1]) for one in every]
                keys = {str(key) for one in below if isinstance(one, Mapping) for key in one}
                last = (
                    path[-1] if path[-1] in keys and head != path[0] else only_near(path[-1], keys)
                )
                if last:
                    other = ".".join((head, *path[1:-1], last))
                    what = f"asks for the value {condition}, which no file of values sets, so"
                    advice = f"{string(needed, 'name')} is always there; values have {other}"
                    where = chart.needing.at("dependencies", number, "condition")
                    yield Finding(where, f"{what} {advice}")
                    break


def _has(data: Any, path: list[str]) -> bool:
    above = dig(data, *path[:-1])
    return isinstance(above, Mapping) and path[-1] in above


GATE = Gate(
    id="OBJ022",
    title="Values of a release are read, and its switches mean what they say",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_template_guide/control_structures: a text is true unless it "
    "is empty; a value with another name than the template's, or a condition's, changes nothing",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("charts", charts),
    targets=(),
    reads="files of values in a chart's folder beside what its templates read and ask, and "
    "conditions of its dependencies. Values that an Application gives are not among them. Judges "
    "files without a plan only.",
)
