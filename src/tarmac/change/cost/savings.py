"""Ways to pay less for the same system, each with what it is computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.change.cost.catalogue import Prices
from tarmac.change.cost.estimate import Estimate, instance_of
from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan

#: What nodes hold beyond what pods request, so that one more pod finds its place.
ROOM = 1.2
#: A service with fewer pods would be away while spot nodes are taken back.
SPOT_PODS = 2


@dataclass(frozen=True)
class Saving:
    """One way."""

    what: str
    how: str
    #: USD a month that are saved.
    month: float


def savings(
    plan: ClusterPlan, cloud: CloudInfrastructure, prices: Prices, now: Estimate
) -> Iterator[Saving]:
    """Yield the ways, in this order: the later ones count on the earlier ones."""
    on_demand = [group for group in cloud.nodes if not group.spot and group.desired]
    if not on_demand:
        return
    group = on_demand[0]
    kind = instance_of(group, prices, plan.model)
    node = kind.hour * prices.hours + group.disk_gb * prices.shared.disk_gb_month
    cpu = sum(share.cpu for share in now.shares)
    memory = sum(share.memory_gib for share in now.shares)
    room = min(
        now.cpu / cpu if cpu else math.inf,
        now.memory_gib / memory if memory else math.inf,
    )
    total = sum(one.desired for one in cloud.nodes)
    needed = max(len(cloud.subnets), math.ceil(total * ROOM / room) if room else total)
    fewer = min(group.desired - 1, total - needed)
    if fewer > 0:
        how = (
            f"pods request {cpu:.1f} of {now.cpu:.1f} cores and {memory:.1f} of "
            f"{now.memory_gib:.1f} GiB: {needed} nodes hold them and a fifth more, one in each zone"
        )
        yield Saving(f"{fewer} nodes fewer of {group.name}", how, fewer * node)
    stateless = [s for s in now.shares if s.role == "service" and s.pods >= SPOT_PODS]
    left = group.desired - max(0, fewer)
    movable = sum(max(s.cpu / kind.cpu, s.memory_gib / kind.memory) for s in stateless)
    moved = min(left - 1, math.floor(movable))
    if moved > 0:
        saved = moved * kind.hour * prices.hours * (1 - prices.nodes.spot)
        names = ", ".join(s.name for s in stateless)
        how = f"keep no data and have {SPOT_PODS} pods or more: {names}"
        yield Saving(f"{moved} nodes of {group.name} on spot", how, saved)
