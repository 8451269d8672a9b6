"""Values of alerts on stores: in the cluster, and at the cloud."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tarmac.base import signals
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.observability.alerting.subjects import either, services_of, watched
from tarmac.render.texts import Values, given

UP = "up"


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
        here = given(store in in_cluster)
        if users or here:
            yield {
                "store": store,
                "severity": "critical" if asked.needed else "warning",
                "check": asked.check,
                "services": either(users),
                "users_of_it": _users(plan, store),
                "checks": tuple({"user": user} for user in users),
                "checked": given(users),
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
    "measured": measured,
}
