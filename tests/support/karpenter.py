"""Karpenter with its kwok provider beside a control plane: what makes nodes, and what plays them.

Karpenter is real, and so are the scheduler and the controllers. The machines are not: the kwok
provider makes Node objects for which nothing runs, and `play` is what the kwok controller does for
them: nodes become Ready, pods on them Running, and deleted pods go.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import datetime as dt
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import built
import pytest
import yaml
from apiserver import ControlPlane
from free_ports import free_ports
from kube_api import Kube, Object

GET = "no Karpenter here: have .ci/karpenter build it"
MERGE = "application/strategic-merge-patch+json"
CAPACITY = "karpenter.sh/capacity-type"
ZONE = "topology.kubernetes.io/zone"
TYPE = "node.kubernetes.io/instance-type"
POOL = "karpenter.sh/nodepool"
#: The substitute for EC2NodeClass: the kwok provider's own kind, which has nothing to say.
KWOK_CLASS = {"group": "karpenter.kwok.sh", "kind": "KWOKNodeClass"}
#: The provider's list is of this region; its zones are renamed to those of the pool.
LISTED = "us-west-2"
#: It calls processors as AWS does, and Kubernetes' label as Kubernetes does.
ARCHITECTURES = {"x86_64": "amd64", "arm64": "arm64"}


def home() -> Path:
    """Find the folder of the program; skips the test where there is none."""
    found = built.newest("karpenter-*/karpenter")
    if found is None:
        pytest.skip(GET)
    return found.parent


def definitions(folder: Path) -> Iterator[Object]:
    """Yield the definitions of this version's kinds."""
    for path in sorted((folder / "crds").glob("*.yaml")):
        yield from filter(None, yaml.safe_load_all(path.read_text()))


def with_kwok(pool: Object) -> tuple[Object, Object]:
    """Return a pool with the kwok provider's class in the place of AWS's, and that class."""
    made: dict[str, Any] = copy.deepcopy(dict(pool))
    named = made["spec"]["template"]["spec"]["nodeClassRef"]
    named |= KWOK_CLASS
    name = named["name"]
    kind = {"apiVersion": "karpenter.kwok.sh/v1alpha1", "kind": KWOK_CLASS["kind"]}
    return made, {**kind, "metadata": {"name": name}, "spec": {}}


def instance_types(folder: Path, region: str, taken: Iterable[str] = ()) -> str:
    """Return the provider's own list of AWS's types with Linux, in another region.

    Args:
        taken: kinds of capacity that the cloud has none of.
    """
    text = (folder / "examples/aws_instance_types.json").read_text().replace(LISTED, region)
    listed = [
        one
        for one in json.loads(text)
        if one["operatingSystems"] == ["linux"] and one["architecture"] in ARCHITECTURES
    ]
    gone = set(taken)
    for one in listed:
        one["architecture"] = ARCHITECTURES[one["architecture"]]
        one["offerings"] = [made for made in one["offerings"] if not _of(made) & gone]
    return json.dumps(listed)


def _of(offering: Mapping[str, Any]) -> set[str]:
    """Return an offering's kind of capacity and its zone."""
    return {value for wanted in offering["Requirements"] for value in wanted["values"]}


@contextlib.contextmanager
def running(folder: Path, plane: ControlPlane, types: str, log: Path) -> Iterator[None]:
    """Run Karpenter beside a control plane."""
    listed = log.with_suffix(".json")
    listed.write_text(types)
    metrics, probe = free_ports(2)
    env = {
        "HOME": str(log.parent),
        "PATH": os.environ["PATH"],
        "KUBECONFIG": str(plane.kubeconfig),
        "INSTANCE_TYPES_FILE_PATH": str(listed),
        "DISABLE_LEADER_ELECTION": "true",
        "SYSTEM_NAMESPACE": "kube-system",
        "METRICS_PORT": str(metrics),
        "HEALTH_PROBE_PORT": str(probe),
    }
    with log.open("ab") as out:
        started = subprocess.Popen([folder / "karpenter"], stdout=out, stderr=out, env=env)
    try:
        yield
    finally:
        started.kill()
        started.wait()


@contextlib.asynccontextmanager
async def played(kube: Kube) -> AsyncIterator[None]:
    """Play the machines until the block ends."""
    playing = asyncio.create_task(_play(kube))
    try:
        yield
    finally:
        playing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await playing


async def _play(kube: Kube) -> None:
    while True:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = _condition("Ready", now)
        for node in await kube.items("v1", "Node"):
            path = f"/api/v1/nodes/{node['metadata']['name']}/status"
            status = {"conditions": [{**ready, "lastHeartbeatTime": now}]}
            await kube.ask("PATCH", path, {"status": status}, media=MERGE)
        for pod in await kube.items("v1", "Pod"):
            at = pod["metadata"]
            path = f"/api/v1/namespaces/{at['namespace']}/pods/{at['name']}"
            if "deletionTimestamp" in at:
                await kube.ask("DELETE", path, {"gracePeriodSeconds": 0})
            elif pod["spec"].get("nodeName") and pod["status"].get("phase") == "Pending":
                conditions = [_condition(kind, now) for kind in ("Ready", "ContainersReady")]
                status = {"phase": "Running", "conditions": conditions, "startTime": now}
                await kube.ask("PATCH", f"{path}/status", {"status": status}, media=MERGE)
        await asyncio.sleep(0.5)


def _condition(kind: str, now: str) -> dict[str, str]:
    return {"type": kind, "status": "True", "reason": "Played", "lastTransitionTime": now}


async def nodes(kube: Kube) -> list[Mapping[str, str]]:
    """List the labels of the nodes that are there and stay."""
    found = await kube.items("v1", "Node")
    return [
        one["metadata"]["labels"] for one in found if "deletionTimestamp" not in one["metadata"]
    ]


async def placed(kube: Kube, namespace: str) -> tuple[int, int]:
    """Count the pods of a namespace that have a node, and those that wait."""
    found = await kube.items("v1", "Pod", namespace)
    having = sum(1 for pod in found if pod["spec"].get("nodeName"))
    return having, len(found) - having
