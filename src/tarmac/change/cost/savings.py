"""Ways to pay less for the same system, each with what it is computed from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tarmac.base import figures
from tarmac.change.cost.catalogue import Instance, Prices
from tarmac.change.cost.estimate import Estimate, instance_of, is_valkey, nodes_line, server_hour
from tarmac.model.nodes import architectures
from tarmac.plan.cloud import CloudInfrastructure, CloudNodes
from tarmac.plan.cluster import ClusterPlan

#: What nodes hold beyond what pods request, so that one more pod finds its place.
ROOM = 1.2
#: A service with fewer pods would be away while spot nodes are taken back.
SPOT_PODS = 2
#: Hours of a week in which an environment is worked with, and all of them.
WORKED_HOURS, WEEK_HOURS = 50, 168
#: The same system under the same contract; one that is paid for a year; one that has less.
Takes = Literal["nothing", "commitment", "less"]


@dataclass(frozen=True)
class Saving:
    """One way."""

    what: str
    how: str
    #: USD a month that are saved.
    month: float
    takes: Takes = "nothing"


def savings(
    plan: ClusterPlan, cloud: CloudInfrastructure, prices: Prices, now: Estimate
) -> Iterator[Saving]:
    """Yield the ways, in this order: the later ones count on the earlier ones.

    What takes something away is last, and each of these counts by itself.
    """
    groups: Sequence[CloudNodes] = [group for group in cloud.nodes if group.desired]
    for step in (_fewer, _on_spot, _of_arm):
        after, what, how = step(plan, cloud, prices, now, groups)
        saved = _month(plan, prices, groups) - _month(plan, prices, after)
        if saved > 0:
            yield Saving(what, how, saved)
            groups = after
    valkey = prices.servers.valkey
    cheaper: dict[str, float] = {}
    for server in cloud.servers:
        month = server.size.instances * server_hour(plan, server, prices) * prices.hours
        if server.module == "redis" and not is_valkey(server):
            how = f'write version: "8.0" for the server; it is compatible, and {valkey.why}'
            cheaper[server.name] = valkey.share
            yield Saving(f"Valkey for Redis in {server.name}", how, month * (1 - valkey.share))
    yield from _reserved(plan, cloud, prices, groups, cheaper)
    yield from _with_less(plan, cloud, prices, now)


Step = tuple[Sequence[CloudNodes], str, str]


def _fewer(
    _plan: ClusterPlan,
    cloud: CloudInfrastructure,
    _prices: Prices,
    now: Estimate,
    groups: Sequence[CloudNodes],
) -> Step:
    """Take away nodes on demand that no pod needs."""
    group = next((one for one in groups if not one.spot), None)
    if group is None:
        return groups, "", ""
    cpu = sum(share.cpu for share in now.shares)
    memory = sum(share.memory_gib for share in now.shares)
    room = min(now.cpu / cpu if cpu else math.inf, now.memory_gib / memory if memory else math.inf)
    total = sum(one.desired for one in groups)
    needed = max(len(cloud.subnets), math.ceil(total * ROOM / room) if room else total)
    fewer = max(0, min(group.desired - 1, total - needed))
    how = (
        f"pods request {cpu:.1f} of {now.cpu:.1f} cores and {memory:.1f} of "
        f"{now.memory_gib:.1f} GiB: {needed} nodes hold them and a fifth more, one in each zone"
    )
    left = replace(group, desired=group.desired - fewer)
    return _instead(groups, group, left), f"{_nodes(fewer)} fewer of {group.name}", how


def _on_spot(
    plan: ClusterPlan,
    _cloud: CloudInfrastructure,
    prices: Prices,
    now: Estimate,
    groups: Sequence[CloudNodes],
) -> Step:
    """Move what keeps no data to spot nodes, and leave one on demand."""
    group = next((one for one in groups if not one.spot), None)
    if group is None:
        return groups, "", ""
    kind = instance_of(group, prices, plan.model)
    stateless = [s for s in now.shares if s.role == "service" and s.pods >= SPOT_PODS]
    movable = sum(max(s.cpu / kind.cpu, s.memory_gib / kind.memory) for s in stateless)
    moved = max(0, min(group.desired - 1, math.floor(movable)))
    names = ", ".join(share.name for share in stateless)
    after = _instead(
        groups,
        group,
        replace(group, desired=group.desired - moved),
        replace(group, desired=moved, spot=True),
    )
    how = f"keep no data and have {SPOT_PODS} pods or more: {names}"
    return after, f"{_nodes(moved)} of {group.name} on spot", how


def _of_arm(
    plan: ClusterPlan,
    _cloud: CloudInfrastructure,
    prices: Prices,
    _now: Estimate,
    groups: Sequence[CloudNodes],
) -> Step:
    """Take processors of ARM, of the same family and size."""
    types = {group.types[0]: instance_of(group, prices, plan.model) for group in groups}
    arm = {name: _arm_of(name, kind, prices) for name, kind in types.items()}
    after = [replace(group, types=(arm[group.types[0]],)) for group in groups]
    changed = [f"{other} for {name}" for name, other in arm.items() if other != name]
    how = "as many cores and as much memory, for images that are built for arm64"
    return after, f"nodes of ARM: {', '.join(changed)}", how


def _arm_of(name: str, kind: Instance, prices: Prices) -> str:
    """Find the cheapest type of ARM with as much; the same where none is cheaper."""
    family = name[0]
    known = {
        other: found
        for other, found in prices.instances.items()
        if other[0] == family
        and "arm64" in architectures((other,))
        and (found.cpu, found.memory) == (kind.cpu, kind.memory)
        and found.hour < kind.hour
    }
    return min(known, key=lambda other: known[other].hour, default=name)


def _reserved(
    plan: ClusterPlan,
    cloud: CloudInfrastructure,
    prices: Prices,
    groups: Sequence[CloudNodes],
    cheaper: dict[str, float],
) -> Iterator[Saving]:
    """Yield what a year's commitment to what is left would save, with nothing paid in advance."""
    share = prices.reserved.share
    hours = {
        "nodes": sum(
            group.desired * instance_of(group, prices, plan.model).hour
            for group in groups
            if not group.spot
        )
    }
    for server in cloud.servers:
        one = server_hour(plan, server, prices) * cheaper.get(server.name, 1.0)
        hours[server.name] = server.size.instances * one
    for name, hour in hours.items():
        if hour and name in share:
            less = 1 - share[name]
            how = f"{figures.percent(less)} less an hour, also for hours in which it is not used"
            what = "nodes on demand" if name == "nodes" else name
            yield Saving(
                f"{what} reserved for a year", how, hour * prices.hours * less, "commitment"
            )


