"""What is worth seeing of the stores in the cluster, as their exporters tell it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render._panels import RED, Board, Panel, Query, Row
from tarmac.render._queries import FULL, WINDOW, rate


def stores_board(plan: ClusterPlan) -> Board | None:
    """Show each store that somebody tells of; None where there is no such one."""
    told = [each for each in plan.stores if each.exporter and each.exporter.id in PANELS]
    rows = tuple(
        Row(each.name, (*PANELS[each.exporter.id](_own(plan, each)), _disk(plan, each)))
        for each in told
        if each.exporter
    )
    about = f"Stores of {plan.system} in the cluster. What the cloud keeps is seen at the cloud."
    return Board("stores", f"{plan.system} / stores", about, rows) if rows else None


def _own(plan: ClusterPlan, store: Workload) -> str:
    return f'namespace="{plan.namespace}",job="{store.name}"'


def _postgres(own: str) -> tuple[Panel, ...]:
    used = f"sum (pg_stat_activity_count{{{own}}}) / max (pg_settings_max_connections{{{own}}})"
    kinds = ("commit", "rollback")
    transactions = tuple(
        Query(rate(f'pg_stat_database_xact_{kind}{{{own},datname!~"template.*|postgres"}}'), kind)
        for kind in kinds
    )
    return (
        Panel(
            "Connections in use",
            "percentunit",
            (Query(used, "of those that it takes"),),
            "At 100 % it turns services away.",
            marks=FULL,
            most=1,
        ),
        Panel(
            "Transactions",
            "ops",
            transactions,
            "A rollback is an error that somebody met, or a conflict that is tried again.",
        ),
        Panel(
            "Size of databases",
            "bytes",
            (
                Query(
                    f"max by (datname) (pg_database_size_bytes"
                    f'{{{own},datname!~"template.*|postgres"}})',
                    "{{datname}}",
                ),
            ),
            "Without the log of changes.",
        ),
        Panel(
            "Deadlocks",
            "short",
            (
                Query(
                    f"sum by (datname) (increase(pg_stat_database_deadlocks{{{own}}}[{WINDOW}]))",
                    "{{datname}}",
                ),
            ),
            "Two transactions that waited for each other; one of them was ended.",
        ),
    )


def _rabbitmq(own: str) -> tuple[Panel, ...]:
    return (
        Panel(
            "Messages that wait",
            "short",
            (Query(f"sum by (queue) (rabbitmq_queue_messages_ready{{{own}}})", "{{queue}}"),),
            "By queue: nobody takes them, or not fast enough.",
        ),
        Panel(
            "Messages in hand",
            "short",
            (Query(f"sum by (queue) (rabbitmq_queue_messages_unacked{{{own}}})", "{{queue}}"),),
            "Given to a consumer that has not said yet that it is done.",
        ),
        Panel(
            "Connections",
            "short",
            (Query(f"sum (rabbitmq_connections{{{own}}})", "open"),),
            "One or two for each pod that publishes or consumes.",
        ),
    )


def _disk(plan: ClusterPlan, store: Workload) -> Panel:
    claim = f'namespace="{plan.namespace}",persistentvolumeclaim=~"[a-z]+-{store.name}-[0-9]+"'
    free = f"kubelet_volume_stats_available_bytes{{{claim}}}"
    whole = f"kubelet_volume_stats_capacity_bytes{{{claim}}}"
    return Panel(
        "Disk that is left",
        "percentunit",
        (Query(f"min by (persistentvolumeclaim) ({free} / {whole})", "{{persistentvolumeclaim}}"),),
        "A full one stops it from writing.",
        marks={0: RED, 0.15: "green"},
        most=1,
    )


#: By the exporter that tells of it, as assets/signals.yaml calls it: its series -> its panels.
PANELS: Mapping[str, Callable[[str], tuple[Panel, ...]]] = {
    "postgres-exporter": _postgres,
    "rabbitmq": _rabbitmq,
}
