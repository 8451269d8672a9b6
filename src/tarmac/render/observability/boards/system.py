"""The dashboard of a whole system: its services beside each other, where to look first."""

from __future__ import annotations

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.gitops.parts import environment
from tarmac.render.observability.alerting.subjects import either, watched
from tarmac.render.observability.boards.panels import Board
from tarmac.render.observability.boards.read import FOLDER, rows
from tarmac.render.observability.boards.service import traffic
from tarmac.render.texts import Value, given


def system_board(plan: ClusterPlan) -> Board:
    """Show all services beside each other: where to look first."""
    of_services = [traffic(workload) for workload in watched(plan)]
    synced = bool(plan.settings.gitops and environment.repository(plan))
    values: dict[str, Value] = {
        "namespace": plan.namespace,
        "workloads": either(workload.name for workload in plan.workloads),
        "services": either(workload.name for workload in watched(plan)),
        "syncs": given(synced),
        "project": environment.project(plan) if synced else "",
        **{
            name: given(any(found[name] for found in of_services))
            for name in ("calls", "relays", "consumes", "keeps")
        },
    }
    about = f"All services of {plan.system} in {plan.environment}. Each has a dashboard of its own."
    title = f"{plan.system} / overview"
    return Board("overview", title, about, rows(FOLDER / "system.yaml", values))
