"""What is asked of Prometheus about a new version, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items, text
from tarmac.base.written import seconds
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import named
from tarmac.check.gates.views.trials.canaries import Canary
from tarmac.check.gates.views.trials.rollouts import Rollout

#: A hash as Kubernetes makes it of a new revision's pods.
NEW = "6d9f8b7c5x"
#: What Flagger asks by itself, by the metric's name (flagger: pkg/metrics/observers/istio.go).
BUILT_IN = {
    "request-success-rate": 'istio_requests_total{{reporter="destination",'
    'destination_workload_namespace="{namespace}",destination_workload=~"{name}"}}',
    "request-duration": 'istio_request_duration_milliseconds_bucket{{reporter="destination",'
    'destination_workload_namespace="{namespace}",destination_workload=~"{name}"}}',
}


@dataclass(frozen=True)
class Question:
    """What is asked of Prometheus, and where it stands."""

    artifact: Artifact
    name: str
    query: str


@dataclass(frozen=True)
class Analysis:
    """All that is asked about one workload."""

    questions: tuple[Question, ...]
    #: Names of questions that nothing answers.
    lost: tuple[str, ...]
    every_s: float
    #: How many checks may fail.
    failures: int


def of_canary(files: Files, canary: Canary, workload: str) -> Analysis:
    """Read what Flagger asks about a workload."""
    templates = named(files, "MetricTemplate")
    found, lost = [], []
    for metric in items(canary.analysis, "metrics"):
        ref, own = text(metric, "templateRef", "name"), text(metric, "name") or ""
        if own in BUILT_IN:
            query = BUILT_IN[own].format(namespace=canary.namespace, name=workload)
            found.append(Question(canary.artifact, own, query))
        elif ref in templates:
            query = str(text(templates[ref].data, "spec", "query"))
            query = _filled(query, {"namespace": canary.namespace, "target": workload})
            found.append(Question(templates[ref], own, query))
        else:
            lost.append(str(ref or own))
    every_s = seconds(str(text(canary.analysis, "interval")))
    return Analysis(tuple(found), tuple(lost), every_s, canary.analysis.get("threshold") or 0)


def of_rollout(files: Files, rollout: Rollout) -> Analysis:
    """Read what Argo asks about the workload of a Rollout."""
    templates, used = named(files, "AnalysisTemplate"), rollout.analyses
    found, every, failures = [], [0.0], [0]
    for template in (templates[name] for name in used if name in templates):
        dry = {metric.get("metricName") for metric in items(template.data, "spec", "dryRun")}
        for metric in items(template.data, "spec", "metrics"):
            if (query := text(metric, "provider", "prometheus", "query")) is None:
                continue
            own = text(metric, "name") or ""
            found.append(Question(template, own, _filled(query, {r"args\.[\w-]+": NEW})))
            if own not in dry:
                every.append(seconds(str(metric.get("interval"))))
                failures.append(int(metric.get("failureLimit") or 0) + 1)
    lost = tuple(name for name in used if name not in templates)
    return Analysis(tuple(found), lost, max(every), max(failures))


def endless(templates: Mapping[str, Artifact], rollout: Rollout) -> Iterator[Question]:
    """Yield what a step of a Rollout would ask for ever: again and again, and not so many times.

    Args:
        templates: the AnalysisTemplates, by their names.
    """
    for name in sorted(rollout.step_analyses & templates.keys()):
        for metric in items(templates[name].data, "spec", "metrics"):
            if metric.get("interval") and metric.get("count") in (None, 0, "0"):
                yield Question(templates[name], str(metric.get("name")), "")


def _filled(query: str, known: Mapping[str, str]) -> str:
    """Put in what the controller does: a time where one stands, and what is known by its name."""
    query = re.sub(r"\[\s*\{\{[^}]*\}\}", "[1m", query)
    for name, value in known.items():
        query = re.sub(rf"\{{\{{\s*{name}\s*\}}\}}", value, query)
    return query
