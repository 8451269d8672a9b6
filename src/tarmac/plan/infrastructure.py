"""Computes what an environment's cloud holds: network, nodes, servers, repositories, roles.

`plan.deploy` calls it; nothing else computes a subnet, a name or a size of these.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import ceil

from tarmac.base import versions
from tarmac.base.errors import Problem
from tarmac.base.written import amount
from tarmac.catalog.stores.kind import ManagedService, StoreKind
from tarmac.model.environment import Environment
from tarmac.model.infrastructure import Infrastructure
from tarmac.model.system import System
from tarmac.model.value import Amount
from tarmac.plan.alarms import alarms
from tarmac.plan.cloud import (
    CloudBudget,
    CloudInfrastructure,
    CloudKarpenter,
    CloudNodes,
    CloudPool,
    CloudServer,
    CloudStandby,
    CloudVelero,
    ZoneSubnets,
)
from tarmac.plan.cluster import Workload
from tarmac.plan.dns import cdn, dns
from tarmac.plan.egress import egress
from tarmac.plan.organization import role_arn
from tarmac.plan.roles import bucket_name

#: A registry of ECR: its account, its region, and what its repositories' names begin with.
ECR = re.compile(
    r"^(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?P<path>/.+)?$"
)
#: Zone by zone the public subnets are the second to seventh 256th of the network, and the private
#: ones the tenth, twentieth and so on after the first (shop's roadmap). Those of a firewall and of
#: the NAT gateways behind it are above all of them.
PRIVATE_STEP, FIREWALL, NAT = 10, 70, 80
GIB = 1024**3
#: Velero deletes a backup by itself once it is too old; the bucket's own rule comes after that.
DAY_S, LEFT_DAYS = 86400, 7


def infrastructure(
    system: System,
    environment: str,
    settled: Environment,
    kinds: Mapping[str, StoreKind],
    workloads: Sequence[Workload],
) -> CloudInfrastructure | None:
    """Compute what a cloud holds for an environment; None where the model asks for nothing.

    Args:
        kinds: the catalogue of stores.
        workloads: the environment's.
    """
    wanted = settled.own_infrastructure
    if wanted is None or settled.region is None:
        return None
    services = _services(kinds)
    registry, keeper = ECR.match(settled.registry or ""), _keeper(system, settled)
    path = (registry["path"] or "").strip("/") if registry else ""
    own = registry and registry["region"] == settled.region and keeper == environment
    project, account = wanted.project or system.name, registry["account"] if registry else None

    cluster = f"{project}-{environment}"
    roles = f"arn:aws:iam::{account or 'ACCOUNT'}:role/{cluster}"

    def bucket(name: str) -> str:
        return bucket_name(system, environment, settled, name)

    return CloudInfrastructure(
        project=project,
        account=account,
        region=settled.region,
        protected=wanted.protected,
        network=settled.network,
        subnets=tuple(_subnets(settled.network, settled.region, settled.zones, wanted.zones)),
        nat=wanted.nat or (settled.zones if wanted.protected else 1),
        kubernetes=wanted.kubernetes or versions.read().default().version,
        api_networks=wanted.api_networks,
        nodes=tuple(_nodes(wanted)),
        servers=tuple(_servers(settled, wanted, services)),
        others=tuple(server for server in settled.servers if server not in services),
        repositories=tuple(
            "/".join(filter(None, (path, workload.name)))
            for workload in workloads
            if own and workload.role == "service"
        ),
        keeper=keeper,
        buckets={bucket(name): days for name, days in _buckets(wanted).items()},
        dns=dns(system, settled, workloads, f"{roles}-external-dns"),
        cdn=cdn(settled, bucket("files")),
        egress=egress(system, settled, workloads),
        snapshot_days=wanted.snapshots,
        standby=_standby(settled, wanted),
        alarms=tuple(alarms(system.file.objectives, settled.namespace or system.name))
        if wanted.experiments
        else (),
        by=wanted.by,
        role=role_arn(system, environment, account),
        budget=_budget(settled),
        karpenter=_karpenter(wanted, cluster, f"{roles}-karpenter"),
        velero=_velero(wanted, bucket, f"{roles}-velero"),
    )


def _buckets(wanted: Infrastructure) -> dict[str, int]:
    """Return the days for which the objects of each bucket are kept."""
    found = {name: given.days for name, given in wanted.buckets.items()}
    if wanted.backups:
        found[wanted.backups.bucket] = ceil(wanted.backups.keep / DAY_S) + LEFT_DAYS
    return found


def _karpenter(wanted: Infrastructure, cluster: str, role: str) -> CloudKarpenter | None:
    if not wanted.node_pools:
        return None
    pools = tuple(
        CloudPool(
            name=name,
            role=pool.role or name,
            types=pool.types,
            arm="arm64" in pool.architectures,
            spot=pool.spot,
            limits={"cpu": str(pool.limits.cpu), "memory": str(pool.limits.memory)},
            empty_s=pool.empty,
            expires_s=pool.expires,
            disk_gb=_gibibytes(pool.disk),
        )
        for name, pool in wanted.node_pools.items()
    )
    return CloudKarpenter(pools, cluster, role, f"{cluster}-node")


def _velero(wanted: Infrastructure, bucket: Callable[[str], str], role: str) -> CloudVelero | None:
    if (given := wanted.backups) is None:
        return None
    return CloudVelero(given.schedule, given.keep, bucket(given.bucket), given.volumes, role)


def _budget(settled: Environment) -> CloudBudget | None:
    costs = settled.observability.costs if settled.observability else None
    if costs is None or costs.budget is None or costs.email is None:
        return None
    return CloudBudget(costs.budget, costs.email)


def laid_out(system: System, settled: Environment) -> Iterator[str]:
    """Name the environments that a layout of all has; none outside of the code's repository."""
    delivery = system.file.delivery
    if settled.target != "repository" or delivery is None:
        return
    if delivery.terraform or delivery.terragrunt:
        for name, other in system.file.environments.items():
            wanted = other.own_infrastructure
            if wanted is not None and wanted.by == "terraform":
                yield name


