"""VictoriaLogs in the tests' cluster, with an agent on each node that reads the files of its pods.

It takes the place of Loki, whose licence keeps it out; its agent reads the files that Alloy would.
"""

from __future__ import annotations

import json
import shutil
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import built
import kube_images
import standins
from cluster import Cluster
from docker_here import Docker

GET = "there is no VictoriaLogs; run .ci/victoria (`make tools`)"
NAMESPACE, STORE, AGENT = "logs", "victoria-logs", "vlagent"
WHERE = f"--namespace={NAMESPACE}"
IMAGE = "docker.io/library/victoria:tests"
PORT = 9428
READS = {"apiGroups": [""], "resources": ["pods", "nodes", "namespaces"]}
PROGRAMS = (STORE, AGENT)


@dataclass(frozen=True)
class LogStore:
    """A VictoriaLogs in the cluster."""

    cluster: Cluster

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Ask by LogsQL; gives the rows."""
        address = self.cluster.read("service", STORE, WHERE)["spec"]["clusterIP"]
        url = f"http://127.0.0.1:{self.cluster.reach(address, PORT)}/select/logsql/query"
        body = urllib.parse.urlencode({"query": query}).encode()
        with urllib.request.urlopen(url, body, timeout=30) as answer:
            return [json.loads(line) for line in answer]

    def replace_pod(self) -> None:
        """Delete its pod, and wait for the next."""
        self.cluster.kubectl("delete", "pod", f"{STORE}-0", WHERE)
        self.cluster.kubectl("rollout", "status", f"statefulset/{STORE}", WHERE, "--timeout=180s")

    def answers(self) -> bool:
        """Tell whether the Service leads to a store that has started."""
        try:
            self.ask("* | count()")
        except OSError:
            return False
        return True


def home() -> Path | None:
    """Find the folder of the programs."""
    found = built.newest(f"victoria-*/{AGENT}")
    return found.parent if found else None


def install(cluster: Cluster, programs: Path, docker: Docker, scratch: Path) -> LogStore:
    """Start the store, and an agent on each node."""
    root = scratch / "root"
    root.mkdir()
    for program in PROGRAMS:
        shutil.copy(programs / program, root)
    standins.image(docker, IMAGE, root)
    kube_images.deliver(cluster.nodes, docker, [IMAGE], scratch)
    cluster.apply(_objects(str(cluster.folder)))
    for workload in (f"statefulset/{STORE}", f"daemonset/{AGENT}"):
        cluster.kubectl("rollout", "status", workload, WHERE, "--timeout=180s")
    return LogStore(cluster)


def _objects(pods: str) -> list[dict[str, Any]]:
    """Write what runs; what the kubelets' links in /var/log lead to is below `pods`."""
    rbac = "rbac.authorization.k8s.io"
    role = {"apiGroup": rbac, "kind": "ClusterRole", "name": AGENT}
    account = {"kind": "ServiceAccount", "name": AGENT, "namespace": NAMESPACE}
    data = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    store = _pod(STORE, f"-httpListenAddr=:{PORT}", "-storageDataPath=/data", data="/data")
    volumes = [
        {"hostPath": {"path": path}, "name": name}
        for name, path in (("links", "/var/log"), ("files", pods))
    ]
    agent = _pod(
        AGENT,
        "-kubernetesCollector",
        f"-remoteWrite.url=http://{STORE}:{PORT}/insert/native",
        "-remoteWrite.flushInterval=200ms",
        links="/var/log",
        files=pods,
    )
    agent["spec"] |= {"serviceAccountName": AGENT, "volumes": volumes}
    chosen = {name: {"matchLabels": {"app": name}} for name in PROGRAMS}
    service = {"selector": {"app": STORE}, "ports": [{"port": PORT}]}
    return [
        _named("v1", "Namespace", NAMESPACE),
        _named("v1", "ServiceAccount", AGENT),
        _named(
            f"{rbac}/v1", "ClusterRole", AGENT, rules=[{**READS, "verbs": ["get", "list", "watch"]}]
        ),
        _named(f"{rbac}/v1", "ClusterRoleBinding", AGENT, roleRef=role, subjects=[account]),
        _named("v1", "Service", STORE, spec=service),
        _named(
            *("apps/v1", "StatefulSet", STORE),
            spec={
                "serviceName": STORE,
                "selector": chosen[STORE],
                "template": store,
                "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": data}],
            },
        ),
        _named("apps/v1", "DaemonSet", AGENT, spec={"selector": chosen[AGENT], "template": agent}),
    ]


def _named(version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": NAMESPACE}
    if kind in ("Namespace", "ClusterRole", "ClusterRoleBinding"):
        del metadata["namespace"]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _pod(program: str, *argv: str, **mounts: str) -> dict[str, Any]:
    container = {
        "name": program,
        "image": IMAGE,
        "imagePullPolicy": "Never",
        "command": [f"/{program}", *argv],
        "volumeMounts": [{"name": name, "mountPath": path} for name, path in mounts.items()],
    }
    return {"metadata": {"labels": {"app": program}}, "spec": {"containers": [container]}}
