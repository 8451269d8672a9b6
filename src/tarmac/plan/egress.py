"""Computes which hosts an environment reaches outside of its network.

`plan.infrastructure` calls it. Those of AWS itself are the Terraform module's, by its region.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

from tarmac.model.environment import Environment
from tarmac.model.system import System
from tarmac.plan.cloud import CloudEgress
from tarmac.plan.cluster import Workload

#: Where an image's name has no registry.
DEFAULT_REGISTRY = "docker.io"
#: Registry -> what a pull of an image asks there.
PULLED_FROM = {
    DEFAULT_REGISTRY: (
        "auth.docker.io",
        "production.cloudflare.docker.com",
        "registry-1.docker.io",
    ),
    "ghcr.io": ("ghcr.io", "pkg-containers.githubusercontent.com"),
    "quay.io": (".quay.io",),  # layers are at cdn01 and its like
    "public.ecr.aws": ("public.ecr.aws", "d5l0dvt14r5h8.cloudfront.net"),  # layers are at the other
}
#: Where the images of controllers are.
KARPENTER, VELERO = "public.ecr.aws", DEFAULT_REGISTRY


def egress(
    system: System, settled: Environment, workloads: Sequence[Workload]
) -> CloudEgress | None:
    """Compute what a firewall lets out; None where the model asks for none."""
    wanted = settled.infrastructure
    if wanted is None or wanted.egress is None:
        return None
    found = {*wanted.egress.hosts, *_declared(system), *_pulled(workloads)}
    found |= set(PULLED_FROM[KARPENTER]) if wanted.node_pools else set()
    found |= set(PULLED_FROM[VELERO]) if wanted.backups else set()
    if settled.gitops is not None and system.file.delivery is not None:
        found |= {urlsplit(system.file.delivery.gitops or "").hostname or ""}
    return CloudEgress(tuple(sorted(filter(None, found))))


def _declared(system: System) -> Iterator[str]:
    for external in system.file.externals.values():
        yield from (host.removeprefix("*") for host in external.hosts)


def _pulled(workloads: Sequence[Workload]) -> Iterator[str]:
    for workload in workloads:
        exporter = workload.exporter.image if workload.exporter else ""
        for image in filter(None, (workload.image, exporter)):
            registry = _registry(image)
            yield from PULLED_FROM.get(registry, (registry,))


def _registry(image: str) -> str:
    """Read the registry of an image: its first part, where that is a host."""
    first, slash, _ = image.partition("/")
    return first if slash and "." in first else DEFAULT_REGISTRY
