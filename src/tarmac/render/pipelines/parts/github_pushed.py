"""The jobs of GitHub's workflow after a push: images, and the tests that the checklist names."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import signing
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.github_jobs import TOUCHED, script
from tarmac.render.pipelines.parts.github_steps import (
    SERVICE,
    action,
    checkout,
    identity,
    job,
    login,
    matrix,
    step,
)
from tarmac.render.pipelines.parts.github_tools import tools

#: The version of the program; that of its action is in the catalogue.
TRIVY = "v0.74.0"
#: The job that runs the checklist's tests, and what it leaves.
CHECKLIST = "checklist"
#: Its images are made: of the main branch and of a version, never of a pull request.
DELIVERED = "github.event_name == 'push'"


def build(plan: ClusterPlan) -> dict[str, Any]:
    """Build each image, scan it, and push just that; nothing is pushed that a scan refuses."""
    registry = st.registry(plan)
    cache = {
        "path": "/tmp/layers",  # noqa: S108 - on a runner of its own
        "key": f"layers-{SERVICE}-${{{{ github.sha }}}}",
        "restore-keys": f"layers-{SERVICE}-",
    }
    setup = {"version": TRIVY, "cache": True}
    env = {"CI_BUILDER": "ci", "CI_CACHE": cache["path"]}
    push = 'scripts/ci push "$SERVICE" "$REGISTRY" "sha-${GITHUB_SHA:0:12}"'
    steps = [
        checkout(),
        action("Layers of the last build", "actions/cache", cache),
        step("A builder", "docker buildx create --name ci --driver docker-container"),
        script("Build", "build"),
        action("Trivy", "aquasecurity/setup-trivy", setup),
        script("Scan", "scan"),
        *login(plan, registry, "ci-push"),
        step("Push what was scanned", push, env={"SERVICE": SERVICE, "REGISTRY": registry}),
        *signing.signed(plan, registry),
        *(kept(what, suffix) for what, suffix in (("digest", "digest"), ("SBOM", "cdx.json"))),
    ]
    return job(
        steps,
        minutes=20,
        needs=("detect-changes", "lint", "test"),
        when=f"{DELIVERED} && {TOUCHED}",
        permissions=identity(registry, signs=signing.wanted(plan)),
        env=env,
        **matrix(),
    )


def kept(what: str, suffix: str) -> dict[str, Any]:
    """Keep a file about an image beside the run."""
    given = {"name": f"{what.lower()}-{SERVICE}", "path": f".tarmac/ci/{SERVICE}.{suffix}"}
    hidden = {"include-hidden-files": True}
    return action(f"Keep its {what}", "actions/upload-artifact", given | hidden)


def checklist(plan: ClusterPlan) -> dict[str, Any]:
    """Run the tests that the checklist names: once, for the deployments of all services."""
    kept = {"name": CHECKLIST, "path": st.PROVEN, "include-hidden-files": True}
    return job(
        [
            checkout(),
            *tools(plan, only="python"),
            step("The tests that the checklist names", "scripts/prove"),
            action("Keep what came of them", "actions/upload-artifact", kept),
        ],
        minutes=15,
        needs=("detect-changes",),
        when=f"{DELIVERED} && {TOUCHED}",
    )
