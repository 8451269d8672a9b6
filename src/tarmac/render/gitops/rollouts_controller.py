"""Values of Argo Rollouts' chart: the plugin by which its Rollouts divide requests."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan import analysis
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import texts
from tarmac.render.gitops.parts.rollout_routes import PLUGIN, divided
from tarmac.render.renderer import Renderer

PROGRAM = "rollouts-plugin-trafficrouter-gatewayapi"
IMAGE = f"ghcr.io/argoproj-labs/{PROGRAM}"
NOTES = (
    "Without the plugin the controller refuses every Rollout here that divides requests by routes.",
    "It looks for plugins when it starts. bootstrap/start.sh, where there is one, installs it with",
    "these values; they go with those of the chart's metrics.",
)


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the values, where a Rollout divides requests."""
    tried = analysis.canary_services(plan, "argo")
    if any(divided(plan, workload) for workload in tried):
        given = {"plugin": PLUGIN, "program": PROGRAM, "image": versions.read().image(IMAGE)}
        content = texts.filled_asset("gitops/argo-rollouts.yaml", given)
        yield Artifact("rollouts/values/argo-rollouts.yaml", content, plan.model, notes=NOTES)


RENDERER = Renderer(
    id="argo-rollouts-controller",
    phase="gitops",
    title="Values for the chart of Argo Rollouts: the plugin that divides requests by routes",
    render=render,
)
