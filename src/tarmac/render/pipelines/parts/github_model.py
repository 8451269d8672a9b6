"""The jobs of GitHub's workflow on the model: the gates, and what a change means."""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.github_steps import PULL, action, checkout, job, step
from tarmac.render.pipelines.parts.github_tools import tools


def system(plan: ClusterPlan) -> dict[str, Any]:
    """Check the model: what is rendered is here, every gate passes, and what a change means."""
    tarmac, name = " ".join(st.TARMAC), st.command(plan)
    own = f"{tarmac} render {name} --env {plan.environment} --out . --check"
    return job(
        [
            checkout(**{"fetch-depth": 0}),
            *tools(plan, only="python"),
            step("The rendered files are up to date", own),
            step("The gates", f"{tarmac} verify {name}"),
            step(
                "What the change means",
                f'{tarmac} diff "$BASE" --system {plan.system} >diff.md',
                'cat diff.md >>"$GITHUB_STEP_SUMMARY"',
                when=PULL,
                env={"BASE": "${{ github.event.pull_request.base.sha }}"},
            ),
            action(
                "Keep it for the comment",
                "actions/upload-artifact",
                {"name": "diff", "path": "diff.md"},
                PULL,
            ),
        ],
        minutes=10,
    )


def comment() -> dict[str, Any]:
    """Say on the pull request what the change means; none of its code is here: this may write."""
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    return job(
        [
            action("What the change means", "actions/download-artifact", {"name": "diff"}),
            step(
                "Comment",
                'gh pr comment "$NUMBER" --repo "$GITHUB_REPOSITORY" --edit-last '
                "--create-if-none --body-file diff.md",
                env={
                    "GH_TOKEN": "${{ github.token }}",
                    "NUMBER": "${{ github.event.pull_request.number }}",
                },
            ),
        ],
        minutes=5,
        needs=("system",),
        when=f"{PULL} && {own}",
        permissions={"pull-requests": "write"},
    )
