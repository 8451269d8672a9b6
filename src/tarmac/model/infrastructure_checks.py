"""Checks that what Terraform is to make agrees with its environment. `consistency` calls them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tarmac.base.errors import Problem, did_you_mean
from tarmac.model.controller_checks import backup_problems, pool_problems
from tarmac.model.environment import Environment
from tarmac.model.infrastructure import Infrastructure
from tarmac.model.system import System

#: A subnet is 1/256 of the network: AWS takes none narrower than /28, and no VPC wider than /16.
WIDEST, NARROWEST = 16, 20
#: Keys of what the Pulumi program does not make.
TERRAFORM_ALONE = (
    "buckets", "snapshots", "experiments", "standby", "egress", "dns", "cdn",
    "node_pools", "backups",
)  # fmt: skip
#: EKS puts its API server into two zones at least; no region has more than six.
FEWEST_ZONES, MOST_ZONES = 2, 6


def infrastructure_problems(
    system: System, name: str, environment: Environment
) -> Iterator[Problem]:
    """Yield what does not fit together in an environment's `infrastructure`.

    Args:
        name: the environment's.
    """
    wanted = environment.own_infrastructure
    if wanted is None:
        return

    def at(*path: str | int) -> str:
        return str(system.locate(("environments", name, *path), key=True))

    services = system.file.services
    if environment.cloud != "aws" or environment.region is None:
        what = "`infrastructure` is made in AWS, in a region"
        yield Problem(at("infrastructure"), f"{what}; write `cloud: aws` and `region`")
    if what := _network(environment.network):
        yield Problem(at("network"), what)
    if wanted.experiments and not system.file.objectives:
        what = "no objective says when an experiment is to stop; write `objectives`"
        yield Problem(at("infrastructure", "experiments"), what)
    for path, what in (*_zones(environment, wanted), *_nodes(wanted)):
        yield Problem(at(*path), what)
    for path, what in (
        *_names(environment, wanted),
        *_standby(environment, wanted),
        *pool_problems(environment, wanted),
        *backup_problems(wanted),
    ):
        yield Problem(at("infrastructure", *path), what)
    for key in _followed(wanted):
        what = f"ExternalDNS makes the records, and `{key}` wants those of Terraform"
        advice = "remove it, or write `records: terraform`"
        yield Problem(at("infrastructure", "dns", "records"), f"{what}; {advice}")
    service = wanted.standby.service if wanted.standby else None
    if service and (service not in services or services[service].public is None):
        what = f"standby asks unknown public service '{service}'"
        public = [name for name, one in services.items() if one.public]
        place = at("infrastructure", "standby", "service")
        yield Problem(place, f"{what}; {did_you_mean(service, public)}")
    for server in wanted.servers:
        if server not in environment.servers:
            what = f"infrastructure has a size for unknown server '{server}'"
            known = did_you_mean(server, environment.servers)
            yield Problem(at("infrastructure", "servers", server), f"{what}; {known}")
    for path, what in _pulumi(system, name, wanted):
        yield Problem(at("infrastructure", *path), what)
    for role, what in _roles(system, wanted):
        yield Problem(at("infrastructure", "roles", *role), what)


def _followed(wanted: Infrastructure) -> Iterator[str]:
    """Yield keys that need records of Terraform where ExternalDNS makes them."""
    dns = wanted.dns
    if dns is None or dns.records == "terraform":
        return
    given = {"dns.balancer": dns.balancer, "standby": wanted.standby, "cdn": wanted.cdn}
    yield from (key for key, value in given.items() if value)


def layout_problems(system: System) -> Iterator[Problem]:
    """Yield a layout of Terraform or Terragrunt that would have no environment."""
    delivery, environments = system.file.delivery, system.file.environments.values()
    if delivery is None:
        return
    if any(one.infrastructure and one.infrastructure.by == "terraform" for one in environments):
        return
    for layout in ("terraform", "terragrunt"):
        if getattr(delivery, layout):
            what = f"no environment has `infrastructure` that Terraform makes; remove `{layout}`"
            yield Problem(str(system.locate(("delivery", layout), key=True)), what)


def _pulumi(
    system: System, name: str, wanted: Infrastructure
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield what the Pulumi program does not make."""
    if wanted.by != "pulumi":
        return
    given = {key: getattr(wanted, key) for key in TERRAFORM_ALONE}
    found: list[tuple[str, ...]] = [(key,) for key, value in given.items() if value]
    found += [("servers", server) for server in wanted.servers if server == "aurora"]
    for path in found:
        what = f"`by: pulumi` makes no {path[-1]}"
        yield path, f"{what}; remove it, or write `by: terraform`"
    if system.file.organization and name in system.file.organization.accounts:
        what = "`by: pulumi` enters no account of an organization"
        yield ("by",), f"{what}; write `by: terraform`"


