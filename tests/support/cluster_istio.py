"""Istio in the tests' cluster, by its own charts and the rendered values, with pods as proxies.

istiod, the agents and the plug-in of the network are Istio's own programs; the proxy in each pod is
a stock Envoy, which lacks the filters that only Istio's build has.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cluster_helm
import cluster_issuing
import istio
import kube_images
import standins
import yaml
from cluster import Cluster
from cluster_entry import Entry
from deployed import DeployedSystem
from docker_here import Docker
from rendered import artifact_of

from tarmac.base import versions

GET = "there is no Istio, no Envoy, or no Helm; run `make tools`"
ROOT, INGRESS = istio.ROOT, "istio-ingress"
HUB = "docker.io/istio"
PROXY = "istio-proxy"
#: As tests/mesh has it: of an EnvoyFilter, by which alone a gateway has limits.
KNOWN = {"IST0133", "IST0151"}
#: What the programs of an image are linked to.
LIBRARIES = ("libc6",)


@dataclass(frozen=True)
class Programs:
    """What `make tools` has brought."""

    istio: Path
    envoy: Path
    helm: Path

    def istioctl(self, cluster: Cluster, *argv: str) -> str:
        """Run istioctl, and return what it prints. Raises AssertionError when it fails."""
        command = [self.istio / "istioctl", f"--kubeconfig={cluster.kubeconfig}", *argv]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, f"{argv}\n{done.stdout}{done.stderr}"
        return done.stdout


def programs() -> Programs | None:
    """Find them."""
    home, envoy, helm = istio.home(), istio.envoy(), cluster_helm.program()
    return Programs(home, envoy, helm) if home and envoy and helm else None


def install(
    cluster: Cluster, docker: Docker, found: Programs, of: tuple[str, str], scratch: Path
) -> None:
    """Install its kinds, the plug-in on each node, istiod, and pods for Ingresses.

    In the order of the rendered script.

    Args:
        of: the system and the environment whose rendered values they get.
    """
    # An entry of the tests before may be Traefik's, under the name that Istio's class has.
    cluster.kubectl("delete", "gatewayclass/istio", "--ignore-not-found")
    theirs = ("deployment,service", "traefik", f"--namespace={INGRESS}")
    cluster.kubectl("delete", *theirs, "--ignore-not-found")
    kube_images.deliver(cluster.nodes, docker, images(docker, found, scratch), scratch)
    few = {"requests": {"cpu": "10m", "memory": "64Mi"}}
    on_nodes = {**show_plugins(cluster), "resources": few}
    entry = {
        "service": {"type": "ClusterIP"},  # no balancer gives it an address here
        "imagePullPolicy": "Never",
        "autoscaling": {"enabled": False},
        "resources": few,
    }
    rendered = dict(artifact_of(*of, "mesh/values/istiod.yaml").data)
    for name, chart, space, values in (
        ("istio-base", "base", ROOT, ()),
        ("istio-cni", "istio-cni", ROOT, (on_nodes,)),
        ("istiod", "istio-control/istio-discovery", ROOT, (rendered, own_values())),
        ("istio-ingressgateway", "gateway", INGRESS, (entry,)),
    ):
        files = []
        for number, one in enumerate((*values, {"global": {"hub": HUB, "tag": version()}})):
            files.append(scratch / f"{name}-{number}.yaml")
            files[-1].write_text(yaml.safe_dump(one))
        given = (f"--values={file}" for file in files)
        place = found.istio / "manifests/charts" / chart
        cluster_helm.install(cluster, found.helm, name, place, *given, namespace=space)


def own_values() -> dict[str, Any]:
    """Write what differs here: one istiod, small proxies, and none of Istio's own filters."""
    return {
        "telemetry": {"enabled": False},
        "pilot": {
            "env": istio.STOCK,
            "autoscaleEnabled": False,
            "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}},
        },
        "global": {
            "imagePullPolicy": "IfNotPresent",
            "proxy": {"resources": {"requests": {"cpu": "10m", "memory": "64Mi"}}},
        },
        # Envoy counts connections and those that are encrypted.
        "meshConfig": {"defaultConfig": {"proxyStatsMatcher": {"inclusionRegexps": [COUNTED]}}},
    }


#: Of those who connect to a pod from elsewhere, and of what they ask by HTTP.
COUNTED = r"(listener\.0\.0\.0\.0_15006\.|http\.inbound).*"
#: What is counted, as Envoy names it: connections that were taken, those that were encrypted, and
#: requests.
TAKEN, ENCRYPTED, ASKED = "downstream_cx_total", "ssl.handshake", "downstream_rq_total"


def version() -> str:
    return versions.read().charts["istio"].version


def show_plugins(cluster: Cluster) -> dict[str, str]:
    """Have the folder of network plug-ins at one path on each node; gives values that say it."""
    shown = cluster.folder / "plugins"
    shown.mkdir()
    for node in cluster.nodes:
        node.machine.run("mount", "--bind", node.machine.folder / "cni", shown)
    return {"cniBinDir": str(shown), "cniConfDir": str(shown)}


