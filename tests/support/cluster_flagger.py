"""Flagger in the tests' cluster, by its chart and the rendered values, in a stand-in image."""

from __future__ import annotations

import shutil
from pathlib import Path

import built
import cluster_helm
import cluster_istio
import kube_images
import standins
from deployed import DeployedSystem
from docker_here import Docker

GET = "there is no Flagger; run `make tools`"
IMAGE = "ghcr.io/fluxcd/flagger"
TAG = "1.41.0"
#: What its chart's probes call.
PROBE = ("busybox-static",)


def home() -> Path | None:
    """Find Flagger's folder."""
    found = built.newest("flagger-*/flagger")
    return found.parent if found else None


def install(
    system: DeployedSystem, docker: Docker, found: Path, helm: Path, tree: Path, scratch: Path
) -> None:
    """Install it where the rendered script does."""
    root, cache = scratch / "flagger", scratch / "packages"
    standins.fetch(PROBE, cache)
    standins.unpack(PROBE, cache, root)
    (root / "usr/bin/wget").symlink_to("busybox")
    shutil.copy(found / "flagger", root / "flagger")
    tag = f"{IMAGE}:{TAG}"
    standins.image(docker, tag, root, "USER 65532", "WORKDIR /", "ENV PATH=/usr/bin")
    kube_images.deliver(system.cluster.nodes, docker, [tag], scratch)
    given = f"--values={tree}/observability/values/flagger.yaml"
    image = (f"--set=image.repository={IMAGE}", f"--set=image.tag={TAG}")
    cluster_helm.install(
        *(system.cluster, helm, "flagger", found / "charts/flagger", given, *image),
        namespace=cluster_istio.ROOT,
    )


def log(system: DeployedSystem) -> str:
    """Read the end of what it logs, for a test that failed."""
    told = ("logs", "deployment/flagger", f"--namespace={cluster_istio.ROOT}", "--tail=30")
    return system.cluster.kubectl(*told, check=False)
