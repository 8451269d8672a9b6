"""What an environment's cloud holds besides the cluster's objects: nodes, servers, a network.

Only what nothing else in the model says stands here: zones, the network, the registry and which
store is on which server are the environment's own.
"""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from tarmac.base.written import shown
from tarmac.model.backups import ClusterBackups
from tarmac.model.dns import AllowedHost, Cdn, Dns, HostName
from tarmac.model.nodes import InstanceType, NodeGroup, NodePool
from tarmac.model.texts import CloudName
from tarmac.model.value import Amount, Name, StrictModel

ACTION = r"^[a-z0-9-]+:[A-Z][A-Za-z0-9]+$"
ARN = r"^arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9-]*:([0-9]{12})?:[^\s*?][^\s]*$"
#: Of 64 characters three are left for the second region's.
ROLE_NAME = r"^[A-Za-z0-9+=,.@_-]{1,61}$"


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
        default=None,
        description='The version: "17" of PostgreSQL, "7.1" of Redis; from "7.2" on Valkey.',
    )
    backups: int = Field(default=7, ge=1, le=35, description="Days for which backups are kept.")
    disk: Amount = Field(default="50Gi", description="Of RDS: the disk to begin with.")


#: What a role allows: `ses:SendEmail`, without a wildcard.
Action = Annotated[str, StringConstraints(pattern=ACTION)]
#: On what: an ARN, of which a part may be `*`.
Resource = Annotated[str, StringConstraints(pattern=ARN)]


class ServiceRole(StrictModel):
    """What a service may do in AWS besides reading its own secrets, by its account's role."""

    name: Annotated[str, StringConstraints(pattern=ROLE_NAME)] | None = Field(
        default=None,
        description="The role's name in AWS; default: PROJECT-ENVIRONMENT-SERVICE. In an account "
        "there is one of a name.",
    )
    reads: tuple[Name, ...] = Field(
        default=(), description="Buckets of `buckets` whose objects it lists and reads."
    )
    writes: tuple[Name, ...] = Field(
        default=(), description="Buckets whose objects it reads, writes and deletes."
    )
    allows: dict[Action, tuple[Resource, ...]] = Field(
        default={},
        description=(
            "Additional permissions: an action, e.g. `ses:SendEmail` -> the ARNs of its resources."
        ),
    )


class Bucket(StrictModel):
    """A private bucket: backups, logs."""

    days: int = Field(default=90, ge=1, description="Days for which its objects are kept.")


class Egress(StrictModel):
    """AWS Network Firewall on the way out: TLS and HTTP to named hosts, and nothing else."""

    hosts: tuple[AllowedHost, ...] = Field(
        default=(),
        description="Hosts beside those that the model has already: of `externals`, of images, of "
        "Argo CD's repository and of AWS. `.example.com` is every name below it, too. For what "
        "runs in the cluster but is not a service: an ACME server, a pager.",
    )


class Standby(StrictModel):
    """A second region, which takes over: Aurora that follows, and a cluster that can grow."""

    region: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")] = Field(
        description="The second region, e.g. eu-west-1."
    )
    network: ApiNetwork = Field(
        default="10.1.0.0/16", description="The addresses of its VPC, apart from the first one's."
    )
    zones: tuple[CloudName, ...] = Field(
        default=(),
        description="Its availability zones, as many as the environment's `zones`; default: the "
        "region's a, b, c.",
    )
    pilot: bool = Field(
        default=True,
        description="A pilot light: its cluster has one small group of nodes until it is to serve.",
    )
    balancer: HostName | None = Field(
        default=None, description="The name of its load balancer, as `dns` has the first one's."
    )
    service: Name | None = Field(
        default=None,
        description="The public service whose health check stands for its region; default: the "
        "first one.",
    )
    path: Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9/_.-]*$")] = Field(
        default="/health", description="The path that answers 200 there while the region serves."
    )


