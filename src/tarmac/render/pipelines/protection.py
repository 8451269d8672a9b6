"""What protects a repository on GitHub, as code: its main branch and its environments.

scripts/apply-ruleset.sh puts both into force.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model.delivery import Delivery
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import github_jobs as j
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import pipeline as p
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.renderer import Renderer

#: GitHub Actions itself: a status of the same name from another app counts for nothing.
ACTIONS = 15368


def ruleset(plan: ClusterPlan) -> dict[str, Any]:
    """Protect the main branch, as GitHub's REST API takes it (POST /repos/.../rulesets)."""
    branch = plan.delivery.branch if plan.delivery else "main"
    asked: tuple[str, ...] = ("dismiss_stale_reviews_on_push", "require_code_owner_review")
    asked += ("require_last_push_approval", "required_review_thread_resolution")
    review: dict[str, Any] = {"required_approving_review_count": 1, **dict.fromkeys(asked, True)}
    review["allowed_merge_methods"] = ["squash", "rebase"]
    checks = {
        "strict_required_status_checks_policy": True,
        "do_not_enforce_on_create": True,
        "required_status_checks": [{"context": j.REQUIRED, "integration_id": ACTIONS}],
    }
    return {
        "name": branch,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": [f"refs/heads/{branch}"], "exclude": []}},
        "bypass_actors": [],
        "rules": [
            {"type": "deletion"},
            {"type": "non_fast_forward"},
            {"type": "required_linear_history"},
            {"type": "pull_request", "parameters": review},
            {"type": "required_status_checks", "parameters": checks},
        ],
    }


def environment(plan: ClusterPlan, delivery: Delivery, stage: st.Stage) -> dict[str, Any]:
    """Write which users approve a change to an environment, and from which branch or tags."""
    asks = stage.settings.approval
    source = (
        {"name": g.VERSIONS, "type": "tag"}
        if stage.by == "release"
        else {"name": delivery.branch, "type": "branch"}
    )
    return {
        "reviewers": [name.removeprefix("@") for name in p.owners(plan)] if asks else [],
        "prevent_self_review": asks,
        "deployment_branch_policy": {"protected_branches": False, "custom_branch_policies": True},
        "from": [source],
    }


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield ruleset and environments, where the model names GitHub."""
    delivery = plan.delivery
    if delivery is None or "github" not in delivery.pipelines:
        return
    yield Artifact(".github/rulesets/main.json", p.as_json(ruleset(plan)), plan.model)
    for stage in st.stages(plan):
        rules = environment(plan, delivery, stage)
        yield Artifact(f".github/environments/{stage.name}.json", p.as_json(rules), plan.model)


RENDERER = Renderer(
    id="protection",
    phase="delivery",
    title="GitHub's ruleset and environments as code",
    render=render,
    targets=("repository",),
)
