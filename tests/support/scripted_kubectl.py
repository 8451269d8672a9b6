"""A cluster that only remembers: calls of kubectl are written down, and answered as told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rendered import plan_of

from tarmac.run.cluster.kubectl import Kubectl, Refusal
from tarmac.run.cluster.objects import ObjectId
from tarmac.run.cluster.running import DeployedSystem

NAME, PART_OF = "app.kubernetes.io/name", "app.kubernetes.io/part-of"
MADE = "2026-11-23T10:00:00Z"


@dataclass(frozen=True)
class ScriptedKubectl(Kubectl):
    """Answers `get` with objects, and takes everything else."""

    objects: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, ...]] = field(default_factory=list)
    #: What other calls print, by their first word.
    prints: dict[str, str] = field(default_factory=dict)
    #: What becomes of the objects with a call, by its first word.
    after: dict[str, Callable[[list[dict[str, Any]]], None]] = field(default_factory=dict)
    #: First words of calls that are refused.
    refused: set[str] = field(default_factory=set)

    def kinds(self) -> frozenset[tuple[str, str]]:
        return frozenset((found["apiVersion"], found["kind"]) for found in self.objects)

    def live(self, objects: Any) -> list[dict[str, Any]]:
        asked = {ObjectId.of(found) for found in objects}
        self.calls.append(("get", "--filename=-"))
        return [found for found in self.objects if ObjectId.of(found) in asked]

    def apply(self, objects: Any, *, dry: bool = False) -> list[dict[str, Any]]:
        self.objects.extend(objects)
        return list(objects)

    def run(self, *argv: str, given: str = "") -> str:
        self.calls.append(argv)
        if argv[0] in self.refused:
            raise Refusal(f"{self.context}: {argv[0]} is not allowed")
        self.after.get(argv[0], lambda _: None)(self.objects)
        return self.prints.get(argv[0], "")

    def read(self, *argv: str, given: str = "") -> list[dict[str, Any]]:
        self.run(*argv, given=given)
        kinds = {kind.partition(".")[0].rstrip("s") for kind in argv[1].split(",")}
        named = argv[2] if len(argv) > 2 and not argv[2].startswith("-") else ""
        return [
            found
            for found in self.objects
            if found["kind"].lower().rstrip("s") in kinds
            and named in ("", found["metadata"]["name"])
        ]


def running(*objects: dict[str, Any], system: str = "hello-dd", **told: Any) -> DeployedSystem:
    """Give a system of the repository in such a cluster."""
    kubectl = ScriptedKubectl("kubectl", "lab", Path("config"), list(objects), **told)
    return DeployedSystem(kubectl, plan_of(system, "kind"))


def workload(name: str, *, kind: str = "Deployment", ready: int = 1, replicas: int = 1) -> Any:
    """Write a workload as a cluster has it."""
    counts = ("replicas", "updatedReplicas", "availableReplicas", "readyReplicas")
    status = dict.fromkeys(counts, ready) | {"replicas": replicas, "updatedReplicas": replicas}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": "hello-dd", "uid": f"uid-of-{name}"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {NAME: name}}},
        "status": status | {"currentRevision": "1", "updateRevision": "1"},
    }


def pod(of: str, name: str, *, node: str = "node1", made: str = MADE, **status: Any) -> Any:
    """Write a pod that is ready, unless its status says otherwise."""
    ready = {"type": "Ready", "status": "True"}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "uid": f"uid-of-{name}",
            "labels": {NAME: of, PART_OF: "hello-dd"},
            "creationTimestamp": made,
        },
        "spec": {"nodeName": node, "containers": [{"name": of}]},
        "status": {"phase": "Running", "conditions": [ready], **status},
    }


def node(name: str, zone: str) -> Any:
    """Write a node."""
    labels = {"topology.kubernetes.io/zone": zone}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}}
