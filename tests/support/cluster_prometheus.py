"""The operator of Prometheus in the tests' cluster, by its chart and the rendered values.

Its own programs are built; Prometheus, Alertmanager and the exporters of stores are Debian's, in
stand-ins for their images. Grafana, and what tells of nodes and objects, are left out.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import cluster_helm
import kube_images
import kube_trees
import standins
import yaml
from cluster_helm import Programs
from deployed import DeployedSystem
from docker_here import Docker
from scraped import Prometheus

GET = "there is no operator of Prometheus, or no Helm; run `make tools`"
NAMESPACE, RELEASE = "monitoring", "kube-prometheus-stack"
WHERE = f"--namespace={NAMESPACE}"
REGISTRY = "quay.io"
OPERATOR = f"{REGISTRY}/prometheus-operator/prometheus-operator:v0.85.0"
RELOADER = f"{REGISTRY}/prometheus-operator/prometheus-config-reloader:v0.85.0"
#: Of Debian: the image that each stands for, the package, and where it has the program.
PACKAGED = {
    f"{REGISTRY}/prometheus/prometheus": ("prometheus", "prometheus", "/bin/prometheus"),
    f"{REGISTRY}/prometheus/alertmanager": (
        "prometheus-alertmanager",
        "prometheus-alertmanager",
        "/bin/alertmanager",
    ),
}
EXPORTERS = {
    "postgres-exporter": "prometheus-postgres-exporter",
    "redis_exporter": "prometheus-redis-exporter",
}
KAFKAS = "kafkaexporter-*/kafka_exporter"
GET_KAFKAS = "there is no exporter of Kafka; run .ci/kafkaexporter (`make tools`)"
LIBRARIES = ("libc6",)
TAG = "v2.53.0"
NOWHERE = "http://127.0.0.1:9/"
#: Parts of the chart that need programs which are not here, or tell of nothing here.
WITHOUT = {
    "grafana": {"enabled": False},
    "kubeStateMetrics": {"enabled": False},
    "nodeExporter": {"enabled": False},
    "kubelet": {"enabled": False},
    "kubeApiServer": {"enabled": False},
    "kubeControllerManager": {"enabled": False},
    "kubeEtcd": {"enabled": False},
    "kubeProxy": {"enabled": False},
    "kubeScheduler": {"enabled": False},
    "coreDns": {"enabled": False},
    "defaultRules": {"create": False},
    "prometheusOperator": {"admissionWebhooks": {"enabled": False}, "tls": {"enabled": False}},
}


def programs() -> Programs | None:
    """Find them."""
    return cluster_helm.programs(built.newest("promoperator-*/promoperator"))


@dataclass(frozen=True)
class Watched:
    """A system whose monitors and rules an operator gives to a Prometheus."""

    system: DeployedSystem
    #: The rendered tree of the system.
    tree: Path

    def prometheus(self) -> Prometheus:
        """Give a way to ask Prometheus."""
        return Prometheus(self._url(f"{RELEASE}-prometheus", 9090))

    def alertmanager(self) -> str:
        """Give the address of Alertmanager."""
        return self._url(f"{RELEASE}-alertmanager", 9093)

    def _url(self, service: str, port: int) -> str:
        address = self.system.cluster.read("service", service, WHERE)["spec"]["clusterIP"]
        return f"http://127.0.0.1:{self.system.cluster.reach(address, port)}"

    def queries(self, dashboard: str) -> dict[str, list[str]]:
        """List the queries of a rendered dashboard, by the panel's title."""
        text = (self.tree / f"observability/dashboards/{dashboard}").read_text()
        return {
            panel["title"]: [target["expr"] for target in panel["targets"]]
            for panel in json.loads(text)["panels"]
            if "targets" in panel
        }


