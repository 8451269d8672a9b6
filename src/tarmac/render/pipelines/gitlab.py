"""GitLab: the same pipeline for a repository that is kept there; scripts do what GitHub's do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base import versions
from tarmac.base.artifact import Artifact
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import gitlab_deploys, service_checks, signing
from tarmac.render.pipelines.parts import gitlab_jobs as j
from tarmac.render.pipelines.parts import pipeline as p
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.renderer import Renderer

NOTES = (
    "A job for each service, since GitLab needs the paths of a change in the job itself; what",
    "it does is scripts/ci. The image of .images and .deploys is yours, with docker, trivy,",
    "skopeo, cosign, uv, kubectl and helm: TOOLS_IMAGE names it. GITOPS_URL is where to push to,",
    "masked.",
)
#: Where a language has no image in the catalogue, a job's image has what its tests need.
TOOLS = "$TOOLS_IMAGE"


def _bases(plan: ClusterPlan) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in service_checks.languages(plan):
        found[f".{name}"] = {"image": TOOLS}
        if name == "python":
            found[f".{name}"] = {
                "image": versions.read().image("python"),
                "before_script": [f"pip install uv=={p.UV}"],
                "cache": {"key": {"files": ["uv.lock"]}, "paths": [".cache/uv"]},
                "variables": {"UV_CACHE_DIR": "$CI_PROJECT_DIR/.cache/uv"},
            }
    identity = {"AWS_ID_TOKEN": {"aud": "sts.amazonaws.com"}}
    if signing.wanted(plan):
        identity["SIGSTORE_ID_TOKEN"] = {"aud": "sigstore"}
    for name in (".images", ".deploys"):
        found[name] = {"image": TOOLS, "id_tokens": identity, "interruptible": False}
    return found


def pipeline(plan: ClusterPlan) -> dict[str, Any]:
    """Make the whole pipeline."""
    tarmac, name = " ".join(st.TARMAC), st.command(plan)
    found: dict[str, Any] = {
        "stages": list(j.STAGES),
        "workflow": {
            "auto_cancel": {"on_new_commit": "interruptible"},
            "rules": [{"if": "$CI_PIPELINE_SOURCE == 'merge_request_event'"}, {"if": j.MAIN}],
        },
        "default": {"interruptible": True},
        **_bases(plan),
        "system": {
            "extends": ".python" if "python" in service_checks.languages(plan) else ".images",
            "stage": "check",
            "script": [
                f"{tarmac} render {name} --env {plan.environment} --out . --check",
                f"{tarmac} verify {name}",
            ],
            "timeout": "10 minutes",
        },
    }
    for service in plan.own_services:
        found[f"lint:{service.name}"] = j.lint(plan, service)
        found[f"test:{service.name}"] = j.test(plan, service)
    for service in plan.own_services:
        found[f"build:{service.name}"] = j.build(plan, service)
    if st.asks_checklist(plan):
        found[gitlab_deploys.CHECKLIST] = gitlab_deploys.checklist(plan)
    for stage in st.stages(plan):
        for service in plan.own_services if stage.by in {"bump", "helm"} else ():
            found[f"{stage.name}:{service.name}"] = gitlab_deploys.deploy(plan, service, stage)
    return found


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the pipeline, where the model names GitLab."""
    if plan.delivery is not None and "gitlab" in plan.delivery.pipelines:
        yield Artifact(".gitlab-ci.yml", pipeline(plan), plan.model, NOTES)


RENDERER = Renderer(
    id="gitlab",
    phase="delivery",
    title="GitLab's pipeline",
    render=render,
    targets=("repository",),
)
