"""Values of alerts on asynchronous work: outboxes, consumers, jobs, queues."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base import signals
from tarmac.base.launch import redact
from tarmac.model import conventions
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.plan.ports import BROKER
from tarmac.render.observability.alerting.subjects import exporting, watched
from tarmac.render.texts import Values

#: The setting by which another program publishes a service's outbox.
RELAY = "OUTBOX_RELAY"


def _has(service: Workload, variable: str) -> bool:
    return variable in service.env and bool(redact(service.env[variable].value))


def _database(plan: ClusterPlan, service: str) -> str:
    """Name the store that has a service's tables: not a cache, without which it works."""
    stores = (
        edge.target
        for edge in plan.allowed
        if edge.source == service and edge.target_role in ("store", "managed")
    )
    return next(
        (name for name in stores if name in plan.asked and plan.asked[name].needed), "its database"
    )


def outboxes(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services that publish their own outbox."""
    names = [
        service.name
        for service in watched(plan)
        if service.migrates and _has(service, conventions.PUBLISHES) and RELAY not in service.env
    ]
    if names:
        database = _database(plan, names[0])
        yield {"services": ", ".join(names), "example": names[0], "database": database}


def consumers(plan: ClusterPlan) -> Iterator[Values]:
    """Give one service that consumes messages into its database, where there is any."""
    for service in watched(plan):
        if service.migrates and _has(service, conventions.CONSUMES):
            yield {"example": service.name, "database": _database(plan, service.name)}
            return


def workers(plan: ClusterPlan) -> Iterator[Values]:
    """Give one service that runs background jobs, where there is any."""
    for service in exporting(plan, "jobs")[:1]:
        yield {"example": service.name}


def queues(plan: ClusterPlan) -> Iterator[Values]:
    """Give each metric of messages that wait at the broker in the cluster."""
    exporters = {
        store.exporter.id for store in plan.stores if store.name == BROKER and store.exporter
    }
    for signal in {found.name: found for found in signals.read().values()}.values():
        if signal.exporter not in exporters or not signal.backlog:
            continue
        where = {label: f"orders-{label.replace('_', '-')}" for label in signal.backlog}
        yield {
            "broker": BROKER,
            "metric": signal.name,
            "by": ", ".join(signal.backlog),
            "queue": " ".join(f"{{{{ $labels.{label} }}}}" for label in signal.backlog),
            "series": ",".join(f'{label}="{value}"' for label, value in where.items()),
            "labels": tuple({"label": label, "value": value} for label, value in where.items()),
        }


VALUES = {
    "outboxes": outboxes,
    "consumers": consumers,
    "workers": workers,
    "queues": queues,
}