def install(system: DeployedSystem, found: Programs, docker: Docker, scratch: Path) -> Watched:
    """Install it with the values of the system's rendered tree."""
    cluster = system.cluster
    tree = scratch / "tree"
    system.tarmac("render", "--env", system.environment, "--out", str(tree))
    kube_images.deliver(cluster.nodes, docker, images(docker, found, tree, scratch), scratch)
    chart = cluster_helm.copied(found.home / "chart", scratch / "chart", "crds")
    own = scratch / "own.yaml"
    own.write_text(yaml.safe_dump(own_values()))
    given = tree / "observability/values/kube-prometheus-stack.yaml"
    secrets = _secrets(yaml.safe_load(given.read_text()))
    cluster.apply([kube_trees.namespace(NAMESPACE, {}), *map(_secret, secrets)])
    cluster_helm.install(
        *(cluster, found.helm, RELEASE, chart, f"--values={given}", f"--values={own}"),
        namespace=NAMESPACE,
    )
    for program in ("prometheus", "alertmanager"):
        told = f"statefulset/{program}-{RELEASE}-{program}"
        system.until(lambda told=told: bool(cluster.kubectl("get", told, WHERE, check=False)))
        cluster.kubectl("rollout", "status", told, WHERE, "--timeout=180s")
    return Watched(system, tree)


def _secrets(values: dict[str, Any]) -> Iterable[str]:
    specs = values.get("alertmanager", {}).get("alertmanagerSpec", {})
    named: Iterable[str] = specs.get("secrets", ())
    return named


def _secret(name: str) -> dict[str, Any]:
    """Write the Secret of an address that nothing is sent to."""
    about = {"apiVersion": "v1", "kind": "Secret"}
    metadata = {"name": name, "namespace": NAMESPACE}
    return {**about, "metadata": metadata, "stringData": {"critical-slack-url": NOWHERE}}


def own_values() -> dict[str, Any]:
    """Write what differs here: versions of Debian, and more frequent looks."""
    prometheus = {
        "image": {"registry": REGISTRY, "repository": "prometheus/prometheus", "tag": TAG},
        "version": TAG,
        "scrapeInterval": "5s",
        "evaluationInterval": "5s",
        "resources": {"requests": {"cpu": "50m", "memory": "128Mi"}},
    }
    alertmanager = {
        "image": {"registry": REGISTRY, "repository": "prometheus/alertmanager", "tag": TAG},
        "version": "v0.28.1",
    }
    return {
        **WITHOUT,
        "prometheus": {"prometheusSpec": prometheus},
        "alertmanager": {"alertmanagerSpec": alertmanager},
    }


def images(docker: Docker, found: Programs, tree: Path, scratch: Path) -> list[str]:
    made = []
    for tag, program, place in (
        (OPERATOR, "promoperator", "bin/operator"),
        (RELOADER, "reloader", "bin/prometheus-config-reloader"),
    ):
        root = scratch / program
        (root / place).parent.mkdir(parents=True)
        shutil.copy(found.home / program, root / place)
        standins.image(docker, tag, root, "USER 65534", f'ENTRYPOINT ["/{place}"]')
        made.append(tag)
    for image, (package, program, place) in PACKAGED.items():
        made.append(_packaged(docker, f"{image}:{TAG}", package, program, place, scratch))
    for name, package in EXPORTERS.items():
        tags = sorted(_tags(tree, name))
        made += [_packaged(docker, t, package, package, f"/bin/{name}", scratch) for t in tags]
    return [*made, *_kafkas(docker, tree, scratch)]


def _kafkas(docker: Docker, tree: Path, scratch: Path) -> list[str]:
    """Make the image of Kafka's exporter, where the tree has it and it was built."""
    tags, exporter = sorted(_tags(tree, "kafka-exporter")), built.newest(KAFKAS)
    if exporter is None:
        return []
    root = scratch / exporter.name
    (root / "bin").mkdir(parents=True)
    shutil.copy(exporter, root / "bin")
    for tag in tags:
        standins.image(docker, tag, root, "USER 65534", f'ENTRYPOINT ["/bin/{exporter.name}"]')
    return tags


def _tags(tree: Path, name: str) -> set[str]:
    """Find the images of a name that pods of the tree have."""
    words = [word for file in tree.glob("k8s/*/*.yaml") for word in file.read_text().split()]
    return {word for word in words if f"/{name}:" in word}


def _packaged(
    docker: Docker, tag: str, package: str, program: str, place: str, scratch: Path
) -> str:
    cache, root = scratch / "packages", scratch / program
    wanted = (*LIBRARIES, package)
    standins.fetch(wanted, cache)
    standins.unpack(wanted, cache, root)
    link = root / place.removeprefix("/")
    if not link.exists():
        link.symlink_to(f"/usr/bin/{program}")
    standins.image(docker, tag, root, "USER 65534", f'ENTRYPOINT ["{place}"]')
    return tag
