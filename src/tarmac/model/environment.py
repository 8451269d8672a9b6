"""Where the system runs besides this machine."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from tarmac.base.written import shown
from tarmac.model.delivery import Gitops, Rollout
from tarmac.model.entry import EntrySetting
from tarmac.model.infrastructure import Infrastructure
from tarmac.model.observability import Observability
from tarmac.model.portal import Portal
from tarmac.model.store import BrokerEntry
from tarmac.model.texts import (
    CloudName,
    Domain,
    ExternalHost,
    Image,
    LabelKey,
    LabelValue,
    Registry,
    Tag,
)
from tarmac.model.value import Amount, EnvName, EnvValue, Name, StrictModel
from tarmac.model.vault import Vault


class Replicas(StrictModel):
    """How many copies of each service, and when to add one (percent of the request)."""

    min: int = Field(default=2, ge=1, description="The fewest pods.")
    max: int = Field(default=10, ge=1, description="The most pods.")
    cpu: int | None = Field(
        default=None, ge=1, le=100, description="Percent of the request to scale at."
    )
    memory: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Percent of the request to scale at. Idle pods use memory, too: with `min: 1` "
        "a second pod may stay for ever.",
    )
    available: int | None = Field(
        default=None,
        ge=0,
        description="Replicas that stay while nodes are drained; default: `min` less one.",
    )


class Resources(StrictModel):
    """What a container is given, and the most that it may take."""

    requests: dict[Literal["cpu", "memory"], Amount] = Field(
        default={"cpu": "100m", "memory": "128Mi"}, description="The requests of a pod."
    )
    limits: dict[Literal["cpu", "memory"], Amount] = Field(
        default={"cpu": "500m", "memory": "512Mi"}, description="What a pod may use at most."
    )


class StoreSize(StrictModel):
    """How large a store's server is here; what is not given follows from its users."""

    connections: int | None = Field(
        default=None,
        ge=1,
        description="The most that it accepts: set so in the cluster, or what the cloud's server "
        "has (`show max_connections`).",
    )
    resources: Resources | None = Field(
        default=None, description="Requests and limits of its container."
    )
    disk: Amount | None = Field(default=None, description="The size of its disk.")


class Ingress(StrictModel):
    """What leads requests from the world to the public services."""

    kind: Literal["gateway", "ingress"] = Field(
        default="gateway", description="Gateway API routes, or an Ingress."
    )
    controller: Name = Field(default="istio", description="The class of the gateway or ingress.")
    namespace: Name = Field(default="istio-ingress", description="The namespace of its pods.")
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


class ApiServer(StrictModel):
    """Where pods reach the cluster's API server, by whose keys they verify caller tokens."""

    network: Network | None = Field(
        default=None,
        description="The addresses of its endpoints; default: `network` of the environment.",
    )
    port: int = Field(
        default=443,
        ge=1,
        le=65535,
        description="The port of its endpoints, not of the Service before them; kubeadm and Kind "
        "have 6443.",
    )


