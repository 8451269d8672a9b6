"""What a configuration of monitoring writes down is in use, and keeps its labels."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, dig, fields, items, numbered, string, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.collectors import Collector, collectors, merged_with
from tarmac.check.gates.views.monitoring.configurations import LOKI, configurations
from tarmac.check.gates.views.scope import counted_in_files

#: Processors that are there to change or leave out what is sent.
_CHANGING = ("attributes", "filter", "redaction", "transform", "resource", "tail_sampling")
#: What is not there without an extension.
_EFFECTS = {
    "health_check": "nothing answers at its port, and a probe there fails for ever",
    "healthcheckv2": "nothing answers at its port, and a probe there fails for ever",
    "pprof": "nothing answers at its port",
    "zpages": "nothing answers at its port",
    "file_storage": "nothing is kept in its folder",
}
KINDS = ("receivers", "processors", "exporters")
_PUSHED = re.compile(r"([\w.-]*push-?gateway[\w.-]*)(:\d+)?")


def check(files: Files) -> Iterator[Finding]:
    """Yield processors in no pipeline, days that nothing counts, and labels that are renamed."""
    for one in collectors(files):
        yield from _unused(one)
        yield from _undefined(one, merged_with(files, one))
        yield from _unstarted(one, merged_with(files, one))
    for artifact, at, data in configurations(files):
        if all(fields(data, part) for part in LOKI):
            yield from _kept(artifact, at, data)
        for number, job in numbered(data, "scrape_configs"):
            yield from _renamed(artifact, at, number, job)


def _unused(one: Collector) -> Iterator[Finding]:
    pipelines = fields(one.data, "service", "pipelines").values()
    used = {str(name) for pipeline in pipelines for name in items(pipeline, "processors")}
    for name in fields(one.data, "processors"):
        if name not in used and str(name).partition("/")[0] in _CHANGING:
            what = (
                f"the processor {name} is in no pipeline, so what it is to change or leave out is"
            )
            yield Finding(one.at("processors", str(name)), f"{what} sent as it is; name it in one")


def _undefined(one: Collector, merged: tuple[Fields, ...]) -> Iterator[Finding]:
    """Yield parts that a pipeline names and nothing defines: the collector does not start."""
    pipelines = fields(one.data, "service", "pipelines")
    # What has none of a kind that it names is read with other files, which define these.
    is_part = any(
        items(pipeline, kind) and not fields(one.data, kind)
        for pipeline in pipelines.values()
        for kind in KINDS
    )
    for name, pipeline in pipelines.items():
        for kind in KINDS:
            there = {*fields(one.data, kind)}
            # A connector is the end of one pipeline, and the beginning of another.
            there |= {*fields(one.data, "connectors")} if kind != "processors" else set()
            elsewhere = {str(part) for other in merged for part in fields(other, kind)}
            for number, asked in enumerate(items(pipeline, kind)):
                is_there = str(asked) in {*map(str, there)} | elsewhere
                if not is_there and "$" not in str(asked):
                    what = (
                        f"the pipeline {name} has {asked} in its {kind}, which is not defined, so"
                    )
                    advice = did_you_mean(str(asked), sorted(map(str, there)))
                    where = one.at("service", "pipelines", str(name), kind, number)
                    said = f"{what} the collector does not start; {advice}"
                    yield Finding(where, said, warning=is_part)


def _unstarted(one: Collector, merged: tuple[Fields, ...]) -> Iterator[Finding]:
    """Yield extensions that are set up and not named, so that none of them runs."""
    every = [one.data, *merged]
    named = {str(name) for data in every for name in items(data, "service", "extensions")}
    is_known = fields(one.data, "service", "pipelines") and not any("$" in name for name in named)
    for name in fields(one.data, "extensions") if is_known else ():
        if str(name) not in named:
            effect = _EFFECTS.get(str(name).partition("/")[0], "it does nothing")
            what = f"the extension {name} is not in service.extensions, so the collector does not"
            where = one.at("extensions", str(name))
            yield Finding(where, f"{what} run it: {effect}; name it there", warning=True)


def _kept(artifact: Artifact, at: tuple[str, ...], data: Fields) -> Iterator[Finding]:
    period = dig(data, "limits_config", "retention_period")
    is_by_table = dig(data, "table_manager", "retention_deletes_enabled") is True
    if period in (None, 0, "0", "0s") or is_by_table:
        return
    if dig(data, "compactor", "retention_enabled") is not True:
        where = artifact.at(*at, *(() if at else ("limits_config", "retention_period")))
        what = (
            f"retention_period is {period}, and the compactor has no retention_enabled: nothing is"
        )
        yield Finding(where, f"{what} deleted; write retention_enabled: true")


def _renamed(
    artifact: Artifact, at: tuple[str, ...], number: int, job: Fields
) -> Iterator[Finding]:
    targets = [
        one for group in items(job, "static_configs") for one in texts(dig(group, "targets"))
    ]
    found = next(filter(None, map(_PUSHED.fullmatch, targets)), None)
    if found and job.get("honor_labels") is not True:
        where = artifact.at(*at, *(() if at else ("scrape_configs", number)))
        what = f"job {string(job, 'job_name')} asks {found[1]} without honor_labels: the job and"
        advice = "instance that were pushed become exported_job and exported_instance, so no"
        yield Finding(where, f"{what} {advice} question by them has a result", warning=True)


def _judged(files: Files) -> Iterator[object]:
    yield from collectors(files)
    yield from configurations(files)


GATE = Gate(
    id="OBS030",
    title="What configurations of monitoring write down is in use",
    phase="observability",
    source="https://opentelemetry.io/docs/collector/configuration: what is in no pipeline does "
    "nothing; https://grafana.com/docs/loki/latest/operations/storage/retention: the compactor "
    "deletes where retention_enabled is true; https://prometheus.io/docs/instrumenting/pushing",
    check=check,
    of_files=check,
    scope=counted_in_files("configurations of monitoring", _judged),
    #: Tarmac renders none of these with such parts.
    targets=(),
    reads="parts of collectors beside their pipelines and service.extensions, the retention of "
    "Loki, and jobs that ask a Pushgateway. Judges files without a plan only.",
)
