"""Grafana dashboards as code: of the system, its objectives, each service, and the stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.kubernetes.parts.metadata import an_object
from tarmac.render.observability.alerting.subjects import watched
from tarmac.render.observability.boards.grafana import grafana
from tarmac.render.observability.boards.objectives import slo_board
from tarmac.render.observability.boards.panels import Board
from tarmac.render.observability.boards.service import service_board
from tarmac.render.observability.boards.stores import stores_board
from tarmac.render.observability.boards.system import system_board
from tarmac.render.renderer import Renderer

#: What Grafana's sidecar looks for, and where it puts what it finds (kube-prometheus-stack).
LABEL, FOLDER = "grafana_dashboard", "grafana_folder"


def boards(plan: ClusterPlan) -> Iterator[Board]:
    """List the dashboards of a system."""
    if not watched(plan):
        return
    yield system_board(plan)
    if (objectives := slo_board(plan)) is not None:
        yield objectives
    for workload in watched(plan):
        yield service_board(plan, workload)
    if (stores := stores_board(plan)) is not None:
        yield stores


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield each dashboard twice: to import, and as what Grafana in the cluster finds by itself."""
    observability = plan.settings.observability
    if observability is None or observability.metrics != "prometheus":
        return
    for board in boards(plan):
        text = grafana(plan, board)
        yield Artifact(f"observability/dashboards/{board.name}.json", text, plan.model)
        found = an_object(
            plan,
            "v1",
            "ConfigMap",
            f"dashboard-{board.name}",
            {"data": {f"{board.name}.json": text}},
            annotations={FOLDER: plan.system},
            folder="monitoring",
        )
        found.data["metadata"]["labels"][LABEL] = "1"
        yield found


RENDERER = Renderer(
    id="dashboards",
    phase="observability",
    title="Grafana dashboards: the system, its objectives, each service, the stores",
    render=render,
)
