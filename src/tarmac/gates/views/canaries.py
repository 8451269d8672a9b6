"""Canaries and Rollouts as gates read them: their workloads, queries and routes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.gate import Files
from tarmac.gates.views.objects import dig, name_of, named, spec_of
from tarmac.gates.views.shapes import mappings, texts_in
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
        routes = (route for one in plugins.values() for route in one.get("httpRoutes") or ())
        return {route["name"] for route in routes if "name" in route}

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
        own = str(metric.get("name") or "")
        if own in BUILT_IN:
            query = BUILT_IN[own].format(namespace=space, name=name)
            found.append(Question(artifact, own, query, bounds))
        elif ref in templates:
            query = str(dig(templates[ref].data, "spec", "query"))
            query = _filled(query, {"namespace": space, "target": name})
            found.append(Question(templates[ref], own, query, bounds))
        else:
            lost.append(str(ref or own))
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
    analyses = [canary.get("analysis"), *(step.get("analysis") for step in steps)]
    used = dict.fromkeys(
        str(template.get("templateName"))
        for analysis in analyses
        for template in (analysis or {}).get("templates") or ()
    )
    found, every, failures = [], [0.0], [0]
    for template in (templates[used_name] for used_name in used if used_name in templates):
        dry = {metric.get("metricName") for metric in dig(template.data, "spec", "dryRun") or ()}
        for metric in dig(template.data, "spec", "metrics") or ():
            if (query := dig(metric, "provider", "prometheus", "query")) is None:
                continue
            query = _filled(query, {r"args\.[\w-]+": NEW})
            own = str(metric.get("name") or "")
            found.append(Question(template, own, query, {}))
            if own not in dry:
                every.append(seconds(str(metric.get("interval"))))
                failures.append(int(metric.get("failureLimit") or 0) + 1)
    return Trial(
        artifact, name, False, tuple(found), tuple(lost for lost in used if lost not in templates),
        tuple(step["setWeight"] for step in steps if "setWeight" in step),
        max(every), max(failures),
    )  # fmt: skip


def led(artifact: Artifact, namespace: str) -> set[str]:
    """Find the hosts whose requests an object leads, those of Services by their short names."""
    return {_short(host, namespace) for host in _hosts(artifact)}


def _hosts(artifact: Artifact) -> Iterator[str]:
    """Yield the hosts whose requests an object leads."""
    spec = spec_of(artifact)
    match artifact.data["kind"]:
        case "VirtualService":
            yield from texts_in(spec.get("hosts"))
        case "DestinationRule":
            yield from texts_in(spec.get("host"))
        case "HTTPRoute":
            yield from texts_in(spec.get("hostnames"))
            for parent in mappings(spec.get("parentRefs")):
                if parent.get("kind") == "Service":
                    yield from texts_in(parent.get("name"))
        case "Ingress":
            for rule in mappings(spec.get("rules")):
                yield from texts_in(rule.get("host", ""))


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
