"""Where the system runs besides this machine."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tarmac.model.delivery import Gitops, Rollout
from tarmac.model.observability import Observability
from tarmac.model.store import BrokerEntry
from tarmac.model.value import Amount, EnvName, EnvValue, Name, Strict, shown


class Replicas(Strict):
    """How many copies of each service, and when to add one (percent of the request)."""

    min: int = Field(default=2, ge=1)
    max: int = Field(default=10, ge=1)
    cpu: int | None = Field(default=None, ge=1, le=100)
    memory: int | None = Field(default=None, ge=1, le=100)
    available: int | None = Field(
        default=None, ge=0, description="That stay while nodes are emptied; `min` less one."
    )


class Resources(Strict):
    """What a container is given, and the most that it may take."""

    requests: dict[Literal["cpu", "memory"], Amount] = {"cpu": "100m", "memory": "128Mi"}
    limits: dict[Literal["cpu", "memory"], Amount] = {"cpu": "500m", "memory": "512Mi"}


class StoreSize(Strict):
    """How large a store's server is here; what is not said follows from who uses it."""

    connections: int | None = Field(
        default=None,
        ge=1,
        description="The most that it accepts: set so in the cluster, or what the cloud's server "
        "has (`show max_connections`).",
    )
    resources: Resources | None = Field(
        default=None, description="What its container is given, and the most that it may take."
    )
    disk: Amount | None = None


class Ingress(Strict):
    """What leads requests from the world to the public services."""

    kind: Literal["gateway", "ingress"] = Field(
        default="gateway", description="Gateway API routes, or an Ingress."
    )
    controller: Name = Field(default="istio", description="The class of the gateway or ingress.")
    namespace: Name = Field(default="istio-ingress", description="Where its pods are.")
    tls: Name | None = Field(default=None, description="The Secret with the certificate.")
    issuer: Name | None = Field(
        default=None,
        description="The ClusterIssuer by which cert-manager fills that Secret; without, it is "
        "made otherwise.",
    )


def _network(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError(f"is {shown(value)}; write a network, e.g. 10.0.0.0/16") from None


Network = Annotated[str, AfterValidator(_network)]


class Environment(Strict):
    """One environment, e.g. production."""

    target: Literal["cluster", "compose", "repository"] = Field(
        default="cluster",
        description="What runs it: Kubernetes, or Docker Compose on one machine; or what its files "
        "are for, where they are the code's own repository: its pipeline.",
    )
    cloud: str | None = None
    region: str | None = None
    zones: int = Field(default=1, ge=1)
    domain: str | None = Field(default=None, description="Its own, where it is not the system's.")
    namespace: Name | None = Field(default=None, description="In the cluster; the system's name.")
    network: Network = Field(default="10.0.0.0/16", description="Where managed servers stand.")
    registry: str | None = Field(
        default=None, description="Where its images are: HOST/PATH; the system's name without."
    )
    version: str = Field(default="0.1.0", description="The images' tag.")
    images: dict[Name, str] = Field(
        default={}, description="Service -> its own tag, or `sha256:...`."
    )
    servers: dict[Name, tuple[Name, ...]] = Field(
        default={},
        description="Which stores share one server that the cloud manages; all others run in the "
        "cluster.",
    )
    broker: BrokerEntry | None = Field(
        default=None, description="What carries the topics there, where it is another kind."
    )
    replicas: Replicas | None = None
    resources: Resources = Resources()
    disk: Amount = Field(default="10Gi", description="The size of each disk in the cluster.")
    stores: dict[Name, StoreSize] = Field(
        default={},
        description="Store, `broker`, or a server of `servers` -> its size, where it is not the "
        "one that follows from its users.",
    )
    nodes: dict[str, str] = Field(default={}, description="Labels of the nodes for services.")
    quota: dict[Literal["cpu", "memory"], Amount] = Field(
        default={}, description="The most that all containers may request together."
    )
    ingress: Ingress = Ingress()
    mesh: Literal["istio"] | None = None
    monitoring: Name = Field(
        default="monitoring", description="The namespace from which metrics are scraped."
    )
    observability: Observability | None = Field(
        default=None, description="What watches it besides; only its metrics are offered without."
    )
    gitops: Gitops | None = Field(default=None, description="What Argo CD follows, if it does.")
    rollout: Rollout | None = Field(
        default=None, description="How new versions are tried first; by replacing pods without."
    )
    approval: bool = Field(
        default=False, description="A person lets a change in; the pipeline waits for that."
    )
    checklist: bool = Field(
        default=False,
        description="Nothing is promoted or deployed there while a box of checklist.yaml is open.",
    )
    packaging: tuple[Literal["helm", "kustomize"], ...] = Field(
        default=(), description="What the objects of services are packed in besides the plain tree."
    )
    secrets: Literal["external", "script"] = Field(
        default="external",
        description="External Secrets fills them from the cloud's store, or a script makes them "
        "up once.",
    )
    env: dict[Name, dict[EnvName, EnvValue]] = Field(
        default={}, description="Values per service that differ here."
    )


class External(Strict):
    """Something called outside the system."""

    hosts: tuple[str, ...]
    port: int = Field(default=443, ge=1, le=65535)
