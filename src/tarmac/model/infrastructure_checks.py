"""Checks that what Terraform is to make agrees with its environment. `consistency` calls them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from tarmac.errors import Problem, did_you_mean
from tarmac.model.environment import Environment
from tarmac.model.infrastructure import Infrastructure
from tarmac.model.system import System

#: A subnet is 1/256 of the network: AWS takes none narrower than /28, and no VPC wider than /16.
WIDEST, NARROWEST = 16, 20
#: EKS puts its API server into two zones at least; no region has more than six.
FEWEST_ZONES, MOST_ZONES = 2, 6


def infrastructure_problems(
    system: System, name: str, environment: Environment
) -> Iterator[Problem]:
    """Yield what does not fit together in an environment's `infrastructure`.

    Args:
        name: the environment's.
    """
    wanted = environment.infrastructure
    if wanted is None:
        return

    def at(*path: str | int) -> str:
        return str(system.locate(("environments", name, *path), key=True))

    if environment.cloud != "aws" or environment.region is None:
        what = "`infrastructure` is made in AWS, in a region"
        yield Problem(at("infrastructure"), f"{what}; write `cloud: aws` and `region`")
    if what := _network(environment.network):
        yield Problem(at("network"), what)
    for path, what in (*_zones(environment, wanted), *_nodes(wanted)):
        yield Problem(at(*path), what)
    for server in wanted.servers:
        if server not in environment.servers:
            what = f"infrastructure has a size for unknown server '{server}'"
            known = did_you_mean(server, environment.servers)
            yield Problem(at("infrastructure", "servers", server), f"{what}; {known}")


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


def _nodes(wanted: Infrastructure) -> Iterator[tuple[tuple[str, ...], str]]:
    path = ("infrastructure", "nodes")
    for name, group in wanted.nodes.items():
        if not group.min <= group.desired <= group.max:
            counts = f"min {group.min}, desired {group.desired}, max {group.max}"
            what = f"node group {name} has {counts}; have none of them above the next"
            yield (*path, name), what
        if len(group.architectures) > 1:
            what = f"node group {name} has instance types of two architectures, and one image"
            yield (*path, name), f"{what}; make two groups"
    if not any(group.min and not group.spot for group in wanted.nodes.values()):
        what = "no node group keeps a node that is not `spot`; give one of them `min: 2`"
        yield path, what
