"""Estimates what an environment costs a month: shared parts, nodes by service, stores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.base.written import amount
from tarmac.change.cost.catalogue import Instance, Prices
from tarmac.change.cost.catalogue import prices as read_prices
from tarmac.plan.cloud import CloudInfrastructure, CloudNodes, CloudServer
from tarmac.plan.cluster import ClusterPlan, Workload

Topic = Literal["shared", "nodes", "store"]
GIB = 1024**3
#: What storage that grows by itself begins with.
GROWS_FROM_GB = 10
#: The first version of ElastiCache that only Valkey has.
FIRST_VALKEY = (7, 2)


@dataclass(frozen=True)
class CostLine:
    """One thing that is paid for."""

    topic: Topic
    what: str
    #: How it is computed, for a reader.
    how: str
    #: USD.
    month: float


@dataclass(frozen=True)
class Share:
    """What a workload's pods request, and its part of the nodes."""

    name: str
    role: str
    pods: int
    cpu: float
    memory_gib: float
    #: USD.
    month: float


@dataclass(frozen=True)
class Estimate:
    """What an environment costs."""

    lines: tuple[CostLine, ...]
    shares: tuple[Share, ...]
    #: Of the nodes, what no pod requests.
    idle_month: float
    #: Cores and GiB that are left for pods on the nodes to begin with.
    cpu: float
    memory_gib: float

    @property
    def month(self) -> float:
        """USD of a month."""
        return sum(line.month for line in self.lines)

    @property
    def nodes_month(self) -> float:
        """USD of all nodes."""
        return sum(line.month for line in self.lines if line.topic == "nodes")

    @property
    def idle_share(self) -> float:
        """Of the nodes' cost, what no pod requests."""
        return self.idle_month / self.nodes_month if self.nodes_month else 0.0


def instance_of(group: CloudNodes, prices: Prices, place: str) -> Instance:
    """Find the price of a group's preferred type. Raises BadInput."""
    kind = group.types[0]
    if kind not in prices.instances:
        hint = did_you_mean(kind, prices.instances)
        raise BadInput([Problem(place, f"no price of '{kind}' (nodes {group.name}); {hint}")])
    return prices.instances[kind]


def estimate(plan: ClusterPlan, cloud: CloudInfrastructure, prices: Prices) -> Estimate:
    """Estimate an environment of AWS.

    Raises:
        BadInput: the catalogue has no price of a type.
    """
    groups = [(group, instance_of(group, prices, plan.model)) for group in cloud.nodes]
    lines = (
        *_shared(plan, cloud, prices),
        *(nodes_line(group, kind, prices) for group, kind in groups),
        *_servers(plan, cloud, prices),
        *_disks(plan, prices),
    )
    reserved = prices.nodes.reserved
    cpu = sum(group.desired * (kind.cpu - reserved["cpu"]) for group, kind in groups)
    memory = sum(group.desired * (kind.memory - reserved["memory"]) for group, kind in groups)
    nodes_month = sum(line.month for line in lines if line.topic == "nodes")
    shares = tuple(_share(workload, cpu, memory, nodes_month) for workload in plan.workloads)
    idle = max(0.0, nodes_month - sum(share.month for share in shares))
    return Estimate(lines, shares, idle, cpu, memory)


def month(plan: ClusterPlan) -> float | None:
    """Estimate USD of a month, 0 without infrastructure; None where a type has no price."""
    if plan.cloud is None:
        return 0.0
    try:
        return estimate(plan, plan.cloud, read_prices()).month
    except BadInput:
        return None


def requests(workload: Workload) -> tuple[float, float]:
    """Return what one of its pods requests: cores and GiB."""
    wanted = workload.resources.requests
    return float(amount(wanted.get("cpu", 0))), float(amount(wanted.get("memory", 0))) / GIB


def is_valkey(server: CloudServer) -> bool:
    """Tell whether a cache of Redis' protocol is Valkey: AWS has no Redis from 7.2 on."""
    major, _, minor = server.version.partition(".")
    return server.module == "redis" and (int(major), int(minor or 0)) >= FIRST_VALKEY


def server_hour(plan: ClusterPlan, server: CloudServer, prices: Prices) -> float:
    """Find what one instance of a server costs an hour. Raises BadInput."""
    known, instance = prices.servers.hour.get(server.name, {}), server.size.instance
    if instance not in known:
        hint = did_you_mean(instance, known)
        what = f"no price of '{instance}' ({server.name}); {hint}"
        raise BadInput([Problem(plan.model, what)])
    return known[instance] * (prices.servers.valkey.share if is_valkey(server) else 1.0)


def nodes_line(group: CloudNodes, kind: Instance, prices: Prices) -> CostLine:
    """Compute what a group of nodes costs, with its disks."""
    share = prices.nodes.spot if group.spot else 1.0
    disk = group.disk_gb * prices.shared.disk_gb_month
    month = group.desired * (kind.hour * share * prices.hours + disk)
    how = f"{group.desired} x {group.types[0]}{' spot' if group.spot else ''}, {group.disk_gb} GB"
    return CostLine("nodes", f"nodes {group.name}", how, month)


def _share(workload: Workload, cpu: float, memory: float, month: float) -> Share:
    pods, (one_cpu, one_memory) = workload.scale.least, requests(workload)
    # Half of a node is its cores, half its memory.
    part = (one_cpu / cpu if cpu else 0) + (one_memory / memory if memory else 0)
    cost = min(month, pods * part * month / 2)
    return Share(workload.name, workload.role, pods, pods * one_cpu, pods * one_memory, cost)


def _shared(plan: ClusterPlan, cloud: CloudInfrastructure, prices: Prices) -> Iterator[CostLine]:
    one, hours = prices.shared, prices.hours
    yield CostLine("shared", "EKS", "control plane", one.cluster_hour * hours)
    gateways = cloud.nat * (one.nat_hour + one.address_hour) * hours
    yield CostLine("shared", "NAT", f"{cloud.nat} gateways, without traffic", gateways)
    zones = len(cloud.subnets)
    if cloud.egress is not None:
        how = f"an endpoint in {zones} zones, without traffic"
        yield CostLine("shared", "network firewall", how, zones * one.firewall_hour * hours)
    if plan.settings.ingress is not None:
        balancer = (one.load_balancer_hour + zones * one.address_hour) * hours
        how = f"1, with an address in {zones} zones, without traffic"
        yield CostLine("shared", "load balancer", how, balancer)


def _servers(plan: ClusterPlan, cloud: CloudInfrastructure, prices: Prices) -> Iterator[CostLine]:
    for server in cloud.servers:
        size = server.size
        month = size.instances * server_hour(plan, server, prices) * prices.hours
        how = f"{size.instances} x {size.instance}"
        gb_month = prices.servers.gb_month.get(server.name)
        if gb_month is not None and server.disk_gb is not None:
            month += size.instances * server.disk_gb * gb_month
            how += f", {server.disk_gb} GB each"
        elif gb_month is not None:
            month += GROWS_FROM_GB * gb_month
            how += f", {GROWS_FROM_GB} GB to begin with"
        yield CostLine("store", server.name, f"{how}: {', '.join(server.stores)}", month)


def _disks(plan: ClusterPlan, prices: Prices) -> Iterator[CostLine]:
    for workload in plan.stores:
        if workload.volumes:
            many = workload.scale.least * len(workload.volumes)
            size = float(amount(workload.disk)) / GIB
            month = many * size * prices.shared.disk_gb_month
            yield CostLine("store", f"disk of {workload.name}", f"{many} x {size:g} GB", month)