class Environment(StrictModel):
    """One environment, e.g. production."""

    target: Literal["cluster", "compose", "repository"] = Field(
        default="cluster",
        description="What runs it: Kubernetes, or Docker Compose on one machine; or what its files "
        "are for, where they are the code's own repository: its pipeline. Environments that are "
        "called `compose` or `repository` have that one.",
    )
    cloud: CloudName | None = Field(
        default=None, description="The cloud that it runs in, e.g. aws."
    )
    region: CloudName | None = Field(default=None, description="The region of that cloud.")
    standby_of: Name | None = Field(
        default=None,
        description="It is the cluster in the second region of this environment, whose "
        "`infrastructure` has `standby`. All that is not written here is as there, but for what "
        "belongs to a region.",
    )
    zones: int = Field(default=1, ge=1, description="Over how many zones pods are spread.")
    domain: Domain | None = Field(default=None, description="Overrides the system's domain.")
    namespace: Name | None = Field(
        default=None, description="In the cluster; default: the system's name."
    )
    network: Network = Field(default="10.0.0.0/16", description="The region of managed servers.")
    api_server: ApiServer = ApiServer()
    registry: Registry | None = Field(
        default=None, description="Where its images are: HOST/PATH; the system's name without."
    )
    version: Tag = Field(default="0.1.0", description="The images' tag.")
    images: dict[Name, Image] = Field(
        default={},
        description="Service -> its own tag, or `sha256:...`; store or `broker` -> `sha256:...` of "
        "the image of its version, where it runs in the cluster.",
    )
    servers: dict[Name, tuple[Name, ...]] = Field(
        default={},
        description=(
            "Stores that share one managed server of the cloud; all others run in the cluster."
        ),
    )
    broker: BrokerEntry | None = Field(
        default=None, description="The broker there, if of a different kind."
    )
    infrastructure: Infrastructure | None = Field(
        default=None,
        description=(
            "Resources that Terraform creates for it in AWS; without "
            "it, network, cluster and servers are created elsewhere."
        ),
    )
    replicas: Replicas | None = None
    resources: Resources = Resources()
    disk: Amount = Field(default="10Gi", description="The size of each disk in the cluster.")
    stores: dict[Name, StoreSize] = Field(
        default={},
        description="Store, `broker`, or a server of `servers` -> its size, where it is not the "
        "one that follows from its users.",
    )
    nodes: dict[LabelKey, LabelValue] = Field(
        default={}, description="Labels of the nodes for services."
    )
    quota: dict[Literal["cpu", "memory"], Amount] = Field(
        default={}, description="The total that all containers may request."
    )
    admission: Literal["warn", "deny"] | None = Field(
        default=None,
        description="The API server asks the namespace's pods for images of known repositories, "
        "with a version, and for a user other than root: it warns, or refuses. Without it, only "
        "Pod Security's profile `restricted` holds.",
    )
    gatekeeper: Literal["dryrun", "warn", "deny"] | None = Field(
        default=None,
        description="Gatekeeper holds the namespace's pods to the same rules, and lists what runs "
        "against them: it only lists, warns, or refuses.",
    )
    ingress: Ingress = Ingress()
    entry: EntrySetting | None = Field(
        default=None,
        description="On one machine: a proxy that has the public ports, and ends TLS; without it, "
        "each public service has its port, on the machine's loopback.",
    )
    mesh: Literal["istio"] | None = Field(default=None, description="The service mesh there.")
    monitoring: Name = Field(
        default="monitoring", description="The namespace from which metrics are scraped."
    )
    observability: Observability | None = Field(
        default=None, description="Its monitoring; without it, metrics are only exposed."
    )
    gitops: Gitops | None = Field(default=None, description="GitOps by Argo CD.")
    rollout: Rollout | None = Field(
        default=None, description="Canary rollouts; without it, pods are replaced."
    )
    approval: bool = Field(
        default=False, description="The pipeline waits for the approval of a person."
    )
    checklist: bool = Field(
        default=False,
        description="No promotion or deployment while an item of checklist.yaml is open.",
    )
    portal: Portal | None = Field(
        default=None,
        description="The developer portal that lists the system, by files of its code repository: "
        "for an environment of target repository.",
    )
    packaging: tuple[Literal["helm", "kustomize"], ...] = Field(
        default=(), description="The package of the objects of services, besides the plain tree."
    )
    secrets: Literal["external", "vault", "script"] = Field(
        default="external",
        description="External Secrets fills them from the cloud's store or from Vault, or a script "
        "generates them once.",
    )
    vault: Vault | None = Field(
        default=None, description="Vault: where it is, and how long users of databases live."
    )
    env: dict[Name, dict[EnvName, EnvValue]] = Field(
        default={}, description="Values per service that differ here."
    )

    @property
    def own_infrastructure(self) -> Infrastructure | None:
        """What is made for it; a second region's is made with the first one's."""
        return None if self.standby_of else self.infrastructure

    @property
    def lease_s(self) -> float:
        """Seconds that a user of a database lives; 0: it stays."""
        return (self.vault.lease or 0.0) if self.vault else 0.0

    @property
    def uses_vault(self) -> bool:
        """Whether it needs a Vault."""
        return self.secrets == "vault" or bool(self.lease_s)

    @property
    def api_network(self) -> str:
        """The addresses of the API server's endpoints."""
        return self.api_server.network or self.network


class ExternalService(StrictModel):
    """Something called outside the system."""

    hosts: tuple[ExternalHost, ...] = Field(description="Its host names.")
    port: int = Field(default=443, ge=1, le=65535, description="The port that is called.")