def _with_less(
    plan: ClusterPlan, cloud: CloudInfrastructure, prices: Prices, now: Estimate
) -> Iterator[Saving]:
    """Yield what the same money could do without."""
    if cloud.nat > 1:
        gateway = (prices.shared.nat_hour + prices.shared.address_hour) * prices.hours
        how = "when its zone is lost, no other zone reaches the internet; and traffic between zones"
        yield Saving(
            f"1 NAT gateway instead of {cloud.nat}", how, (cloud.nat - 1) * gateway, "less"
        )
    if not cloud.protected:
        stopped = [s for s in cloud.servers if s.module == "postgres"]
        hour = sum(s.size.instances * server_hour(plan, s, prices) for s in stopped)
        month = now.nodes_month + hour * prices.hours
        names = ", ".join(["nodes", *(server.name for server in stopped)])
        how = f"{names} run {WORKED_HOURS} of {WEEK_HOURS} hours of a week: it is down for the rest"
        yield Saving(
            "nights and weekends off", how, month * (1 - WORKED_HOURS / WEEK_HOURS), "less"
        )


def _nodes(count: int) -> str:
    return f"{count} node" if count == 1 else f"{count} nodes"


def _month(plan: ClusterPlan, prices: Prices, groups: Sequence[CloudNodes]) -> float:
    return sum(
        nodes_line(group, instance_of(group, prices, plan.model), prices).month for group in groups
    )


def _instead(
    groups: Sequence[CloudNodes], old: CloudNodes, *new: CloudNodes
) -> Sequence[CloudNodes]:
    return [one for group in groups for one in (new if group is old else (group,))]
