"""OpenCost in the tests' cluster, by its chart and the rendered values, in a stand-in image.

Its program is older than the chart. It writes the metrics of kube-state-metrics itself, which does
not run there, and takes the prices of no cloud.
"""

from __future__ import annotations

import json
import shutil
import urllib.request
from pathlib import Path
from typing import Any

import built
import cluster_helm
import cluster_prometheus
import kube_images
import standins
import yaml
from cluster_helm import Programs
from deployed import DeployedSystem
from docker_here import Docker

GET = "there is no OpenCost, or no Helm; run `make tools`"
REGISTRY, REPOSITORY, TAG = "ghcr.io", "opencost/opencost", "1.108.0"
PORT = 9003
LIBRARIES = ("libc6", "ca-certificates")
OWN = {
    "opencost": {
        "exporter": {"image": {"registry": REGISTRY, "repository": REPOSITORY, "tag": TAG}},
        "metrics": {"kubeStateMetrics": {"emitKsmV1Metrics": True}},
    }
}


def programs() -> Programs | None:
    """Find them."""
    return cluster_helm.programs(built.newest("opencost-*/opencost"))


def install(
    system: DeployedSystem, docker: Docker, found: Programs, tree: Path, scratch: Path
) -> None:
    """Install it where its rendered values say, beside a Prometheus that is there."""
    root, cache = scratch / "opencost", scratch / "packages"
    standins.fetch(LIBRARIES, cache)
    standins.unpack(LIBRARIES, cache, root)
    shutil.copy(found.home / "opencost", root / "opencost")
    shutil.copytree(found.home / "configs", root / "models")
    (root / "var/configs").mkdir(parents=True)
    tag = f"{REGISTRY}/{REPOSITORY}:{TAG}"
    standins.image(docker, tag, root, "USER 1001", 'ENTRYPOINT ["/opencost"]', "ENV HOME=/tmp")
    kube_images.deliver(system.cluster.nodes, docker, [tag], scratch)
    own = scratch / "opencost.yaml"
    own.write_text(yaml.safe_dump(OWN))
    given = (f"--values={tree}/observability/values/opencost.yaml", f"--values={own}")
    cluster_helm.install(
        *(system.cluster, found.helm, "opencost", found.home / "chart", *given),
        namespace=cluster_prometheus.NAMESPACE,
    )


def allocation(system: DeployedSystem, by: str) -> dict[str, dict[str, Any]]:
    """Ask what the last minutes cost, by `namespace` or `service`."""
    where = f"--namespace={cluster_prometheus.NAMESPACE}"
    address = system.cluster.read("service", "opencost", where)["spec"]["clusterIP"]
    port = system.cluster.reach(address, PORT)
    url = f"http://127.0.0.1:{port}/allocation/compute?window=10m&aggregate={by}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        said = json.load(answer)
    found: dict[str, dict[str, Any]] = {}
    for one in said["data"]:
        found.update(one or {})
    return found
