"""A pipeline as data: what it builds from what, by which commands, and where that goes.

Both pipelines - GitHub's and GitLab's - and the scripts that people run are made of it. The scripts
read it from `ci/services.json`, so that a step here and on a runner is the same step.
"""

from __future__ import annotations

import json
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts.servers_beside import beside, servers
from tarmac.render.pipelines.parts.service_checks import (
    build_arguments,
    commands,
    coverage,
    language_of,
    paths,
)
from tarmac.render.pipelines.parts.signing import signers
from tarmac.render.pipelines.parts.stages import TARMAC, command, stages

DATA = "ci/services.json"
#: Those that the Dockerfile begins with: what is tested is what runs.
UV = "0.13.8"
PYTHON = "3.13"


def data(plan: ClusterPlan) -> dict[str, Any]:
    """Write the pipeline's data: what the scripts and the matrix read."""
    delivery = plan.delivery
    names = [name for name, _ in servers(plan)]
    services = {}
    for service in plan.own_services:
        images = beside(plan, service)
        services[service.name] = {
            "paths": list(paths(plan, service)),
            "language": language_of(service).name,
            **commands(plan, service),
            "build": build_arguments(plan, service),
            "coverage": coverage(plan, service),
            # An image that is empty is not started.
            "matrix": {
                "language": language_of(service).name,
                "coverage": coverage(plan, service),
                **{name: images.get(name, "") for name in names},
            },
        }
    return {
        "system": plan.system,
        "command": command(plan),
        "model": plan.model,
        "repository": delivery.repository if delivery else "",
        "branch": delivery.branch if delivery else "main",
        "tarmac": list(TARMAC),
        "environments": {
            e.name: {"path": e.path} for e in stages(plan) if e.by in {"bump", "promote"}
        },
        "signers": signers(plan),
        "services": services,
    }


def as_json(content: Any) -> str:
    """Write data for a file that is JSON."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def owners(plan: ClusterPlan) -> tuple[str, ...]:
    """List the reviewers: as the model says, or the system's owner."""
    delivery, owner = plan.delivery, plan.catalogue.owner
    return (delivery.owners if delivery else ()) or (owner if "@" in owner else f"@{owner}",)
