"""A chart uses kinds of its own dependency after that is installed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname, join
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, mappings, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_API = re.compile(
    r"^apiVersion:[ \t]*([\w.-]+)/\S+[ \t]*\n(?:[^\n]*\n){0,3}?kind:[ \t]*(\w+)", re.MULTILINE
)
#: What sends it later, or only where the kind is known.
_LATER = re.compile(r"helm\.sh/hook|\.Capabilities\.APIVersions|lookup\s")
#: Argo CD sends what helm template writes, and kinds of the same sync before their objects.
_BY_ARGO = re.compile(r"(^|/)argo-?cd\b")


class OwnKind(NamedTuple):
    """An object in a template whose kind a dependency of the chart brings."""

    where: str
    kind: str
    chart: str
    is_later: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield templates that the first installation refuses."""
    for one in _used(files):
        if not one.is_later:
            what = f"{one.kind} is of a kind that the dependency {one.chart} brings, and Helm asks"
            why = "for all kinds before it makes anything: a first installation is refused; make it"
            yield Finding(one.where, f"{what} {why} a hook (post-install), or a chart of its own")


@once
def _used(files: Files) -> Iterator[OwnKind]:
    if files.objects("Application", "ApplicationSet") or any(
        _BY_ARGO.search(one.path) for one in files.artifacts
    ):
        return
    by_path = {one.path: one.data for one in files.artifacts if one.path.endswith("values.yaml")}
    for about in files.artifacts:
        if basename(about.path) != "Chart.yaml":
            continue
        folder = dirname(about.path)
        values = by_path.get(join(folder, "values.yaml"), {})
        brought = {}
        for dependency in mappings(about.data.get("dependencies")):
            known = published("own_kinds")["charts"].get(string(dependency, "name"))
            name = string(dependency, "alias") or string(dependency, "name")
            keys = known["values"] if known else ()
            is_on = any(dig(values, name, *key.split(".")) is True for key in keys)
            if known and (is_on or not keys):
                brought[known["group"]] = string(dependency, "name")
        for path, text in chart_texts(files, folder) if brought else ():
            for found in _API.finditer(text):
                if chart := brought.get(found[1]):
                    end = text.find("\n---", found.end())
                    whole = text[found.start() : end if end > 0 else len(text)]
                    line = text.count("\n", 0, found.start()) + 1
                    is_later = _LATER.search(whole) is not None or "APIVersions" in text
                    yield OwnKind(f"{path}:{line}", found[2], chart, is_later)


GATE = Gate(
    id="OBJ080",
    title="A chart uses kinds of its own dependency after that is installed",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_best_practices/custom_resource_definitions: Helm validates "
    "all objects of a release before it creates the first",
    check=check,
    of_files=check,
    scope=counted_in_files("objects of a dependency's kinds", _used),
    targets=("cluster",),
    reads="templates of a chart beside its dependencies in assets/published.yaml whose definitions "
    "are templates, where values.yaml switches these on. Files beside Argo CD's are left to that.",
)
