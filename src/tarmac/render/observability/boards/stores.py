"""The dashboard of the stores in the cluster, with the panels that their kinds bring."""

from __future__ import annotations

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.observability.boards.panels import Board, Row
from tarmac.render.observability.boards.read import FOLDER, panels


def stores_board(plan: ClusterPlan) -> Board | None:
    """Show each store whose kind has panels; None where there is no such one."""
    rows = tuple(row for store in plan.stores for row in _rows(plan, store))
    about = f"Stores of {plan.system} in the cluster. Managed stores are on the cloud's dashboards."
    return Board("stores", f"{plan.system} / stores", about, rows) if rows else None


def _rows(plan: ClusterPlan, store: Workload) -> tuple[Row, ...]:
    if store.exporter is None or store.exporter.assets is None:
        return ()
    own = f'namespace="{plan.namespace}",job="{store.name}"'
    values = {"own": own, "namespace": plan.namespace, "store": store.name}
    of_kind = panels(store.exporter.assets / "panels.yaml", values)
    disk = panels(FOLDER / "stores.yaml", values)
    return (Row(store.name, (*of_kind, *disk)),) if of_kind else ()
