"""GitHub: one workflow for all services, a matrix of those that a change touches."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import github_delivery as s
from tarmac.render.pipelines.parts import github_jobs as j
from tarmac.render.pipelines.parts import github_model, github_pushed
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.renderer import Renderer

NOTES = (
    "One workflow for all services: ci/services.json says which, and what touches them.",
    "It wants: tarmac among pyproject.toml's dependencies; the secret GITOPS_DEPLOY_KEY where a",
    "GitOps repository is written; roles that trust as infra/github-oidc/ says; and once",
    "scripts/apply-ruleset.sh.",
)


def workflow(plan: ClusterPlan) -> dict[str, Any]:
    """Make the workflow."""
    branch = plan.delivery.branch if plan.delivery else "main"
    releases = any(stage.by == "release" for stage in st.stages(plan))
    pushed = {"branches": [branch], **({"tags": [g.VERSIONS]} if releases else {})}
    checks = ("detect-changes", "lint", "test", "system")
    return {
        "name": "ci",
        "on": {"push": pushed, "pull_request": {"branches": [branch]}},
        "permissions": {"contents": "read"},
        # A newer commit of a pull request ends the older one's run; of the main branch each runs.
        "concurrency": {
            "group": f"ci-${{{{ {g.PULL} && github.ref || github.sha }}}}",
            "cancel-in-progress": f"${{{{ {g.PULL} }}}}",
        },
        "jobs": {
            "detect-changes": j.detect(plan),
            "lint": j.lint(plan),
            "test": j.test(plan),
            "system": github_model.system(plan),
            "comment": github_model.comment(),
            j.REQUIRED: j.passed(checks),
            "build-and-scan": github_pushed.build(plan),
            "duration": s.duration(),
            **dict(s.stages(plan)),
        },
    }


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the workflow, where the model names GitHub."""
    if plan.delivery is not None and "github" in plan.delivery.pipelines:
        path = ".github/workflows/ci.yml"
        yield Artifact(path, workflow(plan), plan.model, NOTES, remarks=g.remarks())


RENDERER = Renderer(
    id="github",
    phase="delivery",
    title="GitHub's workflow: one for all services",
    render=render,
    targets=("repository",),
)
