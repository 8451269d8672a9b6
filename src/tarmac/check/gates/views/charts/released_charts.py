"""Charts of others that releases of Flux and Applications install, and in which namespace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import given_values
from tarmac.check.gates.views.objects.metadata import kind_of, space_of

#: By these more values come from elsewhere.
_MORE = ("valuesFrom", "values", "valueFiles", "parameters")


class ReleasedChart(NamedTuple):
    """A chart of others that is installed."""

    chart: str
    artifact: Artifact
    #: Where its values are.
    path: Path
    values: Fields
    #: Empty: it is not known.
    namespace: str
    #: Whether more values come from elsewhere.
    is_open: bool


def released_charts(files: Files, names: frozenset[str]) -> Iterator[ReleasedChart]:
    """Yield all of them, with the values that they are given; a chart's own have no namespace."""
    for one in given_values(files, names):
        *above, last = one.path
        beside = fields(one.artifact.data, *above)
        is_open = any(key in beside for key in _MORE if key != last)
        values, space = fields(one.artifact.data, *one.path), ""
        if kind_of(one.artifact) == "HelmRelease":
            space = string(one.artifact.data, "spec", "targetNamespace") or space_of(one.artifact)
        elif kind_of(one.artifact) == "Application":
            space = string(one.artifact.data, "spec", "destination", "namespace")
        yield ReleasedChart(one.chart, one.artifact, one.path, values, space, is_open)
