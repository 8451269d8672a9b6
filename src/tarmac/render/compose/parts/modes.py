"""What a developer adds to a system under Compose, and what the staging profile adds."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model import conventions
from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.compose.parts import entry as entries
from tarmac.render.compose.parts import services as c
from tarmac.render.compose.parts import values

LOGGING = {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}
STAGING = (
    "The images as they will run, no sources mounted, only the entry's ports open:",
    "docker compose --file compose.yaml --file compose.prod.yaml up --detach --wait",
)


def _sources(plan: ClusterPlan, workload: Workload) -> dict[str, str]:
    """Find the packages of a service in the repository, by where its image has them."""
    beside = posixpath.dirname(plan.model)
    return {
        f"/app/own/{part}": f"{values.required(values.SOURCE)}/"
        + posixpath.normpath(posixpath.join(beside, source, part))
        for part, source in zip(workload.parts, workload.sources, strict=False)
    }


def build_arguments(workload: Workload) -> dict[str, str | None]:
    """Return what the one Dockerfile is told of a service; None: by the environment, if at all."""
    return {
        "SERVICE": " ".join(workload.parts),
        "EXTRAS": " ".join(workload.extras),
        "PORT": str(workload.metrics),
        "TITLE": workload.name,
        # From the environment, where another base is wanted.
        "BUILDER": None,
        "RUNTIME": None,
    }


def _development(plan: ClusterPlan, workload: Workload) -> Mapping[str, Any]:
    if not workload.parts or workload.repository:
        return {}
    sources = _sources(plan, workload)
    return {
        "build": {
            "context": values.required(values.SOURCE),
            "dockerfile": f"{values.required(values.TREE)}/containers/Dockerfile",
            "args": build_arguments(workload),
        },
        "volumes": [f"{path}:{inside}:ro" for inside, path in sources.items()],
        "environment": {conventions.DRAIN_DELAY_S: "0"},  # no balancer has to notice its end
        "develop": {
            "watch": [
                *({"action": "restart", "path": path} for path in sources.values()),
                {"action": "rebuild", "path": f"{values.required(values.SOURCE)}/uv.lock"},
            ]
        },
    }


def development(plan: ClusterPlan) -> Artifact:
    """Make what a developer adds: sources in place of what was installed, every port open."""
    ports = c.published(plan)
    services = {
        workload.name: {**_development(plan, workload), "ports": ports[workload.name]}
        for workload in plan.workloads
        if workload.name in ports
    }
    notes = ("docker compose watch restarts a service whose source is edited.",)
    path = f"{values.FOLDER}/compose.override.yaml"
    return Artifact(path, {"services": services}, place=plan.model, notes=notes)


def _limits(workload: Workload) -> dict[str, Any]:
    limits = {name: str(limit) for name, limit in workload.resources.limits.items()}
    found: dict[str, Any] = {}
    if cpu := limits.get("cpu"):
        found["cpus"] = f"{float(cpu[:-1]) / 1000:g}" if cpu.endswith("m") else cpu
    if memory := limits.get("memory"):
        found["memory"] = memory.replace("Ki", "k").replace("Mi", "m").replace("Gi", "g")
    return {"deploy": {"resources": {"limits": found}}} if found else {}


def staging(plan: ClusterPlan) -> Artifact:
    """Make the staging profile: limits, restarts, bounded logs, and the entry's ports alone."""
    services: dict[str, Any] = {}
    before = plan.settings.entry
    for workload in plan.workloads:
        entry = sorted({route.port for route in workload.routes})
        services[workload.name] = {
            "restart": "unless-stopped",
            **_limits(workload),
            "logging": LOGGING,
        }
        if entry and before is None:
            services[workload.name]["ports"] = [
                {
                    "target": port,
                    "published": str(workload.known_ports.get(port, port)),
                    "host_ip": "127.0.0.1",
                }
                for port in entry
            ]
    inner = {store.name: {"internal": True} for store in plan.stores}
    content: dict[str, Any] = {"services": services, "networks": inner}
    if before is not None:
        services |= entries.services(plan, before, LOGGING)
        content["volumes"] = entries.volumes(before)
    return Artifact(f"{values.FOLDER}/compose.prod.yaml", content, place=plan.model, notes=STAGING)
