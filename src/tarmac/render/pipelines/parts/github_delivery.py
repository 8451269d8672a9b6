"""The jobs of GitHub's workflow that deliver: one for each environment, in the model's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import github_pushed, gitops_jobs, release_jobs
from tarmac.render.pipelines.parts import github_steps as g
from tarmac.render.pipelines.parts import stages as st

#: Seconds within which a pipeline is to be done (the shop's roadmap: under eight minutes).
MOST_S = 480


def stages(plan: ClusterPlan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each job by its name."""
    if st.asks_checklist(plan):
        yield github_pushed.CHECKLIST, github_pushed.checklist(plan)
    for stage in st.stages(plan):
        make = _JOBS[stage.by]
        yield f"{_VERBS[stage.by]}-{stage.name}", make(plan, stage)


#: What makes the job of a stage.
_JOBS = {
    "bump": gitops_jobs.bump,
    "promote": gitops_jobs.promote,
    "release": release_jobs.release,
    "helm": release_jobs.helm,
}
_VERBS = {"bump": "deploy", "promote": "deploy", "release": "release", "helm": "deploy"}


def duration() -> dict[str, Any]:
    """Record how long it took until images were there; waiting for people is not counted."""
    return g.job(
        [
            g.step(
                "How long it took",
                'path="repos/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID"',
                'began=$(gh api "$path" --jq .run_started_at)',
                'took=$(($(date +%s) - $(date -d "$began" +%s)))',
                'echo "commit to image: $took s" | tee -a "$GITHUB_STEP_SUMMARY"',
                f'if [ "$took" -gt {MOST_S} ]; then',
                f'  echo "::warning::$took s from commit to image; {MOST_S} are the most"',
                "fi",
                env={"GH_TOKEN": "${{ github.token }}"},
            )
        ],
        minutes=5,
        needs=("build-and-scan",),
        permissions={"actions": "read"},
    )
