"""Canaries by Argo Rollouts: a Rollout of each service, and what its analysis measures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan import analysis
from tarmac.plan.analysis import Analysis
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.gitops.parts.argo_objects import API
from tarmac.render.gitops.parts.rollout_analysis import templates
from tarmac.render.gitops.parts.rollout_routes import PLUGIN, divided, mesh_name
from tarmac.render.kubernetes.parts import identity
from tarmac.render.kubernetes.parts.gateway_api import API as GATEWAY_API
from tarmac.render.kubernetes.parts.gateway_api import backends
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.renderer import Renderer

NOTES = (
    "The pods are the Rollout's, made from the template of the Deployment of this name; that is",
    "scaled down to nothing, so git says no number of it, and the autoscaler scales the Rollout.",
    "In a canary the weights of its HTTPRoutes are the controller's: what applies git again and",
    "again must leave `spec.rules` alone while a route has the label",
    "rollouts.argoproj.io/gatewayapi-canary. The controller needs the plugin",
    "argoproj-labs/gatewayAPI.",
)
WEIGHTLESS = (
    "Nothing here divides requests: a weight is met as nearly as by a number of pods it can be.",
)


def rollout(plan: ClusterPlan, workload: Workload, asked: Analysis) -> Artifact:
    """Return by which steps a new version gets the traffic."""
    args = [{"name": "revision", "valueFrom": {"podTemplateHashValue": "Latest"}}]
    steps: list[dict[str, Any]] = []
    for weight in asked.weights:
        judged = {"templates": [{"templateName": f"{workload.name}-step"}], "args": args}
        steps += [{"setWeight": weight}, {"analysis": judged}]
    routes = divided(plan, workload)
    plugin = {PLUGIN: {"namespace": plan.namespace, "httpRoutes": [{"name": n} for n in routes]}}
    canary: dict[str, Any] = {
        "stableService": identity.stable(workload.name),
        "canaryService": identity.canary(workload.name),
        **({"trafficRouting": {"plugins": plugin}} if routes else {}),
        "analysis": {
            "templates": [{"templateName": f"{workload.name}-whole"}],
            "args": args,
            # The first run is due once the first weight is set.
            "startingStep": 1,
        },
        "steps": steps,
    }
    spec = {
        **({} if workload.scale.automatic else {"replicas": workload.scale.least}),
        "revisionHistoryLimit": 5,
        "progressDeadlineSeconds": analysis.READY_WITHIN_S,
        # Pods that do not become ready take a version back, too.
        "progressDeadlineAbort": True,
        "workloadRef": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "name": workload.name,
            "scaleDown": "progressively",
        },
        "strategy": {"canary": canary},
    }
    notes = (*NOTES, *(() if routes else WEIGHTLESS))
    return an_object(plan, API, "Rollout", workload.name, {"spec": spec}, of=workload, notes=notes)


def mesh_route(plan: ClusterPlan, workload: Workload) -> Artifact:
    """Divide what other services ask of it: the mesh takes a route of a Service for all calls."""
    port = next(iter(workload.ports.values()))
    parent = {"group": "", "kind": "Service", "name": workload.name, "port": port}
    rule = {"backendRefs": backends(plan, workload.name, port)}
    body = {"spec": {"parentRefs": [parent], "rules": [rule]}}
    return an_object(plan, GATEWAY_API, "HTTPRoute", mesh_name(workload), body, of=workload)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield what tries new versions, where Argo Rollouts does."""
    for workload in analysis.canary_services(plan, "argo"):
        asked = analysis.analysis(plan, workload)
        yield rollout(plan, workload, asked)
        yield from templates(plan, workload, asked)
        yield from identity.revisions(plan, workload)
        if plan.settings.mesh:
            yield mesh_route(plan, workload)


RENDERER = Renderer(
    id="argo-rollouts",
    phase="gitops",
    title="Rollout of each service that Argo Rollouts tries, with its AnalysisTemplates",
    render=render,
)