def _roles(system: System, wanted: Infrastructure) -> Iterator[tuple[tuple[str | int, ...], str]]:
    names: dict[str, str] = {}
    for service, role in wanted.roles.items():
        if service not in system.file.services:
            what = f"infrastructure has a role for unknown service '{service}'"
            yield (service,), f"{what}; {did_you_mean(service, system.file.services)}"
        if role.name and (other := names.setdefault(role.name, service)) != service:
            what = f"role {role.name} is {other}'s, too, and would have the permissions of both"
            yield (service, "name"), f"{what}; give each its own"
        for key, buckets in (("reads", role.reads), ("writes", role.writes)):
            for number, bucket in enumerate(buckets):
                if bucket not in wanted.buckets:
                    what = f"{service} {key} unknown bucket '{bucket}'"
                    advice = did_you_mean(bucket, wanted.buckets)
                    yield (service, key, number), f"{what}; {advice}"


def _network(network: str) -> str:
    found = ipaddress.ip_network(network)
    if found.version == 4 and WIDEST <= found.prefixlen <= NARROWEST:
        return ""
    return f"a VPC is a network of IPv4 from /{WIDEST} to /{NARROWEST} (this is {network})"


def _zones(
    environment: Environment, wanted: Infrastructure
) -> Iterator[tuple[tuple[str, ...], str]]:
    count = environment.zones
    if not FEWEST_ZONES <= count <= MOST_ZONES:
        what = f"EKS is spread over {FEWEST_ZONES} to {MOST_ZONES} zones, and this is {count}"
        yield ("zones",), f"{what}; write `zones: 3`"
    if wanted.zones and len(set(wanted.zones)) != count:
        what = f"{len(set(wanted.zones))} zones are named and `zones` is {count}; name {count}"
        yield ("infrastructure", "zones"), what
    if wrong := [z for z in wanted.zones if not z.startswith(environment.region or "")]:
        what = f"zone {wrong[0]} is not in region {environment.region}"
        yield ("infrastructure", "zones"), f"{what}; write {environment.region}a and its like"
    if wanted.nat not in (None, 1, count):
        yield ("infrastructure", "nat"), f"nat is {wanted.nat}; write 1, or {count}: one in a zone"


def _standby(
    environment: Environment, wanted: Infrastructure
) -> Iterator[tuple[tuple[str, ...], str]]:
    standby = wanted.standby
    if standby is None:
        return
    region, count = standby.region, environment.zones
    if region == environment.region:
        yield ("standby", "region"), f"{region} is the first region, too; write another one"
    if what := _network(standby.network):
        yield ("standby", "network"), what
    elif ipaddress.ip_network(standby.network).overlaps(ipaddress.ip_network(environment.network)):
        what = f"{standby.network} overlaps {environment.network} of the first region"
        yield ("standby", "network"), f"{what}; write another one, e.g. 10.1.0.0/16"
    if standby.zones and len({z for z in standby.zones if z.startswith(region)}) != count:
        yield ("standby", "zones"), f"`zones` is {count}; name {count} zones of {region}"
    if standby.balancer and not wanted.dns:
        yield ("standby", "balancer"), "hosts fail over in a zone; write `dns: {}`, too"
    elif standby.balancer and not _balances(standby.balancer, region):
        what = f"{standby.balancer} is not a load balancer of {region}"
        yield ("standby", "balancer"), f"{what}; write the name that AWS gave it"
    for name, server in wanted.servers.items():
        if name == "aurora" and server.instance.startswith("db.t"):
            what = f"a global database has no instances of {server.instance}"
            yield ("servers", name, "instance"), f"{what}; write db.r6g.large or its like"


def _balances(host: str, region: str | None) -> bool:
    return host.endswith((f".elb.{region}.amazonaws.com", f".{region}.elb.amazonaws.com"))


def _names(
    environment: Environment, wanted: Infrastructure
) -> Iterator[tuple[tuple[str, ...], str]]:
    if wanted.cdn and not wanted.dns:
        yield ("cdn",), "the certificate of `cdn` is proven in a zone; write `dns: {}`, too"
    if wanted.dns and (balancer := wanted.dns.balancer):
        region = environment.region
        if not _balances(balancer, region):
            what = f"{balancer} is not a load balancer of {region}"
            yield ("dns", "balancer"), f"{what}; write the name that AWS gave it"


def _nodes(wanted: Infrastructure) -> Iterator[tuple[tuple[str, ...], str]]:
    path = ("infrastructure", "nodes")
    for name, group in wanted.nodes.items():
        if not group.min <= group.desired <= group.max:
            counts = f"min {group.min}, desired {group.desired}, max {group.max}"
            what = f"node group {name} has {counts}; order them: min <= start <= max"
            yield (*path, name), what
        if len(group.architectures) > 1:
            what = f"node group {name} has instance types of two architectures, and one image"
            yield (*path, name), f"{what}; make two groups"
    if not any(group.min and not group.spot for group in wanted.nodes.values()):
        what = "no node group keeps a node that is not `spot`; give one of them `min: 2`"
        yield path, what
