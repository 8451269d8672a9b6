"""Values for charts of others: in charts, releases of Flux and Applications."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, fields, mappings, numbered, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.texts import values_beside

_FILES = ("Chart.yaml", "requirements.yaml")


class GivenValues(NamedTuple):
    """Values for a chart of others."""

    chart: str
    version: str
    artifact: Artifact
    #: Where they are in it.
    path: Path


def given_values(files: Files, names: frozenset[str]) -> Iterator[GivenValues]:
    """Yield the values that charts, releases of Flux and Applications give to charts of others.

    Args:
        names: of the charts.
    """
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
