"""What an environment's cloud holds besides the cluster's objects, as data.

Plain data, the same for every renderer, gate and estimate; `plan.infrastructure` computes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tarmac.model.infrastructure import ManagedServer


@dataclass(frozen=True)
class ZoneSubnets:
    """The subnets of a zone."""

    zone: str
    public: str
    private: str


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
class SecretReader:
    """A service account that reads entries of the cloud's store of secrets."""

    #: Its name, and its role's.
    name: str
    namespace: str
    #: What the names of the entries begin with.
    prefix: str


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
    readers: tuple[SecretReader, ...]
    #: Bucket -> the days for which its objects are kept.
    buckets: Mapping[str, int]

    @property
    def state_bucket(self) -> str | None:
        """The bucket of Terraform's state; None where the account is not known."""
        return f"{self.project}-terraform-state-{self.account}" if self.account else None
