"""The jobs of GitHub's workflow that check a change; `github` puts them together.

Whatever a job does is a script or a command that people run, too. What comes from a pull request -
its title, its branch - is never part of a script's text: it is a variable.
"""

from __future__ import annotations

from typing import Any

from tarmac.plan.cluster import ClusterPlan
from tarmac.render.pipelines.parts import servers_beside
from tarmac.render.pipelines.parts import stages as st
from tarmac.render.pipelines.parts.github_steps import (
    SERVICE,
    action,
    checkout,
    job,
    matrix,
    step,
)
from tarmac.render.pipelines.parts.github_tools import tools

#: The one check that a pull request has to pass; all others are its needs.
REQUIRED = "passed"
TOUCHED = "needs.detect-changes.outputs.services != '[]'"


def detect(plan: ClusterPlan) -> dict[str, Any]:
    """Find the services that are touched; of a version, all are built."""
    everything = any(stage.by == "release" for stage in st.stages(plan))
    lines = ['scripts/changed-services --base "$BASE" --head HEAD --github >>"$GITHUB_OUTPUT"']
    if everything:
        lines = [
            'if [ "$GITHUB_REF_TYPE" = tag ]; then',
            '  scripts/changed-services --all --github >>"$GITHUB_OUTPUT"',
            "else",
            f"  {lines[0]}",
            "fi",
        ]
    base = "${{ github.event.pull_request.base.sha || github.event.before }}"
    return job(
        [
            checkout(**{"fetch-depth": 0}),
            step("Which services are touched", *lines, id="changed", env={"BASE": base}),
        ],
        minutes=5,
        outputs={
            "services": "${{ steps.changed.outputs.services }}",
            "matrix": "${{ steps.changed.outputs.matrix }}",
        },
    )


def lint(plan: ClusterPlan) -> dict[str, Any]:
    """Lint each service that is touched."""
    steps = [checkout(), *tools(plan), script("Lint", "lint")]
    return job(steps, minutes=10, needs=("detect-changes",), when=TOUCHED, **matrix())


def script(name: str, does: str, **more: Any) -> dict[str, Any]:
    """Run one of what scripts/ci does for a service."""
    return step(name, f'scripts/ci {does} "$SERVICE"', **more, env={"SERVICE": SERVICE})


def test(plan: ClusterPlan) -> dict[str, Any]:
    """Test each service that is touched, with the servers beside it that it is bound to."""
    beside = {
        name: {"image": f"${{{{ matrix.{name} }}}}", **servers_beside.server(server)}
        for name, server in servers_beside.servers(plan)
    }
    upload = {
        "directory": "${{ matrix.coverage }}",
        "flags": SERVICE,
        "fail_ci_if_error": False,
    }
    found = action("Send it to Codecov", "codecov/codecov-action", upload)
    # Away or refusing, it says nothing of the code.
    found["continue-on-error"] = True
    keep = {"name": f"coverage-{SERVICE}", "path": "${{ matrix.coverage }}"}
    steps = [
        checkout(),
        *tools(plan),
        script("Test", "test"),
        action("Keep the coverage", "actions/upload-artifact", keep),
        found,
    ]
    services: dict[str, Any] = {"services": beside} if beside else {}
    return job(steps, minutes=15, needs=("detect-changes",), when=TOUCHED, **matrix(), **services)


def passed(needs: tuple[str, ...]) -> dict[str, Any]:
    """Be the one check that is required: a matrix without a service would never report."""
    return job(
        [
            step(
                "All of them",
                'jq -e \'all(.[]; .result == "success" or .result == "skipped")\' '
                '<<<"$NEEDS" >/dev/null',
                env={"NEEDS": "${{ toJSON(needs) }}"},
            )
        ],
        minutes=5,
        needs=needs,
        when="always()",
        permissions={},
    )
