"""A job is asked before its last sample is too old to be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.monitoring.configurations import configurations
from tarmac.check.gates.views.monitoring.durations import duration_s
from tarmac.check.gates.views.objects.metadata import kind_of, title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files

#: How old a sample may be for a question at one moment, where Prometheus is told nothing else.
_OLDEST_S = 300.0
_TOLD = re.compile(r"query[.-]lookback-delta|lookbackDelta")
_MONITORS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints", "Probe": ""}


class Interval(NamedTuple):
    """How often something is asked."""

    where: str
    name: str
    written: str


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs whose series are gone for a while before each sample."""
    found = [one for one in _intervals(files) if (duration_s(one.written) or 0) > _OLDEST_S]
    if found and not _is_told(files):
        for one in found:
            what = f"{one.name} is asked every {one.written}, and a sample is found for 5m: its"
            said = f"{what} series are gone in between, and so is each alert on them; write 2m, or"
            yield Finding(one.where, f"{said} raise --query.lookback-delta")


@once
def _intervals(files: Files) -> Iterator[Interval]:
    for artifact, above, data in configurations(files):
        if not above and (written := string(data, "global", "scrape_interval")):
            yield Interval(artifact.at("global", "scrape_interval"), "each job", written)
        for number, job in numbered(data, "scrape_configs"):
            if written := string(job, "scrape_interval"):
                where = artifact.at(*above, "scrape_configs", number, "scrape_interval")
                yield Interval(where, f"job {string(job, 'job_name')}", written)
    for artifact in files.objects(*_MONITORS):
        key = _MONITORS[kind_of(artifact)]
        if not key and (written := string(artifact.data, "spec", "interval")):
            yield Interval(artifact.at("spec", "interval"), title(artifact), written)
        for number, end in enumerate(items(artifact.data, "spec", key) if key else ()):
            if written := string(end, "interval"):
                where = artifact.at("spec", key, number, "interval")
                yield Interval(where, title(artifact), written)


def _is_told(files: Files) -> bool:
    """Tell whether a Prometheus of these files finds older samples, too."""
    told = [word for service in compose_services(files) for word in words(service)]
    told += [str(word) for own in pods(files) for one in own.main_containers for word in one.words]
    asked = files.objects("Prometheus")
    told += [str(dig(one.data, "spec", "query")) for one in asked]
    texts = (str(one.content) for one in files.artifacts if "rometheus" in one.path)
    return any(map(_TOLD.search, told)) or any(map(_TOLD.search, texts))


GATE = Gate(
    id="OBS091",
    title="A job is asked before its last sample is too old to be found",
    phase="observability",
    source="https://prometheus.io/docs/prometheus/latest/querying/basics/#staleness: a query finds "
    "the newest sample of the last 5 minutes (--query.lookback-delta)",
    check=check,
    of_files=check,
    scope=counted_in_files("intervals of scrapes", _intervals),
    targets=(),
    reads="scrape_interval of Prometheus and interval of monitors and probes, where no Prometheus "
    "here is told another --query.lookback-delta. Judges files without a plan only.",
)