def images(docker: Docker, found: Programs, scratch: Path) -> list[str]:
    bootstrap = "var/lib/istio/envoy/envoy_bootstrap_tmpl.json"
    files = {
        "pilot": {"pilot-discovery": "usr/local/bin/pilot-discovery"},
        "proxyv2": {
            "pilot-agent": "usr/local/bin/pilot-agent",
            "envoy_bootstrap.json": bootstrap,
        },
        "install-cni": {
            "install-cni": "usr/local/bin/install-cni",
            "istio-cni": "opt/cni/bin/istio-cni",
        },
    }
    cache, made = scratch / "packages", []
    standins.fetch(LIBRARIES, cache)
    for name, placed in files.items():
        root = scratch / name
        standins.unpack(LIBRARIES, cache, root)
        for program, place in placed.items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(found.istio / program, root / place)
        (root / "tmp").mkdir(exist_ok=True)
        (root / "tmp").chmod(0o1777)
        user = "USER 0" if name == "install-cni" else "USER 1337:1337"
        if name == "proxyv2":
            shutil.copy(found.envoy, root / "usr/local/bin/envoy")
        entry = next(iter(placed.values()))
        path = "ENV PATH=/usr/local/bin:/usr/bin:/bin"
        tag = f"{HUB}/{name}:{version()}"
        standins.image(docker, tag, root, user, path, f'ENTRYPOINT ["/{entry}"]')
        made.append(tag)
    return made


def entry(system: DeployedSystem) -> Entry:
    """Give the way in by the pods that istiod makes for the rendered Gateway, once it leads."""
    cluster_issuing.until_issued(system)
    (gateway,) = system.rendered("Gateway")
    service, where = f"{gateway['metadata']['name']}-istio", f"--namespace={INGRESS}"
    cluster = system.cluster
    listed = ("get", "deployment", where, "--output=name")
    system.until(lambda: f"deployment.apps/{service}" in cluster.kubectl(*listed).split())
    cluster.kubectl("rollout", "status", f"deployment/{service}", where, "--timeout=120s")
    address = cluster.read("service", service, where)["spec"]["clusterIP"]
    found = Entry(system, *(cluster.reach(address, port) for port in (80, 443)))
    system.until(found.is_led)
    return found


def meshed(system: DeployedSystem) -> dict[str, bool]:
    """Tell of each pod that runs whether it has a proxy that is ready."""
    found = {}
    for pod in system.pods():
        if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]:
            said = pod["status"]
            parts = (*said.get("initContainerStatuses", ()), *said["containerStatuses"])
            ready = {one["name"]: one["ready"] for one in parts}
            found[pod["metadata"]["name"]] = ready.get(PROXY, False)
    return found


def analysed(found: Programs, system: DeployedSystem) -> list[dict[str, Any]]:
    """Have istioctl look at a namespace of the cluster; list what is more than a hint."""
    asked = ("analyze", f"--namespace={system.namespace}", "--output=json")
    said: list[dict[str, Any]] = json.loads(found.istioctl(system.cluster, *asked) or "[]")
    return [one for one in said if one["level"] != "Info" and one["code"] not in KNOWN]


def is_strict(found: Programs, system: DeployedSystem, pod: dict[str, Any]) -> bool:
    """Tell whether Istio says that a pod takes nothing in plain text."""
    name = f"{pod['metadata']['name']}.{system.namespace}"
    said = found.istioctl(system.cluster, "experimental", "describe", "pod", name)
    return "Effective PeerAuthentication:\n   Workload mTLS mode: STRICT" in said


def asked_in_clear(system: DeployedSystem, pod: dict[str, Any]) -> str:
    """Ask a pod from a node, which is no part of the mesh; says the answer, or the error."""
    port = pod["spec"]["containers"][0]["ports"][0]["containerPort"]
    url = f"http://{pod['status']['podIP']}:{port}/livez"
    code = (
        "import http.client, urllib.request\n"
        f"try: print(urllib.request.urlopen({url!r}, timeout=10).status)\n"
        "except (OSError, http.client.HTTPException) as error: print(error)\n"
    )
    return system.cluster.nodes[0].machine.run("python3", "-c", code).strip()


def counted(system: DeployedSystem) -> dict[str, Counter[str]]:
    """Count what came in for each pod."""
    found = {}
    pattern = rf"(?:15006\.({TAKEN}|{re.escape(ENCRYPTED)})|({ASKED})): (\d+)"
    for pod in meshed(system):
        stats = ("--", "pilot-agent", "request", "GET", "stats?filter=15006|http.inbound")
        said = system.k("exec", pod, f"--container={PROXY}", *stats, check=False)
        if not said:  # it has ended meanwhile
            continue
        found[pod] = Counter[str]()
        for connections, asked, number in re.findall(pattern, said):
            found[pod][connections or asked] += int(number)
    return found


def in_clear(system: DeployedSystem) -> dict[str, Counter[str]]:
    """Give the counts of each pod that took a connection without encryption."""
    said = counted(system).items()
    return {pod: one for pod, one in said if one[TAKEN] > one[ENCRYPTED]}


def requests(system: DeployedSystem, service: str) -> int:
    """Count the requests that a service's pods were sent."""
    own = {pod["metadata"]["name"] for pod in system.pods(service)}
    return sum(one[ASKED] for pod, one in counted(system).items() if pod in own)


def unreached(system: DeployedSystem, found: dict[str, Counter[str]]) -> set[str]:
    """Name what another workload calls or keeps its data in, and nothing has connected to."""
    edges = system.running().plan.allowed
    called = {edge.target for edge in edges if edge.source != "world"}
    reached = [pod for pod, one in found.items() if one[ENCRYPTED]]
    return {name for name in called if not any(pod.startswith(f"{name}-") for pod in reached)}
