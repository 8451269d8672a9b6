"""Argo Rollouts in the tests' cluster, by its chart and the rendered values, with its plugin.

Both programs are in stand-ins for their images.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import built
import cluster_helm
import kube_images
import standins
from deployed import DeployedSystem
from docker_here import Docker

from tarmac.base import versions
from tarmac.render.gitops import rollouts_controller

GET = "there is no Argo Rollouts with its chart; run `make tools`"
NAME = NAMESPACE = "argo-rollouts"
WHERE = f"--namespace={NAMESPACE}"
IMAGE = "quay.io/argoproj/argo-rollouts:v1.9.1"
#: What the rendered values call in the plugin's image.
CALLED = ("libc6", "coreutils", "libselinux1", "libpcre2-8-0", "libacl1", "libattr1", "libgmp10")


def home() -> Path | None:
    """Find its folder."""
    found = built.newest("rollouts-*/chart/Chart.yaml")
    return found.parents[1] if found else None


def install(
    system: DeployedSystem, docker: Docker, found: Path, helm: Path, tree: Path, scratch: Path
) -> None:
    """Install it with the values of a rendered tree, where the rendered script does."""
    cache, plugin = scratch / "packages", versions.read().image(rollouts_controller.IMAGE)
    standins.fetch(CALLED, cache)
    for tag, program, changes in (
        (IMAGE, "rollouts", ("WORKDIR /home/argo-rollouts", 'ENTRYPOINT ["/bin/rollouts"]')),
        (plugin, rollouts_controller.PROGRAM, ()),
    ):
        root = scratch / program
        standins.unpack(CALLED, cache, root)
        (root / "usr/bin").mkdir(parents=True, exist_ok=True)
        shutil.copy(found / program, root / "usr/bin" / program)
        (root / "home/argo-rollouts").mkdir(parents=True)
        standins.image(docker, tag, root, "USER 999", "ENV PATH=/usr/bin", *changes)
    kube_images.deliver(system.cluster.nodes, docker, (IMAGE, plugin), scratch)
    given = (
        f"--values={tree}/{folder}/values/{NAME}.yaml" for folder in ("observability", "rollouts")
    )
    tag = f"--set=controller.image.tag={IMAGE.rpartition(':')[2]}"
    cluster_helm.install(system.cluster, helm, NAME, found / "chart", *given, tag)


def log(system: DeployedSystem) -> str:
    """Read the end of what it logs, for a test that failed."""
    told = ("logs", f"deployment/{NAME}", WHERE, "--container=argo-rollouts", "--tail=30")
    return system.cluster.kubectl(*told, check=False)


def weights(system: DeployedSystem, service: str) -> dict[str, int]:
    """Read by which weights each route of a Rollout divides its requests; 100 is all of them."""
    plugins: dict[str, Any] = system.read("rollout", service)["spec"]["strategy"]["canary"]
    (plugin,) = plugins["trafficRouting"]["plugins"].values()
    found = {}
    for route in plugin["httpRoutes"]:
        for rule in system.read("httproute", route["name"])["spec"]["rules"]:
            for backend in rule["backendRefs"]:
                if backend["name"] == f"{service}-canary":
                    found[route["name"]] = backend["weight"]
    return found
