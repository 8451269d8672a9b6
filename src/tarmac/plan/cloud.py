"""What an environment's cloud holds besides the cluster's objects, as data.

Plain data, the same for every renderer, gate and estimate; `plan.infrastructure` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tarmac.model.infrastructure import ManagedServer
    from tarmac.model.organization import AccessGroup, Automation


@dataclass(frozen=True)
class ZoneSubnets:
    """The subnets of a zone."""

    zone: str
    public: str
    private: str
    #: Of the firewall's endpoint, and of a NAT gateway behind it.
    firewall: str
    nat: str


@dataclass(frozen=True)
class CloudNodes:
    """A group of nodes."""

    name: str
    #: Instance types, the preferred one first.
    types: tuple[str, ...]
    #: Their processors are of ARM.
    arm: bool
    spot: bool
    min: int
    desired: int
    max: int
    #: GiB of the disk for images, logs and scratch.
    disk_gb: int


@dataclass(frozen=True)
class CloudPool:
    """Nodes that Karpenter makes and takes away."""

    name: str
    #: The label `role` of its nodes.
    role: str
    types: tuple[str, ...]
    #: Their processors are of ARM.
    arm: bool
    #: Spot nodes while there are some.
    spot: bool
    #: The most that all its nodes together may have: cores, and memory.
    limits: Mapping[str, str]
    #: For so long a node is empty before it goes, and at that age it is replaced.
    empty_s: float
    expires_s: float
    #: GiB of the disk for images, logs and scratch.
    disk_gb: int


@dataclass(frozen=True)
class CloudKarpenter:
    """Karpenter, and the pools of nodes that it has."""

    pools: tuple[CloudPool, ...]
    #: By which AWS tags say which cluster something is of; the queue of interruptions, too.
    cluster: str
    #: The ARN of its own role, and the name of its nodes' role.
    role: str
    node_role: str


@dataclass(frozen=True)
class CloudVelero:
    """Velero, and what it keeps."""

    #: A cron line, in UTC.
    schedule: str
    keep_s: float
    #: In AWS.
    bucket: str
    #: Snapshots of disks, too.
    volumes: bool
    #: The ARN of its role.
    role: str


@dataclass(frozen=True)
class CloudServer:
    """A server that the cloud manages."""

    #: As the environment calls it: aurora, rds, elasticache.
    name: str
    #: The folder of the Terraform module that makes it.
    module: str
    version: str
    size: ManagedServer
    #: The stores on it.
    stores: tuple[str, ...]
    #: GiB to begin with; None: its storage grows by itself.
    disk_gb: int | None


@dataclass(frozen=True)
class CloudRole:
    """What the service account of one workload may do in AWS."""

    #: The service account, and so the workload.
    account: str
    name: str
    #: With `ACCOUNT` where nothing names the account's number.
    arn: str
    #: Entries of the cloud's store of secrets that it reads.
    secrets: tuple[str, ...]
    #: Buckets that it reads, and such as it reads and changes.
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    #: Action -> the ARNs of its resources.
    allows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class CloudDns:
    """The zone of the public hosts."""

    zone: str
    #: It is looked up, not made.
    existing: bool
    hosts: tuple[str, ...]
    #: Region -> the name of the load balancer before its ingress, as far as it is known.
    balancers: Mapping[str, str]
    #: What answers 200 at an entrance while its region serves.
    health_path: str = "/health"
    #: Of the role by which ExternalDNS makes the records; None: Terraform makes them.
    records_role: str | None = None


@dataclass(frozen=True)
class CloudEgress:
    """The firewall on the way out."""

    #: Reached by TLS or HTTP, besides those of AWS; with a dot before it every name below, too.
    hosts: tuple[str, ...]


@dataclass(frozen=True)
class CloudStandby:
    """The second region."""

    region: str
    network: str
    subnets: tuple[ZoneSubnets, ...]
    #: It has one small group of nodes until it is to serve.
    pilot: bool


@dataclass(frozen=True)
class CloudCdn:
    """The distribution before the public hosts."""

    #: Of the files: a name that no other account has.
    bucket: str
    #: The paths that are served from it.
    files: tuple[str, ...]
    #: Of one address in five minutes.
    requests: int
    #: The certificate behind it may be issued over HTTP.
    challenges: bool


@dataclass(frozen=True)
class CloudBudget:
    """What an environment may cost a month."""

    #: USD.
    month: float
    #: Where AWS Budgets reports.
    email: str


@dataclass(frozen=True)
class CloudAlarm:
    """An alarm of an objective."""

    name: str
    #: The objective's, by which a drill's hypothesis names it.
    objective: str
    #: The metric, in the namespace of the environment's objects.
    metric: str
    #: The share of good requests below which it is on, 0 to 1.
    least: float
    #: What it says, for a reader.
    about: str


@dataclass(frozen=True)
class CloudAccount:
    """An account of the organization."""

    name: str
    email: str
    #: None: it is not made yet.
    number: str | None
    #: Where something runs, the first one first; two at most.
    regions: tuple[str, ...]


@dataclass(frozen=True)
class CloudOrganization:
    """The accounts of a system, and the people who enter them."""

    #: The first word of every name.
    name: str
    #: Of IAM Identity Center.
    region: str
    #: All in which accounts may do anything.
    regions: tuple[str, ...]
    #: By which the management account enters each account.
    role: str
    #: For which records are kept.
    days: int
    accounts: tuple[CloudAccount, ...]
    access: Mapping[str, AccessGroup]
    #: None: no function answers events.
    automation: Automation | None


@dataclass(frozen=True)
class CloudInfrastructure:
    """What is made in AWS for one environment."""

    #: The first word of every name.
    project: str
    #: None: no registry names one.
    account: str | None
    region: str
    protected: bool
    network: str
    subnets: tuple[ZoneSubnets, ...]
    #: NAT gateways.
    nat: int
    #: The minor version.
    kubernetes: str
    #: Networks outside that reach the API server.
    api_networks: tuple[str, ...]
    nodes: tuple[CloudNodes, ...]
    servers: tuple[CloudServer, ...]
    #: Servers of the environment that are made elsewhere.
    others: tuple[str, ...]
    #: Image repositories; empty where another environment keeps them.
    repositories: tuple[str, ...]
    #: The environment that keeps them.
    keeper: str
    #: Bucket -> the days for which its objects are kept.
    buckets: Mapping[str, int]
    #: None: names are made elsewhere.
    dns: CloudDns | None = None
    cdn: CloudCdn | None = None
    #: None: the way out is open.
    egress: CloudEgress | None = None
    #: Days for which nightly snapshots are kept; None: there are none.
    snapshot_days: int | None = None
    standby: CloudStandby | None = None
    #: Those that stop experiments; empty: none are made.
    alarms: tuple[CloudAlarm, ...] = ()
    #: What makes it: terraform or pulumi.
    by: str = "terraform"
    #: The role by which its account is entered; None: the identity is of that account.
    role: str | None = None
    #: None: nothing watches the bill.
    budget: CloudBudget | None = None
    #: None: the groups of nodes are all that there are.
    karpenter: CloudKarpenter | None = None
    #: None: nothing keeps the cluster's objects.
    velero: CloudVelero | None = None

    @property
    def state_bucket(self) -> str | None:
        """The bucket of Terraform's state; None where the account is not known."""
        return f"{self.project}-terraform-state-{self.account}" if self.account else None
