"""What protects a repository on GitHub, as code: its main branch, environments and cloud roles.

scripts/apply-ruleset.sh puts the first two into force; the trust policies are for whoever makes the
roles. A role trusts jobs of this repository alone, on its main branch or in an environment of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tarmac.artifact import Artifact
from tarmac.model.delivery import Delivery
from tarmac.plan.cluster import ClusterPlan
from tarmac.render import _github_jobs as j
from tarmac.render import _pipeline as p
from tarmac.render._renderer import Renderer

ISSUER = "token.actions.githubusercontent.com"
AUDIENCE = "sts.amazonaws.com"
#: GitHub Actions itself: a status of the same name by anybody else counts for nothing.
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


def trust(account: str, subjects: list[str]) -> dict[str, Any]:
    """Say whom a role trusts: jobs of this repository alone, on these branches or environments."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {f"{ISSUER}:aud": AUDIENCE},
            # The only pattern is that of versions' tags; without one it is equality.
            "StringLike": {f"{ISSUER}:sub": subjects},
        },
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def _trusts(plan: ClusterPlan, delivery: Delivery) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the trust of the role that pushes, and of each environment's, by its name."""
    of, stages = f"repo:{j.repository(delivery.repository)}", p.stages(plan)
    if pushed := p.ECR.match(p.registry(plan)):
        subjects = [f"{of}:ref:refs/heads/{delivery.branch}"]
        if any(each.by == "release" for each in stages):
            subjects.append(f"{of}:ref:refs/tags/{j.VERSIONS}")
        yield "ci-push", trust(pushed["account"], subjects)
    for each in stages:
        if found := p.ECR.match(each.settings.registry or ""):
            yield (
                f"ci-deploy-{each.name}",
                trust(found["account"], [f"{of}:environment:{each.name}"]),
            )


def environment(plan: ClusterPlan, delivery: Delivery, stage: p.Stage) -> dict[str, Any]:
    """Say who lets a change into an environment, and which branch or tags it may come from."""
    asks = stage.settings.approval
    source = (
        {"name": j.VERSIONS, "type": "tag"}
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
    """Yield ruleset, environments and whom roles trust, where GitHub is asked for."""
    delivery = plan.delivery
    if delivery is None or "github" not in delivery.pipelines:
        return
    yield Artifact(".github/rulesets/main.json", p.as_json(ruleset(plan)), plan.model)
    for each in p.stages(plan):
        rules = environment(plan, delivery, each)
        yield Artifact(f".github/environments/{each.name}.json", p.as_json(rules), plan.model)
    for name, policy in _trusts(plan, delivery):
        yield Artifact(f"infra/github-oidc/{name}.json", p.as_json(policy), plan.model)


RENDERER = Renderer(
    id="protection",
    phase="delivery",
    title="GitHub's ruleset and environments as code, and whom the cloud's roles trust",
    render=render,
    targets=("repository",),
)
