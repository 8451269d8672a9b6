"""External Secrets in the tests' cluster, by its own chart, in a stand-in for its image."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import built
import cluster_helm
import kube_images
import standins
import yaml
from cluster import Cluster
from docker_here import Docker

NAME = "external-secrets"
IMAGE = "ghcr.io/external-secrets/external-secrets:v1.3.2"
PROGRAM = "externalsecrets-*/externalsecrets"
#: What checks its objects at the API server is left out.
OFF = "installCRDs=false,webhook.create=false,certController.create=false"


def home() -> Path | None:
    """Find its folder."""
    found = built.newest(PROGRAM)
    return found.parent if found else None


def install(
    cluster: Cluster, docker: Docker, found: Path, helm: Path, scratch: Path, *argv: str
) -> None:
    """Install its kinds and its controller.

    Args:
        argv: more options of Helm.
    """
    kube_images.deliver(cluster.nodes, docker, [image(docker, found, scratch)], scratch)
    define(cluster, found)
    chart = cluster_helm.copied(found / "chart", scratch / "chart")
    tag = IMAGE.rpartition(":")[2]
    cluster_helm.install(
        cluster, helm, NAME, chart, f"--set={OFF}", f"--set=image.tag={tag}", *argv
    )


def image(docker: Docker, found: Path, scratch: Path) -> str:
    """Make the stand-in; gives its name."""
    root = scratch / NAME
    (root / "bin").mkdir(parents=True)
    shutil.copy(found / "externalsecrets", root / "bin" / NAME)
    standins.image(docker, IMAGE, root, "USER 65534", f'ENTRYPOINT ["/bin/{NAME}"]')
    return IMAGE


def define(cluster: Cluster, found: Path) -> None:
    """Install its kinds."""
    kinds: list[Any] = [
        yaml.safe_load(file.read_text()) for file in (found / "crds").glob("*.yaml")
    ]
    kinds = [kind for kind in kinds if kind and kind["kind"] == "CustomResourceDefinition"]
    cluster.apply(kinds)
    names = [f"customresourcedefinition/{kind['metadata']['name']}" for kind in kinds]
    cluster.kubectl("wait", *names, "--for=condition=Established", "--timeout=60s")
