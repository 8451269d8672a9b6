"""Canaries and Rollouts as gates read them: who tries what, by which questions and routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates._gate import Files
from tarmac.gates._objects import dig, name_of, named
from tarmac.model.value import seconds

#: Two hashes as Kubernetes makes them: of the new revision's pods, and of the stable one's.
NEW, OLD, POD = "6d9f8b7c5x", "7c5x6d9f8b", "x7k2p"
#: What Flagger asks by itself, by the metric's name (flagger: pkg/metrics/observers/istio.go).
BUILT_IN = {
    "request-success-rate": 'istio_requests_total{{reporter="destination",'
    'destination_workload_namespace="{namespace}",destination_workload=~"{name}"}}',
    "request-duration": 'istio_request_duration_milliseconds_bucket{{reporter="destination",'
    'destination_workload_namespace="{namespace}",destination_workload=~"{name}"}}',
}


@dataclass(frozen=True)
class Question:
    """What is asked of Prometheus, where it stands, and which values are good."""

    artifact: Artifact
    name: str
    query: str
    bounds: Mapping[str, float]


@dataclass(frozen=True)
class Trial:
    """How new versions of one workload are tried."""

    artifact: Artifact
    workload: str
    flagger: bool
    questions: tuple[Question, ...]
    #: Names of questions that nothing answers.
    lost: tuple[str, ...]
    weights: tuple[int, ...]
    every_s: float
    failures: int

    @property
    def spec(self) -> Mapping[str, Any]:
        """What the object says."""
        found: Mapping[str, Any] = dig(self.artifact.data, "spec") or {}
        return found

    @property
    def space(self) -> str:
        """Its namespace; empty where none is said."""
        return str(dig(self.artifact.data, "metadata", "namespace") or "")

    @property
    def services(self) -> list[Any]:
        """The two Services of a Rollout: of the stable version, and of the new one."""
        canary = dig(self.spec, "strategy", "canary")
        return [dig(canary, key) for key in ("stableService", "canaryService")]

    @property
    def moved(self) -> set[str]:
        """The routes whose weights a Rollout moves."""
        plugins = dig(self.spec, "strategy", "canary", "trafficRouting", "plugins") or {}
        return {e["name"] for each in plugins.values() for e in each.get("httpRoutes") or ()}

    @property
    def series(self) -> tuple[dict[str, str], dict[str, str]]:
        """Give the labels that a scrape of a new and of a stable pod has."""
        stable = f"{self.workload}-primary" if self.flagger else self.workload
        return self._labels(self.workload, NEW), self._labels(stable, OLD)

    def _labels(self, owner: str, digest: str) -> dict[str, str]:
        return {
            "namespace": self.space,
            "destination_workload_namespace": self.space,
            "pod": f"{owner}-{digest}-{POD}",
            "container": self.workload,
            "service": self.workload,
            "job": self.workload,
            "destination_workload": owner,
        }


def trials(files: Files) -> Iterator[Trial]:
    """Yield how each workload's new versions are tried."""
    for artifact in files.objects("Canary"):
        if str(artifact.data["apiVersion"]).startswith("flagger.app/"):
            yield _canary(files, artifact)
    for artifact in files.objects("Rollout"):
        if dig(artifact.data, "spec", "strategy", "canary"):
            yield _rollout(files, artifact)


def _canary(files: Files, artifact: Artifact) -> Trial:
    name = str(dig(artifact.data, "spec", "targetRef", "name") or name_of(artifact))
    space = str(dig(artifact.data, "metadata", "namespace") or "")
    said = dig(artifact.data, "spec", "analysis") or {}
    templates, found, lost = named(files, "MetricTemplate"), [], []
    for metric in said.get("metrics") or ():
        bounds = metric.get("thresholdRange") or {}
        ref = dig(metric, "templateRef", "name")
        if metric["name"] in BUILT_IN:
            query = BUILT_IN[metric["name"]].format(namespace=space, name=name)
            found.append(Question(artifact, metric["name"], query, bounds))
        elif ref in templates:
            query = str(dig(templates[ref].data, "spec", "query"))
            query = _filled(query, {"namespace": space, "target": name})
            found.append(Question(templates[ref], metric["name"], query, bounds))
        else:
            lost.append(str(ref or metric["name"]))
    last, step = said.get("maxWeight") or 0, said.get("stepWeight") or 0
    even = tuple(range(step, last + 1, step)) if step else ()
    weights = tuple(said.get("stepWeights") or even)
    return Trial(
        artifact, name, True, tuple(found), tuple(lost), weights,
        seconds(str(said.get("interval"))), said.get("threshold") or 0,
    )  # fmt: skip


def _rollout(files: Files, artifact: Artifact) -> Trial:
    spec = artifact.data["spec"]
    name = str(dig(spec, "workloadRef", "name") or name_of(artifact))
    canary, templates = spec["strategy"]["canary"], named(files, "AnalysisTemplate")
    steps = canary.get("steps") or ()
    analyses = [canary.get("analysis"), *(each.get("analysis") for each in steps)]
    used = dict.fromkeys(
        str(each.get("templateName"))
        for analysis in analyses
        for each in (analysis or {}).get("templates") or ()
    )
    found, every, failures = [], [0.0], [0]
    for template in (templates[each] for each in used if each in templates):
        dry = {each.get("metricName") for each in dig(template.data, "spec", "dryRun") or ()}
        for metric in dig(template.data, "spec", "metrics") or ():
            if (query := dig(metric, "provider", "prometheus", "query")) is None:
                continue
            query = _filled(query, {r"args\.[\w-]+": NEW})
            found.append(Question(template, metric["name"], query, {}))
            if metric["name"] not in dry:
                every.append(seconds(str(metric.get("interval"))))
                failures.append(int(metric.get("failureLimit") or 0) + 1)
    return Trial(
        artifact, name, False, tuple(found), tuple(each for each in used if each not in templates),
        tuple(each["setWeight"] for each in steps if "setWeight" in each),
        max(every), max(failures),
    )  # fmt: skip


def led(artifact: Artifact, namespace: str) -> set[str]:
    """Find the hosts whose requests an object leads, those of Services by their short names."""
    return {_short(each, namespace) for each in _hosts(artifact)}


def _hosts(artifact: Artifact) -> Iterator[str]:
    """Yield the hosts whose requests an object leads."""
    spec: Mapping[str, Any] = dig(artifact.data, "spec") or {}
    match artifact.data["kind"]:
        case "VirtualService":
            yield from spec.get("hosts") or ()
        case "DestinationRule":
            yield str(spec.get("host"))
        case "HTTPRoute":
            yield from spec.get("hostnames") or ()
            parents = spec.get("parentRefs") or ()
            yield from (e["name"] for e in parents if e.get("kind") == "Service")
        case "Ingress":
            yield from (rule.get("host", "") for rule in spec.get("rules") or ())


def _short(host: str, namespace: str) -> str:
    """Take a Service's long name for its short one; of any namespace where none is known."""
    end = rf"\.{re.escape(namespace)}(\.svc(\..+)?)?$" if namespace else r"\.[^.]+\.svc(\..+)?$"
    return re.sub(end, "", host)


def _filled(query: str, known: Mapping[str, str]) -> str:
    """Put in what the controller does: a time where one stands, and what is known by its name."""
    query = re.sub(r"\[\s*\{\{[^}]*\}\}", "[1m", query)
    for name, value in known.items():
        query = re.sub(rf"\{{\{{\s*{name}\s*\}}\}}", value, query)
    return query
