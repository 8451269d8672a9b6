"""New versions tried by Flagger: a Canary of each service, and what it asks of Prometheus."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.written import duration
from tarmac.plan import analysis
from tarmac.plan.analysis import Analysis
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.gitops.parts.flagger_traffic import gateway, traffic
from tarmac.render.kubernetes.parts.hosts import led_by_flagger
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

API = "flagger.app/v1beta1"

NOTES = (
    "Flagger makes the Services, DestinationRules and the VirtualService of this name itself, and",
    "a copy of the Deployment, NAME-primary, which has the traffic between two canaries; none of",
    "them is in this tree, and a hand-made one of the same name or host would be undone. The label",
    "`app` is there for it: it must be the first that its option selector-labels names, as it is",
    "by default. A Deployment that is there already cannot get it: take that away first, with",
    "`kubectl delete deployment NAME --cascade=orphan`; its pods serve on.",
    "Too few requests fail an analysis run: a version without traffic is not promoted. No load",
    "is generated: in a closed namespace that would need rights of its own, and orders are real.",
    "There is no timeout and no retry: callers have their own, with deadline and budget.",
)


def canary(plan: ClusterPlan, workload: Workload, asked: Analysis) -> Artifact:
    """Return a canary's target, the source of its traffic and its analysis."""
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
    spec = {
        "provider": "istio",
        "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name},
        **(
            {"autoscalerRef": {**scaler, "name": workload.name}} if workload.scale.automatic else {}
        ),
        "progressDeadlineSeconds": analysis.READY_WITHIN_S,
        "service": traffic(plan, workload),
        "analysis": {
            "interval": duration(asked.every_s, "m"),
            "threshold": asked.failures,
            "stepWeights": list(asked.weights),
            "metrics": [
                _metric(asked, "success", {"min": asked.success}),
                _metric(asked, "p99", {"max": asked.p99_s}),
            ],
        },
    }
    kind, name = "Canary", workload.name
    return an_object(plan, API, kind, name, {"spec": spec}, of=workload, notes=NOTES)


def _metric(asked: Analysis, name: str, bounds: dict[str, float]) -> dict[str, Any]:
    return {
        "name": name,
        "templateRef": {"name": f"{asked.service}-{name}"},
        "interval": duration(asked.window_s, "m"),
        "thresholdRange": bounds,
    }


def templates(plan: ClusterPlan, workload: Workload, asked: Analysis) -> Iterator[Artifact]:
    """Yield what is asked of Prometheus."""
    written = analysis.queries(asked, analysis.flagger_pods(workload.name))
    address = analysis.PROMETHEUS.format(namespace=plan.settings.monitoring)
    for name, query in (("success", written.success), ("p99", written.p99)):
        body = {"spec": {"provider": {"type": "prometheus", "address": address}, "query": query}}
        kind, of = "MetricTemplate", workload
        yield an_object(plan, API, kind, f"{workload.name}-{name}", body, of=of)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield what tries new versions, where Flagger does."""
    for workload in analysis.canary_services(plan, "flagger"):
        asked = analysis.analysis(plan, workload)
        yield canary(plan, workload, asked)
        yield from templates(plan, workload, asked)
        if public := led_by_flagger(plan, workload):
            yield gateway(plan, workload, public)


RENDERER = Renderer(
    id="flagger",
    phase="mesh",
    title="Canary of each service that Flagger tries, with its MetricTemplates",
    render=render,
)
