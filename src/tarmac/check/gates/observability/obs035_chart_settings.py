"""Values for charts of monitoring are where the chart reads them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, mappings, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.chart_texts import values_beside
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_FILES = ("Chart.yaml", "requirements.yaml")
_MAJOR = re.compile(r"\D*(\d+)")


class GivenValues(NamedTuple):
    """Values for a chart of others."""

    chart: str
    version: str
    artifact: Artifact
    #: Where they are in it.
    path: Path


def check(files: Files) -> Iterator[Finding]:
    """Yield values that their chart reads in another place."""
    for given in _given(files):
        for known in published("chart_settings")["charts"]:
            if known["chart"] == given.chart and not _is_before(
                given.version, known.get("from", 0)
            ):
                yield from _misplaced(given, known)


def _misplaced(given: GivenValues, known: Any) -> Iterator[Finding]:
    for place in known["places"]:
        at = place["at"].split(".") if place["at"] else []
        there = fields(given.artifact.data, *given.path, *at)
        found = [key for key in place["keys"] if key in there]
        if found:
            which = f"{found[0]} and {len(found) - 1} others" if found[1:] else found[0]
            named = f"{place['at']}: {which}" if place["at"] else which
            what = f"{named}: the chart {given.chart} reads this below {place['instead']} alone, so"
            where = given.artifact.at(*given.path, *at, found[0])
            yield Finding(where, f"{what} it changes nothing there; move it")


def _is_before(version: str, first: int) -> bool:
    found = _MAJOR.match(version)
    return found is not None and int(found[1]) < first


def _given(files: Files) -> Iterator[GivenValues]:
    """Yield the values that charts, releases of Flux and Applications give to charts of others."""
    names = {one["chart"] for one in published("chart_settings")["charts"]}
    by_path = {one.path: one for one in files.artifacts}
    for about in files.artifacts:
        if posixpath.basename(about.path) in _FILES:
            yield from (one for one in _of_chart(files, about, by_path) if one.chart in names)
    for release in files.objects("HelmRelease"):
        chart = string(release.data, "spec", "chart", "spec", "chart")
        version = string(release.data, "spec", "chart", "spec", "version")
        if chart in names:
            yield GivenValues(chart, version, release, ("spec", "values"))
    for own in files.objects("Application"):
        sources = [("sources", number) for number, _ in numbered(own.data, "spec", "sources")]
        for at in [("source",), *sources]:
            source = fields(own.data, "spec", *at)
            if (chart := string(source, "chart")) in names:
                path = ("spec", *at, "helm", "valuesObject")
                yield GivenValues(chart, string(source, "targetRevision"), own, path)


def _of_chart(files: Files, about: Artifact, by_path: dict[str, Artifact]) -> Iterator[GivenValues]:
    folder = posixpath.dirname(about.path)
    own = by_path.get(posixpath.join(folder, "values.yaml"))
    every = [*([own] if own is not None else ()), *values_beside(files, folder)]
    for one in mappings(about.data.get("dependencies")):
        name = string(one, "alias") or string(one, "name")
        for artifact in every:
            if isinstance(dig(artifact.data, name), dict):
                chart, version = string(one, "name"), string(one, "version")
                yield GivenValues(chart, version, artifact, (name,))


def _judged(files: Files) -> Iterator[object]:
    yield from _given(files)


GATE = Gate(
    id="OBS035",
    title="Values for charts of monitoring are where the chart reads them",
    phase="observability",
    source="https://github.com/grafana/loki/blob/main/production/helm/loki/values.yaml and "
    "https://github.com/prometheus-community/helm-charts: a key that a chart does not read is "
    "taken without a word",
    check=check,
    of_files=check,
    scope=counted_in_files("values for charts of monitoring", _judged),
    targets=(),
    reads="values of dependencies, of HelmReleases and of Applications for charts in "
    "assets/published.yaml. Values as a text, and files without the chart's name beside them, are "
    "not read. Judges files without a plan only.",
)
