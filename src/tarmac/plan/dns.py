"""Computes the zone of an environment's public hosts, and the distribution before them.

`plan.infrastructure` calls it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tarmac.base.errors import Problem
from tarmac.plan.cloud import CloudCdn, CloudDns

if TYPE_CHECKING:
    from tarmac.model.environment import Environment
    from tarmac.model.system import System
    from tarmac.plan.cluster import Workload

#: What the name of a region's entrance begins with, before the region and the zone.
ENTRANCE = "entrance-"


def entrances(system: System, settled: Environment) -> tuple[str, ...]:
    """List the names by which each of two regions is asked for its health; none for one region."""
    wanted = settled.infrastructure
    if wanted is None or wanted.dns is None or wanted.standby is None:
        return ()
    regions = (settled.region, wanted.standby.region)
    return tuple(f"{ENTRANCE}{region}.{zone(system, settled)}" for region in regions)


def public_hosts(workloads: Sequence[Workload]) -> tuple[str, ...]:
    """List the hosts of the public services, each once."""
    hosts = {route.host for workload in workloads for route in workload.routes}
    return tuple(sorted(host for host in hosts if not host.startswith(ENTRANCE)))


def zone(system: System, settled: Environment) -> str:
    """Return the domain of the zone; empty where the model has none."""
    wanted = settled.infrastructure
    given = wanted.dns.zone if wanted and wanted.dns else None
    return given or settled.domain or system.file.domain or ""


def dns(
    system: System, settled: Environment, workloads: Sequence[Workload], role: str
) -> CloudDns | None:
    """Compute the zone; None where the model asks for none.

    Args:
        role: the ARN of the role by which ExternalDNS would change it.
    """
    wanted = settled.infrastructure
    if wanted is None or wanted.dns is None or settled.region is None:
        return None
    given = wanted.dns
    standby = wanted.standby
    known = {settled.region: given.balancer}
    known |= {standby.region: standby.balancer} if standby else {}
    balancers = {region: balancer for region, balancer in known.items() if balancer}
    return CloudDns(
        zone(system, settled),
        given.existing,
        public_hosts(workloads),
        balancers,
        health_path=standby.path if standby else "/health",
        records_role=role if given.records == "external-dns" else None,
    )


def cdn(settled: Environment, bucket: str) -> CloudCdn | None:
    """Compute the distribution; None where the model asks for none.

    Args:
        bucket: the name of the bucket with its files.
    """
    wanted = settled.infrastructure
    if wanted is None or wanted.cdn is None:
        return None
    given = wanted.cdn
    challenges = settled.ingress.issuer is not None
    return CloudCdn(bucket, given.files, given.requests, challenges)


def dns_problems(
    system: System, environment: str, settled: Environment, workloads: Sequence[Workload]
) -> Iterator[Problem]:
    """Yield what cannot be in the zone."""
    wanted = settled.own_infrastructure
    if wanted is None or wanted.dns is None:
        return
    path = ("environments", environment, "infrastructure", "dns")
    place, name = str(system.locate(path, key=True)), zone(system, settled)
    hosts = public_hosts(workloads)
    if not name:
        what = "a DNS zone needs a domain, and the model has none"
        yield Problem(place, f"{what}; write `domain` for the system, or `zone`")
    elif not hosts:
        what = "no service is `public`, so a zone would have no host"
        yield Problem(place, f"{what}; remove `dns`")
    for host in hosts:
        if name and host != name and not host.endswith(f".{name}"):
            what = f"host {host} is not in zone {name}"
            yield Problem(place, f"{what}; write a `zone` that all hosts are in")