def server_problems(
    system: System, environment: str, settled: Environment, kinds: Mapping[str, StoreKind]
) -> Iterator[Problem]:
    """Yield servers that Terraform cannot make as the model has them."""
    wanted = settled.own_infrastructure
    if wanted is None:
        return
    for server, service in _services(kinds).items():
        if server not in settled.servers:
            continue
        place = str(system.locate(("environments", environment, "servers", server), key=True))
        size = wanted.servers.get(server)
        if size is None:
            what = f"server '{server}' has no size; write its instance class under"
            yield Problem(place, f"{what} `infrastructure: {{servers: {{{server}: ...}}}}`")
        elif wanted.standby and not service.spans:
            what = f"server '{server}' has no second region, so `standby` would have none of its"
            yield Problem(place, f"{what} data; put its stores on aurora")
        elif size.instances > service.most:
            what = f"server '{server}' has {service.most} instances at most, not {size.instances}"
            yield Problem(place, f"{what}; write `instances: {service.most}` or fewer")
        for store in settled.servers[server]:
            kind = kinds[system.file.stores[store].kind]
            if server not in kind.managed:
                what = f"{server} cannot serve '{store}', which is {kind.title}"
                known = ", ".join(kind.managed) or "another server"
                yield Problem(place, f"{what}; put it on {known}")


def _services(kinds: Mapping[str, StoreKind]) -> dict[str, ManagedService]:
    return {name: service for kind in kinds.values() for name, service in kind.managed.items()}


def _gibibytes(size: Amount) -> int:
    """Return whole GiB, the unit in which AWS sells disks."""
    return max(1, -(-int(amount(size)) // GIB))


def _standby(settled: Environment, wanted: Infrastructure) -> CloudStandby | None:
    given = wanted.standby
    if given is None:
        return None
    subnets = _subnets(given.network, given.region, settled.zones, given.zones)
    return CloudStandby(given.region, given.network, tuple(subnets), given.pilot)


def _subnets(
    network: str, region: str, count: int, named: tuple[str, ...]
) -> Iterator[ZoneSubnets]:
    parts = list(ipaddress.IPv4Network(network).subnets(prefixlen_diff=8))
    zones = named or tuple(f"{region}{end}" for end in "abcdef")
    for number, zone in enumerate(zones[:count], 1):
        places = (number, number * PRIVATE_STEP, FIREWALL + number, NAT + number)
        yield ZoneSubnets(zone, *(str(parts[place]) for place in places))


def _nodes(wanted: Infrastructure) -> Iterator[CloudNodes]:
    for name, group in wanted.nodes.items():
        counts = (group.min, group.desired, group.max)
        arm = "arm64" in group.architectures
        yield CloudNodes(name, group.types, arm, group.spot, *counts, _gibibytes(group.disk))


def _servers(
    settled: Environment, wanted: Infrastructure, services: Mapping[str, ManagedService]
) -> Iterator[CloudServer]:
    for name, stores in settled.servers.items():
        if name in services and name in wanted.servers:
            service, size = services[name], wanted.servers[name]
            disk = None if service.grows else _gibibytes(size.disk)
            version = size.version or service.version
            yield CloudServer(name, service.module, version, size, stores, disk)


def _keeper(system: System, own: Environment) -> str:
    """Name the environment that keeps the repositories of a registry that several share.

    The last one of the model: images are promoted up to it, and it outlives those before it.
    """
    return [
        name
        for name, other in system.file.environments.items()
        if other.own_infrastructure is not None and other.registry == own.registry
    ][-1]
