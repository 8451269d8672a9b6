"""Connections: a database accepts as many as all pods of all services may open at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Subject
from tarmac.check.gates.views.objects.references import Reference
from tarmac.check.gates.views.objects.scaling import Controller, scalers
from tarmac.check.gates.views.pods.running_pods import running
from tarmac.check.gates.views.scope import counted
from tarmac.plan.cluster import RESERVE

if TYPE_CHECKING:
    from tarmac.plan.cluster import ConnectionUse

#: The server's argument that sets it.
SAID = re.compile(r"max_connections=(\d+)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield servers that would refuse connections, and managed ones whose limit is unknown."""
    plan, keeping = subject.plan, running(subject)
    pods = dict(_pods(subject))
    for store in plan.stores:
        users = [connect for connect in plan.connects if connect.store == store.name]
        if not users or store.name not in keeping:
            continue
        own = keeping[store.name]
        arguments = [argument for container in own.containers for argument in container.arguments]
        said = next((int(m[1]) for arg in arguments if (m := SAID.search(arg))), None)
        if said is not None:
            advice = f"raise it in `stores: {{{store.name}: {{connections: {{}}}}}}`"
            yield from _enough(own.artifact.path, store.name, said, users, pods, advice)
    servers: dict[str, list[ConnectionUse]] = {}
    for managed in plan.managed:
        users = [connect for connect in plan.connects if connect.store == managed.name]
        if users:
            servers.setdefault(managed.server, []).extend(users)
    for server, users in servers.items():
        accepts = next(store.connections for store in plan.managed if store.server == server)
        if accepts is None:
            yield Finding(
                subject.at("servers", server),
                f"all services at their maximum open {_sum(users, pods)} connections to {server}, "
                "whose limit is unknown; look it up (`show max_connections`) and write "
                f"`stores: {{{server}: {{connections: NUMBER}}}}`",
                warning=True,
            )
        else:
            where = subject.at("stores", server, "connections")
            advice = "choose a larger one and write its limit, {}"
            yield from _enough(where, server, accepts, users, pods, advice)


def _enough(
    where: str,
    name: str,
    accepts: int,
    users: list[ConnectionUse],
    pods: dict[str, int],
    advice: str,
) -> Iterator[Finding]:
    needed = _sum(users, pods) + RESERVE
    if needed > accepts:
        most = max(users, key=lambda user: user.per_pod * pods.get(user.service, user.pods))
        number = pods.get(most.service, most.pods)
        yield Finding(
            where,
            f"{name} accepts {accepts} connections, and all services at their maximum need "
            f"{needed}, {RESERVE} of them reserved ({most.service}: {number} pods of "
            f"{most.per_pod}); "
            f"{advice.replace('{}', str(needed))}, lower `replicas.max`, or DATABASE_POOL_MAX",
        )


def _sum(users: list[ConnectionUse], pods: dict[str, int]) -> int:
    return sum(user.per_pod * pods.get(user.service, user.pods) for user in users)


def _pods(subject: Subject) -> Iterator[tuple[str, int]]:
    """Count pods as rendered, where an autoscaler allows more than the model."""
    planned = {connect.service: connect.pods for connect in subject.plan.connects}
    most = {service.name: service.scale.most for service in subject.plan.services}
    scaled = {scaler.target: scaler for scaler in scalers(subject)}
    for name, own in running(subject).items():
        if name in planned:
            scaler = scaled.get(Reference(own.kind, own.name))
            there = scaler.most if scaler else None
            there = there or Controller(own.artifact).replicas or most[name]
            yield name, planned[name] - most[name] + there


def _databases(subject: Subject) -> set[str]:
    return {connects.store for connects in subject.plan.connects}


GATE = Gate(
    id="SCL004",
    title="Every database accepts the connections that its services may open",
    phase="data",
    source="a traffic peak brings more pods, and the last ones find the database "
    "full: PostgreSQL refuses with `too many clients`, for all of them",
    check=check,
    scope=counted("databases", _databases),
    reads="for each database with few connections (PostgreSQL): pods of its services at their "
    "maximum, one more of each for a rolling update or a canary's, times what the kit's pool opens "
    "(DATABASE_POOL_MAX) and 2 beside it, and a reserve of 10. Another framework's pool is assumed "
    "to be as large as the kit's: its setting cannot be read.",
)
