"""Grafana knows how far apart the samples of its Prometheus are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.dashboards import board_files
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_RATE = "$__rate_interval"


class DataSource(NamedTuple):
    """A data source that is provisioned."""

    artifact: Artifact
    path: Path
    data: Fields


def check(files: Files) -> Iterator[Finding]:
    """Yield data sources by whose interval rates lack samples."""
    sources, servers = _sources(files), list(_scraped(files))
    if len(sources) != 1 or len(servers) != 1:  # which belongs to which is not known
        return
    (own,), ((name, least),) = sources, servers
    known = published("grafana")
    window = known["windows"] * known["interval_s"]
    is_given = dig(own.data, "jsonData", "timeInterval") is not None
    if is_given or 2 * least <= window or "prometheus" not in string(own.data, "url"):
        return
    for board, panel in _rates(files):
        what = (
            f"{string(own.data, 'name')} has no timeInterval, so {_RATE} is {window}s, and {name}"
        )
        lacks = "never has" if window <= least else "at times lacks"
        said = f"{what} scrapes each {least:g}s: panel '{panel}' of {board} {lacks} the two samples"
        advice = f"that a rate needs; write timeInterval: {least:g}s"
        where = own.artifact.at(*own.path, "jsonData")
        yield Finding(where, f"{said} {advice}", warning=window > least)
        return


def _rates(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the panels that rate over the interval which Grafana chooses, and their files."""
    for board in board_files(files):
        for panel in board.panels if board.data is not None else ():
            for target in items(panel.data, "targets"):
                steps = panel.data.get("interval") or fields(target).get("interval")
                if _RATE in string(target, "expr") and not steps:
                    yield board.path, panel.title


@once
def _sources(files: Files) -> Iterator[DataSource]:
    for artifact in files.artifacts:
        is_ours = "kind" not in artifact.data
        for number, one in numbered(artifact.data, "datasources") if is_ours else ():
            if one.get("type") == "prometheus":
                yield DataSource(artifact, ("datasources", number), one)


def _scraped(files: Files) -> Iterator[tuple[str, float]]:
    """Yield each Prometheus by its file, with the least seconds between its samples."""
    for artifact in files.artifacts:
        jobs = [job for _, job in numbered(artifact.data, "scrape_configs")]
        if artifact.is_object or not jobs:
            continue
        whole = dig(artifact.data, "global", "scrape_interval")
        every = duration_s(whole) if whole is not None else published("grafana")["scrape_s"]
        own = [
            duration_s(job["scrape_interval"]) if "scrape_interval" in job else every
            for job in jobs
        ]
        # What is not a duration is filled in, and not known here.
        yield artifact.path, 0 if None in own else min(float(one or 0) for one in own)


GATE = Gate(
    id="OBS034",
    title="Grafana knows how far apart the samples of its Prometheus are",
    phase="observability",
    source="https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables: "
    "$__rate_interval is four times the scrape interval of the data source, which is 15s where it "
    "is not written",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("data sources of Prometheus", _sources),
    targets=(),
    reads="provisioned data sources, where there is one of Prometheus and one configuration of a "
    "Prometheus, beside panels that rate over $__rate_interval. Judges files without a plan only.",
)
