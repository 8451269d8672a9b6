"""Connections: a database accepts as many as all pods of all services may open at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._objects import dig, running
from tarmac.plan.cluster import Connects
from tarmac.plan.sizes import RESERVE
from tarmac.report import Finding

#: How a server is told of it, among its arguments.
SAID = re.compile(r"max_connections=(\d+)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield servers that would refuse connections, and managed ones of which nobody said."""
    plan, keeping = subject.plan, running(subject)
    pods = dict(_pods(subject))
    for store in plan.stores:
        users = [each for each in plan.connects if each.store == store.name]
        if not users or store.name not in keeping:
            continue
        own = keeping[store.name]
        arguments = [str(arg) for c in own.containers for arg in c.get("args") or ()]
        said = next((int(m[1]) for arg in arguments if (m := SAID.search(arg))), None)
        if said is not None:
            advice = f"raise it in `stores: {{{store.name}: {{connections: {{}}}}}}`"
            yield from _enough(own.artifact.path, store.name, said, users, pods, advice)
    servers: dict[str, list[Connects]] = {}
    for managed in plan.managed:
        users = [each for each in plan.connects if each.store == managed.name]
        if users:
            servers.setdefault(managed.server, []).extend(users)
    for server, users in servers.items():
        accepts = next(each.connections for each in plan.managed if each.server == server)
        if accepts is None:
            yield Finding(
                subject.at("servers", server),
                f"all services at their most take {_sum(users, pods)} connections of {server}, "
                "and nobody said how many it accepts; ask it (`show max_connections`) and write "
                f"`stores: {{{server}: {{connections: NUMBER}}}}`",
                warning=True,
            )
        else:
            where = subject.at("stores", server, "connections")
            advice = "take a larger one and write its number, {}"
            yield from _enough(where, server, accepts, users, pods, advice)


def _enough(
    where: str, name: str, accepts: int, users: list[Connects], pods: dict[str, int], advice: str
) -> Iterator[Finding]:
    needed = _sum(users, pods) + RESERVE
    if needed > accepts:
        most = max(users, key=lambda each: each.each * pods.get(each.service, each.pods))
        number = pods.get(most.service, most.pods)
        yield Finding(
            where,
            f"{name} accepts {accepts} connections, and all services at their most take {needed}, "
            f"{RESERVE} of them in reserve ({most.service}: {number} pods of {most.each}); "
            f"{advice.replace('{}', str(needed))}, lower `replicas.max`, or DATABASE_POOL_MAX",
        )


def _sum(users: list[Connects], pods: dict[str, int]) -> int:
    return sum(each.each * pods.get(each.service, each.pods) for each in users)


def _pods(subject: Subject) -> Iterator[tuple[str, int]]:
    """Count pods as they are rendered, where an autoscaler lets there be more than the model."""
    planned = {each.service: each.pods for each in subject.plan.connects}
    most = {each.name: each.scale.most for each in subject.plan.services}
    scaled = {_target(each.data): each.data for each in subject.objects("HorizontalPodAutoscaler")}
    for name, own in running(subject).items():
        if name in planned:
            scaler = scaled.get((own.kind, own.name))
            there = dig(scaler, "spec", "maxReplicas") if scaler else None
            there = there or dig(own.artifact.data, "spec", "replicas") or most[name]
            yield name, planned[name] - most[name] + int(there)


def _target(scaler: Any) -> tuple[Any, Any]:
    target = dig(scaler, "spec", "scaleTargetRef") or {}
    return target.get("kind"), target.get("name")


GATE = Gate(
    id="SCL004",
    title="Every database accepts all connections that its services may open",
    phase="data",
    source="a rush of customers brings more pods, and the pods that come last find the database "
    "full: PostgreSQL refuses with `too many clients`, for all of them",
    check=check,
    looks_at="for each database with few connections (PostgreSQL): pods of its services at their "
    "most, one more of each for a rolling update or a canary's, times what the kit's pool opens "
    "(DATABASE_POOL_MAX) and 2 beside it, and a reserve of 10. Another framework's pool is taken "
    "for as large as the kit's: nothing here can see it.",
)
