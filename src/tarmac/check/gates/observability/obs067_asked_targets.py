"""Rules ask for a job by its name, and for what a prober found."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.monitoring.configurations import configurations
from tarmac.check.gates.views.monitoring.monitors import Monitor
from tarmac.check.gates.views.monitoring.promql import SeriesSelector, selected
from tarmac.check.gates.views.monitoring.rule_groups import PlacedRule, parsed, placed_groups
from tarmac.check.gates.views.objects.indexes import LabelIndex
from tarmac.check.gates.views.objects.metadata import kind_of, name_of, space_of, title
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_MONITORS = {"ServiceMonitor": "endpoints", "PodMonitor": "podMetricsEndpoints"}


def check(files: Files) -> Iterator[Finding]:
    """Yield rules on whether a prober runs, and on jobs by the names of monitors."""
    rules = list(_rules(files))
    probers = set(_probers(files)) if rules else set()
    has_success = any(one.name == "probe_success" for _, found in rules for one in found)
    misnamed = dict(_misnamed(files)) if rules else {}
    for rule, found in rules:
        where = rule.artifact.at(*rule.path, "expr")
        for one in found:
            job = one.equal.get("job", "")
            if one.name == "up" and job in probers and not has_success:
                what = (
                    f"{rule.name} asks for up of the job {job}, which says that the prober itself"
                )
                why = "answers: it is 1 for a target that is down; ask for probe_success"
                yield Finding(where, f"{what} {why}")
                break
            if job in misnamed:
                what = f"{rule.name} asks for the job {job}, {misnamed[job]}"
                yield Finding(where, what)
                break


@once
def _rules(files: Files) -> Iterator[tuple[PlacedRule, tuple[SeriesSelector, ...]]]:
    for group in placed_groups(files):
        for rule in group:
            if "job" in rule.expr and parsed(rule) is not None:
                found = selected(rule.expr)
                if any("job" in one.equal for one in found):
                    yield rule, found


def _probers(files: Files) -> Iterator[str]:
    """Yield the jobs whose targets a prober is asked for."""
    for _, _, data in configurations(files):
        for _, job in numbered(data, "scrape_configs"):
            rules = [one for _, one in numbered(job, "relabel_configs")]
            if any(string(one, "target_label") == "__param_target" for one in rules):
                yield string(job, "job_name")
    for artifact in files.objects("Probe"):
        yield string(artifact.data, "spec", "jobName")


def _misnamed(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the names of monitors that are the names of no job, and what their jobs are called."""
    services = [Service(one) for one in files.objects("Service")]
    index = LabelIndex(services, lambda one: one.metadata.labels)
    jobs = {name_of(one.artifact) for one in services}
    for _, _, data in configurations(files):
        jobs |= {string(job, "job_name") for _, job in numbered(data, "scrape_configs")}
    for artifact in files.objects(*_MONITORS):
        spec, kind = fields(artifact.data, "spec"), kind_of(artifact)
        name = name_of(artifact)
        if "jobLabel" in spec or name in jobs or _sets_job(artifact.data, kind):
            continue
        if kind == "PodMonitor":
            called = f"{space_of(artifact) or 'NAMESPACE'}/{name}"
            yield name, f"and that of {title(artifact)} is {called}: it finds nothing; write that"
            continue
        monitor = Monitor(artifact)
        found = [one for one in index.selected(fields(spec, "selector")) if monitor.finds(one)]
        if found:
            called = " or ".join(sorted({name_of(one.artifact) for one in found})[:3])
            what = f"and that of {title(artifact)} is named after its Service, {called}: it finds"
            yield name, f"{what} nothing; write that"


def _sets_job(data: object, kind: str) -> bool:
    ends = items(data, "spec", _MONITORS[kind])
    rules = [one for end in ends for one in items(end, "relabelings")]
    return any(string(one, "targetLabel") in ("", "job") for one in rules)


GATE = Gate(
    id="OBS067",
    title="Rules ask for a job by its name, and for what a prober found",
    phase="observability",
    source="https://github.com/prometheus/blackbox_exporter: probe_success is whether a probe "
    "succeeded; https://prometheus-operator.dev/docs/api-reference/api: without jobLabel a job is "
    "called as its Service",
    check=check,
    of_files=check,
    scope=counted_in_files("rules on a job", _rules),
    targets=(),
    reads="job= in rules beside scrapes by a prober, and beside monitors with the Services that "
    "they select in these files. Judges files without a plan only.",
)
