"""The jobs of GitLab's pipeline that check and build, by the same data and scripts as GitHub's."""

from __future__ import annotations

import posixpath
import shlex
from typing import Any

from tarmac.plan.cluster import ClusterPlan, Workload
from tarmac.render.pipelines.parts import servers_beside, service_checks, signing
from tarmac.render.pipelines.parts import stages as st

STAGES = ("check", "build", "deploy")
MAIN = "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH"


def changes(plan: ClusterPlan, workload: Workload) -> list[str]:
    """List patterns of all that a change of which is a change of a service."""
    found = []
    for path in service_checks.paths(plan, workload):
        is_file = "." in posixpath.basename(path)
        found.append(path if is_file else f"{path}/**/*".removeprefix("/"))
    return found


def rules(plan: ClusterPlan, workload: Workload, *, main: bool = False) -> list[dict[str, Any]]:
    """Run where the service is touched: on the main branch, or in merge requests, too."""
    touched = {"changes": changes(plan, workload)}
    asked = [{"if": MAIN, **touched}]
    if not main:
        asked.insert(0, {"if": "$CI_PIPELINE_SOURCE == 'merge_request_event'", **touched})
    return asked


def _job(plan: ClusterPlan, workload: Workload, stage: str, does: str) -> dict[str, Any]:
    return {
        "extends": f".{service_checks.language_of(workload).name}",
        "stage": stage,
        "script": [f"scripts/ci {does} {workload.name}"],
        "timeout": "15 minutes",
        "rules": rules(plan, workload),
    }


def lint(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Lint a service."""
    return _job(plan, workload, "check", "lint")


def test(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Test a service, with the servers beside it that it is bound to."""
    found = _job(plan, workload, "check", "test")
    images = servers_beside.beside(plan, workload)
    beside = []
    for name, server in servers_beside.servers(plan):
        if name in images:
            env = servers_beside.server(server).get("env")
            beside.append(
                {"name": images[name], "alias": name} | ({"variables": env} if env else {})
            )
    folder = service_checks.coverage(plan, workload)
    return {
        **found,
        **({"services": beside} if beside else {}),
        "artifacts": {"when": "always", "paths": [folder], "expire_in": "1 week"},
    }


def build(plan: ClusterPlan, workload: Workload) -> dict[str, Any]:
    """Build, scan and push a service's image."""
    name, registry = workload.name, st.registry(plan)
    tag = '"sha-$(echo "$CI_COMMIT_SHA" | cut -c 1-12)"'
    return {
        "extends": ".images",
        "stage": "build",
        "needs": [f"lint:{name}", f"test:{name}"],
        "script": [
            f"scripts/ci build {name}",
            f"scripts/ci scan {name}",
            f"scripts/ci push {name} {shlex.quote(registry)} {tag}",
            *signing.in_script(plan, "sign", name, registry),
        ],
        "artifacts": {
            "paths": [f".tarmac/ci/{name}.{suffix}" for suffix in ("digest", "cdx.json")],
            "expire_in": "1 week",
        },
        "timeout": "20 minutes",
        "rules": rules(plan, workload, main=True),
    }