class Claims(StrictModel):
    """Databases that developers claim in the cluster: Crossplane makes Aurora for each."""

    sizes: dict[Literal["small", "medium", "large"], InstanceType] = Field(
        default={"small": "db.t4g.medium", "medium": "db.r6g.large", "large": "db.r6g.xlarge"},
        min_length=1,
        description="Size -> the instance class that it stands for.",
    )
    databases: dict[Name, Literal["small", "medium", "large"]] = Field(
        default={}, description="Claims by their names, each with its size."
    )

    @model_validator(mode="after")
    def _known_sizes(self) -> Self:
        for name, size in self.databases.items():
            if size not in self.sizes:
                known = ", ".join(self.sizes)
                raise ValueError(f"has size {size} for {name}, which is not offered; use {known}")
        return self


class Infrastructure(StrictModel):
    """What Terraform or Pulumi makes in the environment's cloud."""

    by: Literal["terraform", "pulumi"] = Field(
        default="terraform",
        description="What makes it: Terraform, or a Pulumi program in Python, which has network, "
        "cluster, RDS, ElastiCache, image repositories and roles, and none of the rest.",
    )
    project: Name | None = Field(
        default=None,
        description="The first word of every name there, and the tag Project; default: the "
        "system's name.",
    )
    eksctl: bool = Field(
        default=False,
        description="The cluster alone as a file of eksctl, too: `infrastructure/eksctl.yaml`, for "
        "those who make it without Terraform.",
    )
    kubernetes: Annotated[str, StringConstraints(pattern=r"^1\.\d{2}$")] | None = Field(
        default=None, description='Its minor version, e.g. "1.36"; default: that of the objects.'
    )
    protected: bool = Field(
        default=True,
        description=(
            "Resources with data cannot be deleted, and change only in their maintenance window."
        ),
    )
    zones: tuple[CloudName, ...] = Field(
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
    node_pools: dict[Name, NodePool] = Field(
        default={},
        description="Pools of nodes beside these groups: Karpenter makes a node when a pod has no "
        "place, and takes it away when it is empty.",
    )
    servers: dict[Name, ManagedServer] = Field(
        default={}, description="Server of `servers` -> its size: aurora, rds, elasticache."
    )
    passwords: int = Field(
        default=1,
        ge=1,
        description="Of all servers that it makes: with the next number, each gets new passwords, "
        "and services have theirs by a rollout.",
    )
    buckets: dict[Name, Bucket] = Field(
        default={},
        description="Private buckets of S3; in AWS their names have the project, the environment "
        "and the account, too.",
    )
    roles: dict[Name, ServiceRole] = Field(
        default={},
        description=(
            "Service -> its permissions in AWS besides reading its "
            "own secrets. A service without permissions has no role."
        ),
    )
    snapshots: int | None = Field(
        default=None,
        ge=1,
        description="Days for which nightly snapshots of disks and databases are kept; without, "
        "none are made. With `standby` they are copied to its region.",
    )
    backups: ClusterBackups | None = Field(
        default=None,
        description="Velero keeps the objects of the environment's namespace in a bucket; without, "
        "none are kept.",
    )
    experiments: bool = Field(
        default=False,
        description="What `tarmac drill --export fis` names: an alarm of CloudWatch for each "
        "objective, and the role of AWS FIS.",
    )
    standby: Standby | None = Field(
        default=None, description="A second region that takes over; without, there is one."
    )
    egress: Egress | None = Field(
        default=None,
        description="A firewall between private subnets and the NAT gateways; without, whatever a "
        "policy lets out reaches every host.",
    )
    claims: Claims | None = Field(
        default=None,
        description="Databases by claims to the cluster, beside those of `servers`; without, none.",
    )
    dns: Dns | None = Field(
        default=None,
        description="The zone of the public hosts; without it, names are made elsewhere.",
    )
    cdn: Cdn | None = Field(
        default=None,
        description="CloudFront before the public hosts; it needs `dns`, where its certificate is "
        "proven.",
    )
