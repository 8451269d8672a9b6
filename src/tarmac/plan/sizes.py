"""How many of each service there are in an environment, and how large each store is for them.

`plan.deploy` calls it before anything has a name or a port; it reads the model alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from tarmac.base.written import amount
from tarmac.catalog.stores.kind import Size, StoreKind
from tarmac.model import conventions
from tarmac.model.environment import Environment, Resources, StoreSize
from tarmac.plan.cluster import RESERVE, ConnectionUse, Scale

if TYPE_CHECKING:
    from tarmac.model.system import System

#: Steps in which numbers that follow from others grow, so that one pod more changes none of them.
STEP, MEMORY_STEP = 50, 256 * 1024**2


@dataclass(frozen=True)
class StoreSizing:
    """A store's server in an environment."""

    resources: Resources
    disk: str
    size: Size


def scale(system: System, settled: Environment, name: str) -> Scale:
    """Compute the number of instances: as the environment says, or a single one."""
    spec, wanted = system.file.services[name], settled.replicas
    if spec.listen == "fixed" or spec.volumes:
        return Scale(1, 1)
    if _reads_a_log(system, name):
        # More of them would read no faster. One of the kit stands by until the other has lost the
        # lead; two of another framework would take the slot from each other.
        count = min(2, wanted.min if wanted else spec.replicas) if system.is_kit(name) else 1
        return Scale(count, count, stay=count - 1)
    if wanted is None:
        return Scale(spec.replicas, spec.replicas, stay=max(spec.replicas - 1, 0))
    least = max(wanted.min, spec.replicas)
    stay = least - 1 if wanted.available is None else wanted.available
    return Scale(least, max(wanted.max, least), wanted.cpu, wanted.memory, stay)


def _reads_a_log(system: System, name: str) -> bool:
    """Tell whether it reads a store's log of changes: a slot is read by one process at a time."""
    return any(slot.replication for slot, _ in system.bound_slots(name).values())


def connection_uses(
    system: System,
    settled: Environment,
    scales: Mapping[str, Scale],
    kinds: Mapping[str, StoreKind],
) -> tuple[ConnectionUse, ...]:
    """List the users of stores whose connections count, with their maximum.

    Args:
        kinds: by store, the kind that answers.
    """
    pools: dict[tuple[str, str], set[str]] = {}
    for edge in system.edges:
        kind = kinds.get(edge.target) if edge.kind == "store" else None
        if kind is not None and kind.connection_bytes:
            slots = (part.part.slots.get(edge.slot) for part in system.parts[edge.source])
            # Parts that name the same variable share its pool.
            variable = next((slot.env for slot in slots if slot is not None), edge.slot)
            pools.setdefault((edge.source, edge.target), set()).add(variable)
    return tuple(
        ConnectionUse(
            service,
            store,
            len(variables) * (_pool(system, settled, service) + conventions.BESIDE_POOL),
            _most(system, settled, service, scales),
        )
        for (service, store), variables in pools.items()
    )


def _pool(system: System, settled: Environment, name: str) -> int:
    """Read the most of a pool; another framework's is taken for as large as the kit's."""
    own = (settled.env.get(name, {}), system.file.services[name].env, system.file.env)
    given = next((env[key] for env in own if (key := conventions.POOL_MAX) in env), "")
    return (
        int(text)
        if re.fullmatch("[0-9]{1,9}", text := str(given))
        else conventions.POOL_MAX_DEFAULT
    )


def _most(system: System, settled: Environment, name: str, scales: Mapping[str, Scale]) -> int:
    """Count its pods at their most: one more while they are replaced, or a canary's besides."""
    scale, tried = scales[name], settled.rollout
    watched = {objective.service for objective in system.file.objectives}
    canary = tried is not None and name in (tried.services or watched)
    return scale.most + (scale.least if canary else 1)


def store_sizes(
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    users: tuple[ConnectionUse, ...],
) -> Iterator[tuple[str, StoreSizing]]:
    """Size each store's server for its users, as far as the environment does not say it itself."""
    taken: dict[str, int] = {}
    for user in users:
        taken[user.store] = taken.get(user.store, 0) + user.most
    for name, kind in kinds.items():
        said = settled.stores.get(name, StoreSize())
        connections = 0
        if kind.connection_bytes:
            needed = taken.get(name, 0) + RESERVE
            connections = said.connections or ceil(needed / STEP) * STEP
        resources = said.resources or _resources(settled, connections * kind.connection_bytes)
        most = resources.limits.get("memory", settled.resources.limits.get("memory"))
        disk = settled.disk if said.disk is None else said.disk
        yield name, StoreSizing(resources, str(disk), Size(_bytes(most), connections))


def _resources(settled: Environment, connections_bytes: int) -> Resources:
    """Take the environment's; more memory where its connections would come to half of that.

    Half of the most is asked for then: pods above their request are the first to be ended
    when a node has no more.
    """
    usual = settled.resources
    if 2 * connections_bytes <= _bytes(usual.limits.get("memory")):
        return usual
    most = ceil(2 * connections_bytes / MEMORY_STEP) * MEMORY_STEP // 1024**2
    return usual.model_copy(
        update={
            "requests": {**usual.requests, "memory": _written(most // 2)},
            "limits": {**usual.limits, "memory": _written(most)},
        }
    )


def _written(mib: int) -> str:
    """Write an amount of memory as an API server would: 1024Mi comes back as 1Gi."""
    return f"{mib}Mi" if mib % 1024 else f"{mib // 1024}Gi"


def _bytes(written: object) -> int:
    """Parse an amount of memory; 0 if it is missing or invalid, which gate RES001 reports."""
    try:
        return int(amount(written))
    except ValueError:
        return 512 * 1024**2
