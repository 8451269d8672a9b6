"""What a pipeline does, as data and scripts that do the same on a laptop; reviewers; updates.

For environments whose target is the code's own repository; the pipelines themselves are GitHub's
(`github`) and GitLab's (`gitlab`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.model.delivery import Root
from tarmac.plan.cluster import ClusterPlan
from tarmac.render.assets import asset, assets
from tarmac.render.pipelines.parts import pipeline as p
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.renderer import Renderer

SCRIPTS = "ci/scripts"


def _code_owners(plan: ClusterPlan) -> str:
    lines = [
        "# The reviewers; what must pass besides is in .github/rulesets/main.json.",
        f"* {' '.join(p.owners(plan))}",
    ]
    if plan.delivery:
        lines += [f"/{name}/ {' '.join(root.owners)}" for name, root in plan.delivery.roots.items()]
    return "\n".join(lines) + "\n"


def _readme(name: str, root: Root) -> str:
    owners = ", ".join(f"`{owner}`" for owner in root.owners)
    return f"# {name}\n\n{root.about}\n\nReviewed by {owners}: see CODEOWNERS.\n"


def _renovate(plan: ClusterPlan) -> dict[str, Any]:
    """Renew what is pinned; what is rendered comes with a newer Tarmac."""
    rendered = [".github/workflows/**", ".gitlab-ci.yml", "containers/**", f"**/{p.DATA}"]
    return {
        "$schema": "https://docs.renovatebot.com/renovate-schema.json",
        "extends": ["config:recommended", ":semanticCommits"],
        "description": [
            "What Tarmac renders is renewed by renewing Tarmac and rendering again.",
            "An edit of it by a bot would be refused by `tarmac render --check`.",
        ],
        "ignorePaths": rendered,
        "prConcurrentLimit": 5,
        "minimumReleaseAge": "3 days",
        "lockFileMaintenance": {"enabled": True, "schedule": ["before 6am on monday"]},
        "vulnerabilityAlerts": {"enabled": True, "labels": ["security"], "minimumReleaseAge": None},
        "packageRules": [
            {
                "description": "One pull request for all small steps of what is tested anyway.",
                "matchUpdateTypes": ["minor", "patch"],
                "groupName": f"{plan.system}: minor and patch versions",
            }
        ],
    }


def render(plan: ClusterPlan) -> Iterable[Artifact]:
    """Yield the data, the scripts, CODEOWNERS and renovate.json, where anything is delivered."""
    if plan.delivery is None:
        return
    yield Artifact(p.DATA, p.as_json(p.data(plan)), plan.model)
    writes = any(stage.by in {"bump", "promote"} for stage in st.stages(plan))
    for path in assets(SCRIPTS):
        if path.endswith("/bump") and not writes:
            continue
        if path.endswith("/prove") and not st.asks_checklist(plan):
            continue
        if "/apply-ruleset" in path and "github" not in plan.delivery.pipelines:
            continue
        name = re.sub(r"^ci/", "", path)
        yield Artifact(name, asset(path), plan.model, executable=True)
    for name, root in plan.delivery.roots.items():
        yield Artifact(f"{name}/README.md", _readme(name, root), plan.model)
    yield Artifact("CODEOWNERS", _code_owners(plan), plan.model)
    yield Artifact("renovate.json", p.as_json(_renovate(plan)), plan.model)


RENDERER = Renderer(
    id="pipeline",
    phase="delivery",
    title="What a pipeline does, as data and scripts; code owners; what renews dependencies",
    render=render,
    targets=("repository",),
)
