"""Network policies of the tests' cluster, enforced: Calico's Felix as a process on each node.

It reads NetworkPolicies and pods from the API server, and writes each node's firewall.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import built
from cluster import Cluster
from cluster_node import HUB, PAUSE, Node
from deployed import NAME, DeployedSystem
from rendered import plan_of

GET = "there is no Felix; run .ci/felix and .ci/cluster (`make tools`)"
REACHING = Path(__file__).with_name("reaching.py")
API_PORT = 6443
HEALTH = "http://127.0.0.1:9099/readiness"
SETTINGS = {
    "DATASTORETYPE": "kubernetes",
    "TYPHAK8SSERVICENAME": "none",
    "DEFAULTENDPOINTTOHOSTACTION": "ACCEPT",
    "IPV6SUPPORT": "false",
    "USAGEREPORTINGENABLED": "false",
    "IPINIPENABLED": "false",
    "VXLANENABLED": "false",
    "NFTABLESMODE": "Disabled",
    "LOGFILEPATH": "none",
    "LOGSEVERITYSYS": "none",
    "LOGSEVERITYSCREEN": "warning",
    "HEALTHENABLED": "true",
}
READY = {
    "apiVersion": "crd.projectcalico.org/v1",
    "kind": "ClusterInformation",
    "metadata": {"name": "default"},
    "spec": {
        "datastoreReady": True,
        "clusterGUID": "tests",
        "calicoVersion": "v3.31.0",
        "clusterType": "k8s",
    },
}


def home(cluster: Cluster) -> Path | None:
    """Find Felix, where its ipset is there, too."""
    found = built.newest("felix-*/calico-felix")
    sets = any(Path(p, "ipset").exists() for p in cluster.hub.env["PATH"].split(":"))
    return found.parent if found and sets else None


def enforce(cluster: Cluster, felix: Path, until: Callable[[Callable[[], bool]], None]) -> None:
    """Start Felix on every node, and wait until it has written what there is."""
    cluster.kubectl("apply", "--server-side", f"--filename={felix / 'crds'}")
    cluster.kubectl(
        *("wait", "--for=condition=Established", "--timeout=60s"),
        "crd/clusterinformations.crd.projectcalico.org",
    )
    cluster.apply([READY])
    inside = cluster.inside_kubeconfig()
    settings = [f"FELIX_{name}={value}" for name, value in SETTINGS.items()]
    for node in cluster.nodes:
        own = (f"FELIX_FELIXHOSTNAME={node.name}", f"KUBECONFIG={inside}")
        node.machine.start("env", *settings, *own, felix / "calico-felix")
    until(lambda: all(_is_ready(node) for node in cluster.nodes))


def _is_ready(node: Node) -> bool:
    code = f"import urllib.request; urllib.request.urlopen({HEALTH!r}, timeout=5)"
    try:
        node.machine.run(sys.executable, "-c", code)
    except AssertionError:
        return False
    return True


def bystander(namespace: str, name: str) -> list[dict[str, Any]]:
    """Make a pod that does nothing, in a namespace, to ask from its network."""
    container = {"name": "pause", "image": PAUSE, "imagePullPolicy": "Never"}
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}},
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": name, "namespace": namespace},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
        },
    ]


@dataclass(frozen=True)
class Networks:
    """The networks of pods, by which their programs are known on their nodes."""

    cluster: Cluster
    #: Container -> its process, as its node knows it.
    processes: Mapping[str, str]

    @classmethod
    def of(cls, cluster: Cluster) -> Networks:
        """Look at what runs now."""
        found = {}
        for node in cluster.nodes:
            tasks = node.machine.run("ctr", "--namespace", "k8s.io", "tasks", "ls").splitlines()
            found |= dict(line.split()[:2] for line in tasks[1:])
        return cls(cluster, found)

    def reached(
        self, pods: Mapping[str, dict[str, Any]], addresses: Iterable[str], limit_s: float
    ) -> dict[str, set[str]]:
        """Have each pod try to connect to each address; give the ones that it has reached."""
        addresses = list(addresses)

        def ask(pod: dict[str, Any]) -> set[str]:
            node = next(n for n in self.cluster.nodes if n.name == pod["spec"]["nodeName"])
            container = pod["status"]["containerStatuses"][0]["containerID"]
            process = self.processes[container.removeprefix("containerd://")]
            enter = ("nsenter", f"--net=/proc/{process}/ns/net", sys.executable, "-IS")
            told = node.machine.run(*enter, REACHING, str(limit_s), *addresses)
            return set(json.loads(told))

        with ThreadPoolExecutor(len(pods)) as pool:
            return dict(zip(pods, pool.map(ask, pods.values()), strict=True))


#: A connection that was tried: from a pod, to a pod or `api-server`, at a port.
Connection = tuple[str, str, int]


@dataclass(frozen=True)
class Tried:
    """All connections between the pods of a system, its neighbours and the API server."""

    system: DeployedSystem
    #: All that were tried.
    possible: set[Connection] = field(default_factory=set)
    #: Those that were taken, before policies were enforced and after.
    open: set[Connection] = field(default_factory=set)
    policed: set[Connection] = field(default_factory=set)

    @property
    def neighbours(self) -> dict[str, str]:
        """Name a pod in the entry's namespace, one in that of monitoring, and one elsewhere."""
        settings = plan_of(self.system.system, self.system.environment).settings
        return {
            "world": settings.ingress.namespace,
            "monitoring": settings.monitoring,
            "elsewhere": "elsewhere",
        }

    @classmethod
    def of(cls, system: DeployedSystem) -> Tried:
        """Have the neighbours there."""
        made = cls(system)
        for name, namespace in made.neighbours.items():
            system.cluster.apply(bystander(namespace, name))
            where = (f"--namespace={namespace}", "--for=condition=Ready", "--timeout=60s")
            system.cluster.kubectl("wait", f"pod/{name}", *where)
        return made

    @property
    def declared(self) -> set[Connection]:
        """List what must be possible, by the model."""
        plan = plan_of(self.system.system, self.system.environment)
        found = {(edge.source, edge.target, edge.port) for edge in plan.allowed}
        for workload in plan.workloads:
            if workload.metrics:
                found.add(("monitoring", workload.name, workload.metrics))
            if workload.caller_keys:
                found.add((workload.name, "api-server", API_PORT))
        return found | {(name, "api-server", API_PORT) for name in self.neighbours}

    def try_now(self, taken: set[Connection], *, limit_s: float) -> None:
        """Try all of them, and add those that are taken."""
        cluster = self.system.cluster
        pods = {
            pod["metadata"]["labels"][NAME]: pod
            for pod in self.system.pods()
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        }
        plan = plan_of(self.system.system, self.system.environment)
        targets = {
            f"{pods[workload.name]['status']['podIP']}:{port}": (workload.name, port)
            for workload in plan.workloads
            for port in workload.ports.values()
        }
        targets[f"{HUB}:{API_PORT}"] = ("api-server", API_PORT)
        for name, namespace in self.neighbours.items():
            pods[name] = cluster.read("pod", name, f"--namespace={namespace}")
        self.possible.update((s, *t) for s in pods for t in targets.values() if t[0] != s)
        for source, addresses in Networks.of(cluster).reached(pods, targets, limit_s).items():
            found = {(source, *targets[address]) for address in addresses}
            taken |= {one for one in found if one[1] != source}  # what asks itself asks nobody
