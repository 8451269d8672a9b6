"""What is to be scraped is asked for in the way that the Prometheus here reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import (
    kind_of,
    metadata,
    space_of,
    title,
)
from tarmac.check.gates.views.objects.selectors import selects
from tarmac.check.gates.views.objects.services import Service
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, Pods, pods
from tarmac.check.gates.views.scope import counted_in_files

_ASKS = "prometheus.io/scrape"
_MADE_BY = "monitoring.coreos.com/"
#: What reads the annotation, or may: jobs of one's own, and other collectors.
_READERS = re.compile(
    r"(?i)prometheus_io_scrape|additional_?scrape_?configs|ScrapeConfig\b|datadog|\balloy"
    r"|grafana-agent"
    r"|vmagent|victoria-?metrics|newrelic|dynatrace|k8s-monitoring|opentelemetry|\botel|linkerd"
    r"|prom/prometheus|prometheus/prometheus|instana|elastic-agent|metricbeat|telegraf|istio|kuma"
    r"|chart: prometheus\b|'chart': 'prometheus'"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield annotations that the operator's Prometheus does not read, where no monitor is."""
    servers = list(_servers(files))
    asking = list(_asking(files)) if servers else []
    if not asking or _is_read(files):
        return
    monitors = list(files.objects("ServiceMonitor", "PodMonitor"))
    services = [Service(one) for one in files.objects("Service")]
    for own in asking:
        if not any(_may_find(one, own, services) for one in monitors):
            what = f"{title(own.artifact)} asks to be scraped by the annotation {_ASKS}, which"
            said = f"{what} {title(servers[0])} of the operator does not read, and no monitor here"
            where = own.artifact.at(*own.path[:-1], "metadata", "annotations", _ASKS)
            yield Finding(where, f"{said} selects it: it is not scraped; write a PodMonitor")


def _servers(files: Files) -> Iterator[Artifact]:
    """Yield the servers that the operator makes."""
    for artifact in files.objects("Prometheus", "PrometheusAgent"):
        if str(artifact.data.get("apiVersion")).startswith(_MADE_BY):
            yield artifact


@once
def _asking(files: Files) -> Iterator[Pods]:
    for own in pods(files, *SERVING):
        if str(_annotations(own).get(_ASKS)).lower() == "true":
            yield own


def _annotations(own: Pods) -> Mapping[str, Any]:
    return fields(own.artifact.data, *own.path[:-1], "metadata", "annotations")


def _is_read(files: Files) -> bool:
    """Tell whether something here may read the annotation."""
    return any(_READERS.search(str(one.content)) for one in files.artifacts)


def _may_find(monitor: Artifact, own: Pods, services: list[Service]) -> bool:
    """Tell whether a monitor may select pods, by themselves or by a Service of theirs."""
    selector = fields(monitor.data, "spec", "selector")
    if kind_of(monitor) == "PodMonitor":
        return selects(selector, own.labels)
    return any(
        service.selector
        and space_of(service.artifact) == space_of(own.artifact)
        and selects({"matchLabels": service.selector}, own.labels)
        and selects(selector, metadata(service.artifact).labels)
        for service in services
    )


GATE = Gate(
    id="OBS088",
    title="What is to be scraped is asked for as the Prometheus here reads it",
    phase="observability",
    source="https://github.com/prometheus-operator/prometheus-operator/blob/main/Documentation/"
    "user-guides/getting-started.md: the operator does not support annotation-based discovery",
    check=check,
    of_files=check,
    scope=counted_in_files("pods that ask to be scraped", _asking),
    targets=(),
    reads="annotations of pods beside a Prometheus of the operator, monitors and Services, where "
    "nothing else here may read them. Judges files without a plan only.",
)
