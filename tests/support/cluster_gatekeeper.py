"""Gatekeeper in the tests' cluster, by its chart and the rendered values, in a stand-in image."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import built
import cluster_helm
import kube_images
import standins
from cluster import Cluster
from docker_here import Docker

GET = "there is no Gatekeeper, or no Helm; run `make tools`"
NAMESPACE = "gatekeeper-system"
IMAGE = "openpolicyagent/gatekeeper:v3.23.1"
#: Jobs of the chart's that need images of their own.
WITHOUT = (
    "--set=upgradeCRDs.enabled=false",
    "--set=preUninstall.deleteWebhookConfigurations.enabled=false",
    "--set=replicas=1",
)


@dataclass(frozen=True)
class Programs:
    """What `make tools` has brought."""

    home: Path
    gator: Path
    helm: Path


def programs() -> Programs | None:
    """Find them."""
    found = [built.newest(f"{name}-*/{name}") for name in ("gatekeeper", "gator")]
    manager, gator = found
    helm = cluster_helm.program()
    return Programs(manager.parent, gator, helm) if manager and gator and helm else None


def verify(found: Programs, folder: Path) -> subprocess.CompletedProcess[str]:
    """Have gator try a folder's policies."""
    command = [found.gator, "verify", "--verbose", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def install(cluster: Cluster, docker: Docker, found: Programs, tree: Path, scratch: Path) -> None:
    """Install it with the values of a rendered tree."""
    root = scratch / "gatekeeper"
    root.mkdir()
    shutil.copy(found.home / "gatekeeper", root / "manager")
    standins.image(docker, IMAGE, root, "USER 65532", 'ENTRYPOINT ["/manager"]')
    kube_images.deliver(cluster.nodes, docker, [IMAGE], scratch)
    values = f"--values={tree}/policies/values/gatekeeper.yaml"
    chart = found.home / "charts/gatekeeper"
    cluster_helm.install(
        cluster, found.helm, "gatekeeper", chart, values, *WITHOUT, namespace=NAMESPACE
    )
