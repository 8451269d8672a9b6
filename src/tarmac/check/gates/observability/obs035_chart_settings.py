"""Values for charts of others are where the chart reads them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.base.foreign.reading import dig, fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.given_values import GivenValues, given_values
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_NUMBERS = re.compile(r"\D*(\d+)(?:\.(\d+))?")


def check(files: Files) -> Iterator[Finding]:
    """Yield values that their chart reads in another place."""
    for given in given_values(files, _names()):
        for known in published("chart_settings")["charts"]:
            if known["chart"] == given.chart and not _is_before(
                given.version, known.get("from", [0])
            ):
                yield from _misplaced(given, known)


def _misplaced(given: GivenValues, known: Any) -> Iterator[Finding]:
    for place in known["places"]:
        at = place["at"].split(".") if place["at"] else []
        there = fields(given.artifact.data, *given.path, *at)
        found = [key for key in place["keys"] if key in there]
        moved = dig(given.artifact.data, *given.path, *place["instead"].split("."))
        if found and not (place.get("old") and moved):
            which = f"{found[0]} and {len(found) - 1} others" if found[1:] else found[0]
            named = f"{place['at']}: {which}" if place["at"] else which
            what = f"{named}: the chart {given.chart} reads this below {place['instead']} alone, so"
            where = given.artifact.at(*given.path, *at, found[0])
            yield Finding(where, f"{what} it changes nothing there; move it")


def _is_before(version: str, first: list[int]) -> bool:
    found = _NUMBERS.match(version)
    return found is not None and [int(one) for one in found.groups() if one] < first


def _names() -> frozenset[str]:
    """List the charts whose settings are known."""
    return frozenset(one["chart"] for one in published("chart_settings")["charts"])


def _judged(files: Files) -> Iterator[object]:
    yield from given_values(files, _names())


GATE = Gate(
    id="OBS035",
    title="Values for charts of monitoring and meshes are where the chart reads them",
    phase="observability",
    source="https://github.com/grafana/loki/blob/main/production/helm/loki/values.yaml and "
    "https://github.com/prometheus-community/helm-charts: a key that a chart does not read is "
    "taken without a word",
    check=check,
    of_files=check,
    scope=counted_in_files("values for charts with known places", _judged),
    targets=(),
    reads="values of dependencies, of HelmReleases and of Applications for charts in "
    "assets/published.yaml. Values as a text, and files without the chart's name beside them, are "
    "not read. Judges files without a plan only.",
)
