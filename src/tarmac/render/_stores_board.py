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


def _redis(own: str) -> tuple[Panel, ...]:
    hits, misses = (
        f"sum (rate(redis_keyspace_{each}_total{{{own}}}[{WINDOW}]))" for each in ("hits", "misses")
    )
    used = f"max (redis_memory_used_bytes{{{own}}} / (redis_memory_max_bytes{{{own}}} > 0))"
    return (
        Panel(
            "Memory in use",
            "percentunit",
            (Query(used, "of what it may keep"),),
            "Once it is full, keys go that would end anyway; without such, it takes no more.",
            marks=FULL,
            most=1,
        ),
        Panel(
            "Found in the cache",
            "percentunit",
            (Query(f"{hits} / ({hits} + {misses})", "of what was asked for"),),
            "What is not there is asked of a database.",
            most=1,
        ),
        Panel(
            "Keys thrown away",
            "ops",
            (Query(rate(f"redis_evicted_keys_total{{{own}}}"), "before their time"),),
            "More than none for long: it is too small.",
        ),
        Panel(
            "Connections",
            "short",
            (Query(f"sum (redis_connected_clients{{{own}}})", "open"),),
            "Each pod that uses it has some.",
        ),
    )


def _kafka(own: str) -> tuple[Panel, ...]:
    first, last = (
        f'kafka_topic_partition_{each}_offset{{{own},topic!~"__.*"}}'
        for each in ("oldest", "current")
    )
    return (
        Panel(
            "Messages that wait",
            "short",
            (
                Query(
                    f"sum by (consumergroup, topic) (kafka_consumergroup_lag{{{own}}})",
                    "{{consumergroup}}: {{topic}}",
                ),
            ),
            "By group and topic: nobody takes them, or not fast enough.",
        ),
        Panel(
            "Consumers",
            "short",
            (
                Query(
                    f"sum by (consumergroup) (kafka_consumergroup_members{{{own}}})",
                    "{{consumergroup}}",
                ),
            ),
            "A group without any takes nothing.",
        ),
        Panel(
            "Messages that are kept",
            "short",
            (Query(f"sum by (topic) ({last} - {first})", "{{topic}}"),),
            "Taken or not: they go when their time is over.",
        ),
    )


def _nats(own: str) -> tuple[Panel, ...]:
    waiting, in_hand = (
        f"sum by (consumer_name) (jetstream_consumer_num_{each}{{{own}}})"
        for each in ("pending", "ack_pending")
    )
    return (
        Panel(
            "Messages that wait",
            "short",
            (Query(waiting, "{{consumer_name}}"),),
            "By consumer: nobody takes them, or not fast enough.",
        ),
        Panel(
            "Messages in hand",
            "short",
            (Query(in_hand, "{{consumer_name}}"),),
            "Given to a consumer that has not said yet that it is done.",
        ),
        Panel(
            "Size of streams",
            "bytes",
            (
                Query(
                    f"sum by (stream_name) (jetstream_stream_total_bytes{{{own}}})",
                    "{{stream_name}}",
                ),
            ),
            "What is kept on its disk.",
        ),
        Panel(
            "Connections",
            "short",
            (Query(f"sum (gnatsd_varz_connections{{{own}}})", "open"),),
            "One for each pod that publishes or consumes.",
        ),
    )


def _mongodb(own: str) -> tuple[Panel, ...]:
    used = f'sum (mongodb_ss_connections{{{own},conn_type="current"}})'
    free = f'sum (mongodb_ss_connections{{{own},conn_type="available"}})'
    cached = f"sum (mongodb_ss_wt_cache_bytes_currently_in_the_cache{{{own}}})"
    return (
        Panel(
            "Connections in use",
            "percentunit",
            (Query(f"{used} / ({used} + {free})", "of those that it takes"),),
            "At 100 % it turns services away.",
            marks=FULL,
            most=1,
        ),
        Panel(
            "Operations",
            "ops",
            (
                Query(
                    f"sum by (legacy_op_type) (rate(mongodb_ss_opcounters{{{own}}}[{WINDOW}]))",
                    "{{legacy_op_type}}",
                ),
            ),
            "By what they do; `command` is all that is none of the others.",
        ),
        Panel(
            "Cache in use",
            "percentunit",
            (
                Query(
                    f"{cached} / sum (mongodb_ss_wt_cache_maximum_bytes_configured{{{own}}})",
                    "of its own cache",
                ),
            ),
            "Above 95 % its users do the work of making room (MongoDB: eviction_trigger).",
            marks=FULL,
            most=1,
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
    "redis-exporter": _redis,
    "mongodb-exporter": _mongodb,
    "rabbitmq": _rabbitmq,
    "kafka-exporter": _kafka,
    "nats-exporter": _nats,
}
