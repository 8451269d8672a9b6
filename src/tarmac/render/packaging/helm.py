"""One chart for every service, copied as it stands, and of each service its own values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.kubernetes.parts.metadata import by_workload
from tarmac.render.packaging.parts import chart_values
from tarmac.render.renderer import Renderer

#: Where the chart is in the tree; its values are beside it.
FOLDER = "charts/service"


def chart(plan: ClusterPlan) -> Iterable[Artifact]:
    """Copy the chart; it is the same in every system and environment."""
    if "helm" in plan.settings.packaging:
        for path in assets(chart_values.CHART):
            yield Artifact(
                FOLDER + path.removeprefix(chart_values.CHART), asset(path), place=plan.model
            )


def values(plan: ClusterPlan, objects: Sequence[Artifact]) -> Iterable[Artifact]:
    """Yield the values with which the chart makes each service's objects in this environment."""
    if "helm" not in plan.settings.packaging:
        return
    parts = by_workload(objects)
    for workload in plan.services:
        own = parts[workload.name]
        left = [
            artifact for artifact in own if not chart_values.has_template(artifact.data["kind"])
        ]
        file = f"charts/values/{workload.name}.yaml"
        notes = [
            f"helm upgrade --install {workload.name} {FOLDER} -f {file} -n {plan.namespace}",
            *(f"The chart has no template for {e.data['kind']}: apply {e.path}." for e in left),
        ]
        data = chart_values.values(workload, [artifact.data for artifact in own])
        yield Artifact(file, data, workload.place, tuple(notes))


RENDERER = Renderer(
    id="helm",
    phase="kubernetes",
    title="The chart of a service, and the values of each",
    render=chart,
    repack=values,
)
