"""A cluster on one machine by Kind, and the scripts that put the system into it.

For environments called `kind`. What the scripts do is in `scripts/kind.sh`, a file that people
write; what is rendered says of which services.
"""

from __future__ import annotations

import posixpath
import shlex
from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.launch import HttpProbe
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.assets import asset
from tarmac.render.renderer import Renderer

ENVIRONMENT = "kind"
#: Three workers in three zones: to spread over zones, and to lose one, means something there.
ZONES = ("a", "b", "c")
CONTAINERFILE = "containers/Dockerfile"


def cluster(plan: ClusterPlan) -> Artifact:
    """Make the cluster's configuration; its ports are those of the ingress, on loopback."""
    entry = [
        {"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1", "protocol": "TCP"}
        for port in (80, 443)
    ]
    front = {"role": "control-plane", "labels": {"ingress-ready": "true"}}
    nodes: list[dict[str, Any]] = [{**front, "extraPortMappings": entry}]
    for zone in ZONES:
        labels = {"role": "general", **plan.settings.nodes}
        labels["topology.kubernetes.io/zone"] = f"{ENVIRONMENT}-{zone}"
        nodes.append({"role": "worker", "labels": labels})
    content = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}
    notes = (
        "Kind 0.30 or newer: its nodes are of Kubernetes 1.34, and its network plug-in enforces",
        "NetworkPolicies. An ingress controller is yours to add: it has the ports 80 and 443.",
    )
    return Artifact("kind/cluster.yaml", content, plan.model, notes)


def _script(plan: ClusterPlan, name: str, lines: Iterable[str], place: str, note: str) -> Artifact:
    begin = (
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        # Where it is, is known at run time alone; shellcheck reads that file by itself.
        "# shellcheck source=/dev/null",
        '. "$(dirname "$0")/kind.sh"',
        "",
        f"begin {plan.system} {plan.namespace}",
    )
    text = "\n".join((*begin, *lines)) + "\n"
    return Artifact(f"scripts/{name}.sh", text, place, (note,), executable=True)


def script_names(plan: ClusterPlan) -> dict[str, str]:
    """Name each service's script: inventory-service's is deploy-inventory (hello-dd's roadmap)."""
    short = {
        service.name: service.name.removesuffix("-service").removeprefix("api-")
        for service in plan.services
    }
    taken = list(short.values())
    return {name: f"deploy-{own if taken.count(own) == 1 else name}" for name, own in short.items()}


def _build(plan: ClusterPlan, workload: Workload) -> str:
    """Return how its image is had: all of the kit are built by one file, others by their own.

    What another repository builds is pulled.
    """
    image = shlex.quote(workload.image)
    if workload.repository:
        return f"pulled {image}"
    if workload.parts:
        given = {"SERVICE": workload.parts, "EXTRAS": workload.extras}
        args = [f"--build-arg {shlex.quote(n + '=' + ' '.join(v))}" for n, v in given.items() if v]
        return " ".join((f"image {image} . --file {CONTAINERFILE}", *args))
    source = posixpath.join(posixpath.dirname(plan.model), next(iter(workload.sources), "."))
    return f"image {image} {shlex.quote(posixpath.normpath(source))}"


def _deploy(plan: ClusterPlan, workload: Workload) -> Iterable[str]:
    yield "connect"
    yield _build(plan, workload)
    yield f"service {workload.name}"
    probe = next((e for e in (workload.ready, workload.live) if isinstance(e, HttpProbe)), None)
    if probe is not None:
        yield f"answers {workload.name} {probe.port} {shlex.quote(probe.path)}"


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the cluster and the scripts, where the environment is one of Kind's."""
    if plan.environment != ENVIRONMENT:
        return
    yield cluster(plan)
    yield Artifact("scripts/kind.sh", asset("kind/kind.sh"), plan.model)
    lines = ["cluster_up", "apply k8s/base/namespace*.yaml", "apply k8s/base/*.yaml"]
    if plan.settings.secrets == "script":
        lines.append("if [ -x scripts/secrets.sh ]; then scripts/secrets.sh; fi")
    lines += [f"store {store.name}" for store in plan.stores]
    lines.append(f'say "{plan.system}: the cluster is ready; scripts/deploy-*.sh come next"')
    yield _script(plan, "setup", lines, plan.model, "The cluster, its namespace and its stores.")
    for name, script in script_names(plan).items():
        workload = plan.workload(name)
        note = f"Builds {name}, puts it into the cluster and checks its health."
        yield _script(plan, script, _deploy(plan, workload), workload.place, note)


RENDERER = Renderer(
    id="kind",
    phase="foundation",
    title="A cluster by Kind, and scripts that put the system into it",
    render=render,
)
