"""The add-ons of travel that can be had here: their charts, programs and kinds.

Each image is a stand-in with one program that `make tools` has built. Karpenter is the one with the
kwok provider: its nodes are objects for which nothing runs. cert-manager is an older version.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import cluster_external_secrets
import cluster_helm
import cluster_istio
import cluster_prometheus
import karpenter
import kube_trees
import standins
import yaml
from cluster import Cluster
from cluster_bootstrap import Chart
from docker_here import Docker

GET = "an add-on of travel is not here; run `make tools`"
#: What is looked for of each program: its chart, where it needs one.
PARTS = {
    "prometheus": "promoperator-*/promoperator",
    "cert-manager": "certmanager-*/chart/Chart.yaml",
    "external-secrets": cluster_external_secrets.PROGRAM,
    "external-dns": "external-dns-*/external-dns",
    "karpenter": "karpenter-*/charts/Chart.yaml",
    "kafka's exporter": cluster_prometheus.KAFKAS,
}
ISSUERS = "quay.io/jetstack/cert-manager-{}"
ISSUING = {"controller": "certmanager", "webhook": "webhook", "cainjector": "cainjector"}
DNS, NODES = "registry.k8s.io/external-dns/external-dns", "karpenter.tests/kwok"
TAG = "tests"
TYPES = "/instance_types.json"
FEW = {"requests": {"cpu": "10m", "memory": "64Mi"}}


@dataclass(frozen=True)
class Addons:
    """What `make tools` has brought."""

    istio: cluster_istio.Programs
    folders: Mapping[str, Path]

    @property
    def prometheus(self) -> cluster_helm.Programs:
        """The operator, with Helm."""
        return cluster_helm.Programs(self.folders["prometheus"], self.istio.helm)


def find() -> Addons | None:
    """Find all of them; None where one is absent."""
    istio = cluster_istio.programs()
    found = {name: built.newest(pattern) for name, pattern in PARTS.items()}
    there = {name: file.parent for name, file in found.items() if file}
    if istio is None or len(there) < len(PARTS):
        return None
    for name in ("cert-manager", "karpenter"):  # whose chart has been looked for
        there[name] = there[name].parent
    return Addons(istio, there)


def images(docker: Docker, addons: Addons, tree: Path, region: str, scratch: Path) -> Iterator[str]:
    """Make the images; yields their names.

    Args:
        region: what Karpenter has types of instances of.
    """
    yield from cluster_istio.images(docker, addons.istio, _folder(scratch / "istio"))
    operator = _folder(scratch / "operator")
    yield from cluster_prometheus.images(docker, addons.prometheus, tree, operator)
    secrets = addons.folders["external-secrets"]
    yield cluster_external_secrets.image(docker, secrets, _folder(scratch / "secrets"))
    issuing = addons.folders["cert-manager"]
    for name, program in ISSUING.items():
        yield _image(docker, f"{ISSUERS.format(name)}:{TAG}", issuing / program, scratch / name)
    records = addons.folders["external-dns"] / "external-dns"
    yield _image(docker, f"{DNS}:{TAG}", records, scratch / "dns")
    nodes = addons.folders["karpenter"]
    types = _folder(scratch / "nodes") / TYPES.removeprefix("/")
    types.write_text(karpenter.instance_types(nodes, region))
    types.chmod(0o644)
    yield _image(docker, f"{NODES}:{TAG}", nodes / "karpenter", scratch / "nodes")


def _folder(place: Path) -> Path:
    place.mkdir()
    return place


def _image(docker: Docker, tag: str, program: Path, root: Path) -> str:
    root.mkdir(exist_ok=True)
    shutil.copy(program, root / program.name)
    standins.image(docker, tag, root, "USER 65532", f'ENTRYPOINT ["/{program.name}"]')
    return tag


def define(cluster: Cluster, addons: Addons) -> None:
    """Install the kinds that a cluster of AWS has before, or that no chart here brings."""
    known = kube_trees.definitions()
    kinds = [known[key] for key in known if key[0] == "gateway.networking.k8s.io"]
    kinds.append(known["karpenter.k8s.aws", "EC2NodeClass"])
    own = karpenter.definitions(addons.folders["karpenter"])
    kinds += [one for one in own if one["spec"]["group"] == karpenter.KWOK_CLASS["group"]]
    cluster.apply(kinds)
    cluster_external_secrets.define(cluster, addons.folders["external-secrets"])


def charts(cluster: Cluster, addons: Addons, aws: Mapping[str, str], scratch: Path) -> Any:
    """Give the chart of each release, with what is its own here.

    Args:
        aws: variables that lead to an AWS.
    """
    folders, manifests = addons.folders, addons.istio.istio / "manifests/charts"
    hub = {"global": {"hub": cluster_istio.HUB, "tag": cluster_istio.version()}}
    leads = [{"name": name, "value": value} for name, value in aws.items()]
    mesh = {**cluster_istio.own_values()}
    mesh["global"] = {**mesh["global"], **hub["global"]}
    off: dict[str, Any] = {"create": False}
    return {
        "kube-prometheus-stack": Chart(
            folders["prometheus"] / "chart", cluster_prometheus.own_values(), ("crds",)
        ),
        "cert-manager": Chart(_with_kinds(folders["cert-manager"], scratch), _issuing()),
        "external-secrets": Chart(
            folders["external-secrets"] / "chart",
            {
                "installCRDs": False,
                "webhook": off,
                "certController": off,
                "extraEnv": leads,
                "image": {"tag": cluster_external_secrets.IMAGE.rpartition(":")[2]},
            },
        ),
        "istio-base": Chart(manifests / "base", hub),
        "istio-cni": Chart(
            manifests / "istio-cni",
            {**hub, **cluster_istio.show_plugins(cluster), "resources": FEW},
        ),
        "istiod": Chart(manifests / "istio-control/istio-discovery", mesh),
        "external-dns": Chart(
            folders["external-dns"] / "charts/external-dns",
            {"env": leads, "interval": "5s", "image": {"repository": DNS, "tag": TAG}},
        ),
        "karpenter": Chart(
            folders["karpenter"] / "charts",
            {
                "controller": {
                    "image": {"repository": NODES, "tag": TAG},
                    "env": [{"name": "INSTANCE_TYPES_FILE_PATH", "value": TYPES}],
                    "resources": FEW,
                },
                "settings": {"featureGates": {"staticCapacity": False}},
            },
        ),
    }


def _issuing() -> dict[str, Any]:
    """Name cert-manager's images; what asks it after its installation is left out."""
    parts = {name: {"image": {"repository": ISSUERS.format(name), "tag": TAG}} for name in ISSUING}
    own = parts.pop("controller")
    return {**own, **parts, "startupapicheck": {"enabled": False}}


def _with_kinds(found: Path, scratch: Path) -> Path:
    """Have the chart make its kinds, as a release of it does."""
    made = scratch / "cert-manager-chart"
    shutil.copytree(found / "chart", made)
    for file in (found / "crds").glob("crd-*.yaml"):
        shutil.copy(file, made / "templates")
    return made


def system_secrets(tree: Path) -> dict[str, str]:
    """Give each entry of AWS Secrets Manager that ExternalSecrets of a tree read a value."""
    read = (yaml.safe_load(file.read_text()) for file in tree.glob("k8s/*/externalsecret-*.yaml"))
    keys = {one["remoteRef"]["key"] for external in read for one in external["spec"]["data"]}
    return {key: f"{number:048x}" for number, key in enumerate(sorted(keys), 1)}
