"""What an environment's cloud holds besides the cluster's objects: nodes, servers, a network.

Only what nothing else in the model says stands here: zones, the network, the registry and which
store is on which server are the environment's own.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints

from tarmac.model.value import Amount, Name, StrictModel, shown

#: Families of ARM processors: m7g, c8gn, t4g.
_ARM = re.compile(r"[a-z]+\d+g[a-z]*\.")


def _network(value: str) -> str:
    try:
        network = ipaddress.IPv4Network(value)
    except ValueError:
        raise ValueError(
            f"is {shown(value)}; write a network of IPv4, e.g. 203.0.113.0/24"
        ) from None
    if not network.prefixlen:
        raise ValueError(
            "is the whole internet; write the networks of those who operate the cluster"
        )
    return str(network)


ApiNetwork = Annotated[str, AfterValidator(_network)]
#: `m5.large`, `db.r6g.large`, `cache.r6g.large`.
InstanceType = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+){1,2}$")]


class NodeGroup(StrictModel):
    """Nodes that are alike; each has the label `role` with the group's name."""

    types: tuple[InstanceType, ...] = Field(
        default=("m5.large",), min_length=1, description="Instance types, the preferred one first."
    )
    spot: bool = Field(
        default=False,
        description="Spot nodes: AWS takes them back at two minutes' notice. They have the label "
        "and the taint `capacity=spot`.",
    )
    min: int = Field(default=2, ge=0, description="The fewest nodes.")
    desired: int = Field(default=3, ge=0, description="The nodes to begin with.")
    max: int = Field(default=10, ge=1, description="The most nodes.")
    disk: Amount = Field(default="50Gi", description="The disk of a node: images, logs, scratch.")

    @property
    def architectures(self) -> frozenset[str]:
        """Those of its instance types; all nodes of a group start from one image."""
        return frozenset("arm64" if _ARM.match(kind) else "x86_64" for kind in self.types)


class ManagedServer(StrictModel):
    """The size of a server that the cloud manages: one of the environment's `servers`."""

    instance: InstanceType = Field(description="Its instance class: db.r6g.large, cache.r6g.large.")
    instances: int = Field(
        default=2,
        ge=1,
        le=16,
        description="How many: the one that takes writes, and readers; of RDS a standby.",
    )
    version: Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?$")] | None = Field(
        default=None, description='The version: "17" of PostgreSQL, "7.1" of Redis.'
    )
    backups: int = Field(default=7, ge=1, le=35, description="Days for which backups are kept.")
    disk: Amount = Field(default="50Gi", description="Of RDS: the disk to begin with.")


class Bucket(StrictModel):
    """A private bucket: backups, logs."""

    days: int = Field(default=90, ge=1, description="Days for which its objects are kept.")


class Infrastructure(StrictModel):
    """What Terraform makes in the environment's cloud."""

    project: Name | None = Field(
        default=None,
        description="The first word of every name there, and the tag Project; default: the "
        "system's name.",
    )
    kubernetes: Annotated[str, StringConstraints(pattern=r"^1\.\d{2}$")] | None = Field(
        default=None, description='Its minor version, e.g. "1.36"; default: that of the objects.'
    )
    protected: bool = Field(
        default=True,
        description="What holds data cannot be deleted, and changes in its maintenance window "
        "alone.",
    )
    zones: tuple[str, ...] = Field(
        default=(),
        description="The availability zones, as many as the environment's `zones`; default: the "
        "region's a, b, c.",
    )
    nat: int | None = Field(
        default=None,
        ge=1,
        description="NAT gateways: 1, or one in each zone; default: one in each where `protected`.",
    )
    api_networks: tuple[ApiNetwork, ...] = Field(
        default=(),
        description="Networks outside that may reach the API server; without, it is reached from "
        "its VPC only.",
    )
    nodes: dict[Name, NodeGroup] = Field(
        default={"general": NodeGroup()}, description="The groups of nodes."
    )
    servers: dict[Name, ManagedServer] = Field(
        default={}, description="Server of `servers` -> its size: aurora, rds, elasticache."
    )
    buckets: dict[Name, Bucket] = Field(
        default={},
        description="Private buckets of S3; in AWS their names have the project, the environment "
        "and the account, too.",
    )
