"""Values of alerts on stores: in the cluster, at the cloud, and their disks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tarmac import signals
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.plan.ports import BROKER
from tarmac.render.kubernetes.parts import disks as _disks
from tarmac.render.observability.alerting.alert import either, exporting, services_of, watched
from tarmac.render.texts import Values

#: What a server knows of its replication slots.
SLOTS = (
    "SELECT slot_name, active, wal_status, pg_size_pretty(pg_wal_lsn_diff("
    "pg_current_wal_lsn(), confirmed_flush_lsn)) AS behind FROM pg_replication_slots"
)
UP = "up"
#: An item is repeated once: it is there.
HERE: tuple[Mapping[str, str], ...] = ({},)


def _of_kit(plan: ClusterPlan) -> set[str]:
    return {service.name for service in watched(plan) if service.parts}


def _users(plan: ClusterPlan, store: str) -> str:
    return ", ".join(services_of(plan, store)) or "no service"


def _places(plan: ClusterPlan) -> Values:
    """Return where stores are inspected: in the cluster, or at the cloud that keeps them."""
    names = ", ".join(store.name for store in plan.stores)
    servers = dict[str, list[str]]()
    for managed in plan.managed:
        servers.setdefault(managed.server, []).append(managed.name)
    return {
        "here": ({"stores_here": names},) if names else (),
        "servers": tuple(
            {"server": server, "server_stores": ", ".join(stores)}
            for server, stores in servers.items()
        ),
        "region": plan.settings.region or "",
        "usage": "; ".join(f"`{store}` by {_users(plan, store)}" for store in plan.asked),
    }


def stores(plan: ClusterPlan) -> Iterator[Values]:
    """Give each store that its users' readiness or the cluster tells of."""
    kit, in_cluster = _of_kit(plan), {store.name for store in plan.stores}
    for store, asked in plan.asked.items():
        users = [name for name in services_of(plan, store) if name in kit and asked.check]
        here = HERE if store in in_cluster else ()
        if users or here:
            yield {
                "store": store,
                "severity": "critical" if asked.needed else "warning",
                "check": asked.check,
                "services": either(users),
                "users_of_it": _users(plan, store),
                "checks": tuple({"user": user} for user in users),
                "checked": HERE if users else (),
                "in_cluster": here,
                "ready_beside": here if users else (),
                "ready_alone": () if users else here,
                **_places(plan),
            }


def connections(plan: ClusterPlan) -> Iterator[Values]:
    """Give one service of the kit that a check tells of, where there is any."""
    kit = _of_kit(plan)
    for store, asked in plan.asked.items():
        for user in services_of(plan, store):
            if asked.check and user in kit:
                first = (kind.check for name, kind in plan.asked.items() if _uses(plan, user, name))
                yield {"example": user, "check": next(first)}
                return


def _uses(plan: ClusterPlan, user: str, store: str) -> bool:
    return user in services_of(plan, store)


def disks(plan: ClusterPlan) -> Iterator[Values]:
    """Give each claim of a disk, with the store or service that has it."""
    claims = {
        f"{volume}-{store.name}-0": store.name for store in plan.stores for volume in store.volumes
    } | {
        claim: service.name
        for service in plan.services
        for claim in _disks.claims(service).values()
    }
    for claim, owner in claims.items():
        yield {"claim": claim, "owner": owner}


def _read_by(plan: ClusterPlan) -> dict[str, list[str]]:
    """List the databases whose log each service reads."""
    readers = [service.name for service in exporting(plan, "capture_slot_lag_bytes")]
    return {
        reader: [store for store in plan.asked if _uses(plan, reader, store) and store != BROKER]
        for reader in readers
    }


def readers(plan: ClusterPlan) -> Iterator[Values]:
    """Give the services that read a database's log."""
    databases = _read_by(plan)
    for reader, read in list(databases.items())[:1]:
        listed = (f"{name} reads {' '.join(stores)}" for name, stores in databases.items())
        yield {"example": reader, "store": read[0], "databases": ", ".join(listed), "slots": SLOTS}


def captured(plan: ClusterPlan) -> Iterator[Values]:
    """Give the databases in the cluster whose log is read."""
    databases, here = _read_by(plan), {store.name for store in plan.stores}
    names = tuple(dict.fromkeys(s for stores in databases.values() for s in stores if s in here))
    if names:
        yield {
            **next(readers(plan)),
            "stores": either(names),
            "example": names[0],
            "readers": tuple({"reader": reader} for reader in databases),
        }


def backups(plan: ClusterPlan) -> Iterator[Values]:
    """Give the disks in a cluster of a cloud, which are backed up."""
    names = [workload.name for workload in plan.workloads if workload.volumes]
    if names and plan.settings.cloud is not None:
        yield {"disks": ", ".join(names)}


def measured(plan: ClusterPlan) -> Iterator[Values]:
    """Give the stores with an exporter, and the metrics by which it is seen to work."""
    with_exporter = [store for store in plan.stores if store.exporter]
    if not with_exporter:
        return
    asked: dict[str, list[Workload]] = {UP: with_exporter}
    for signal in signals.read().values():
        for store in with_exporter:
            if signal.answers and store.exporter and store.exporter.id == signal.exporter:
                asked.setdefault(signal.name, []).append(store)
    last, (first, *_) = list(asked.items())[-1]
    yield {
        "metrics": tuple({"metric": metric, **of(stores)} for metric, stores in asked.items()),
        "last": last,
        "example": first.name,
        "others": tuple(
            {"other": store.name}
            for store in with_exporter
            if (last, store.name) != (UP, first.name)
        ),
    }


def of(found: Iterable[Workload]) -> dict[str, str]:
    """Give some stores as a regular expression, and the first of them."""
    names = [store.name for store in found]
    return {"stores": either(names), "example": names[0]}


VALUES = {
    "stores": stores,
    "connections": connections,
    "disks": disks,
    "readers": readers,
    "captured": captured,
    "backups": backups,
    "measured": measured,
}
