"""Values for a chart's dependency are under the name that it goes by there."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import only_near
from tarmac.base.foreign.reading import Fields, mappings, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import Chart, charts
from tarmac.check.gates.views.charts.texts import values_beside
from tarmac.check.gates.views.charts.values import is_read, leaves
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_FILES = ("Chart.yaml", "requirements.yaml")
#: Values for all charts, and tags of dependencies.
_OWN = ("global", "tags")


def check(files: Files) -> Iterator[Finding]:
    """Yield values under a name that no dependency goes by in its chart."""
    known = {chart.folder: chart for chart in charts(files)}
    by_path = {one.path: one for one in files.artifacts}
    for about in _judged(files):
        folder = posixpath.dirname(about.path)
        needed = mappings(about.data.get("dependencies"))
        own = by_path.get(posixpath.join(folder, "values.yaml"))
        every = [*([own] if own is not None else ()), *values_beside(files, folder)]
        names = {string(one, "alias") or string(one, "name") for one in needed}
        chart = known.get(folder)
        for artifact in every:
            yield from _misspelt(artifact, names, chart)
        for name in dict.fromkeys(string(one, "name") for one in needed):
            if name in names:
                continue
            aliases = [string(one, "alias") for one in needed if string(one, "name") == name]
            for artifact in every:
                yield from _misplaced(artifact, name, aliases, needed, chart)


def _misspelt(artifact: Artifact, names: set[str], chart: Chart | None) -> Iterator[Finding]:
    """Yield values under almost the name of a dependency."""
    read = chart.read if chart else {}
    for name, values in artifact.data.items():
        likely = only_near(str(name), names) if isinstance(values, Mapping) else None
        first, dot, rest = str(name).partition(".")
        if dot and first in names and not any(is_read(one, read) for one in [(str(name),)]):
            what = f"has {name} as one key, and Helm reads {rest} below {first}: it has no effect"
            yield Finding(artifact.at(str(name)), f"{what}; write it as {first}: {{{rest}: …}}")
        if name in (*names, *_OWN) or likely is None or likely in artifact.data:
            continue
        if not any(is_read(one, read) for one in leaves(values, (str(name),))):
            what = f"has values for {name}, which no dependency is called: it never gets them"
            is_open = chart is not None and chart.is_open
            where = artifact.at(str(name))
            yield Finding(where, f"{what}; did you mean '{likely}'?", warning=is_open)


def _misplaced(
    artifact: Artifact, name: str, aliases: list[str], needed: list[Fields], chart: Chart | None
) -> Iterator[Finding]:
    values = artifact.data.get(name)
    if not isinstance(values, Mapping):
        return
    asked = {
        tuple(path.strip().split("."))
        for one in needed
        for path in string(one, "condition").split(",")
    }
    read = chart.read if chart else {}
    # A condition is asked of the chart's own values, by whatever name it has.
    lost = [one for one in leaves(values, (name,)) if one not in asked and not is_read(one, read)]
    if not lost:
        return
    what = f"has values for {name} ({'.'.join(lost[0])}), which the chart calls"
    said = f"{what} {' and '.join(aliases)} (alias): it never gets them; write them below"
    both = any(alias in artifact.data for alias in aliases)
    is_open = chart is not None and chart.is_open
    where = artifact.at(name)
    yield Finding(where, f"{said} {aliases[0]}", warning=both or is_open)


@once
def _judged(files: Files) -> Iterator[Artifact]:
    """Yield the files that say what a chart depends on."""
    for one in files.artifacts:
        if posixpath.basename(one.path) in _FILES and mappings(one.data.get("dependencies")):
            yield one


GATE = Gate(
    id="OBJ030",
    title="Values of a dependency are under its name or alias",
    phase="kubernetes",
    source="https://helm.sh/docs/topics/charts/#alias-field-in-dependencies: a dependency with an "
    "alias is given the values below that name",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("charts with dependencies", _judged),
    targets=(),
    reads="files of values beside names and aliases of Chart.yaml; values that the chart's own "
    "templates or conditions read may have any name. Judges files without a plan only.",
)
