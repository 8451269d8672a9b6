"""GitHub still answers the versions of actions that workflows use."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.pipelines.action_versions import version_of
from tarmac.check.gates.views.pipelines.workflows import jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that fail, as GitHub refuses what their action asks of it."""
    known = {one["action"]: one for one in gone("actions")["versions"]}
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                one = known.get(step.uses.partition("@")[0])
                if one is None or one["since"] > files.today:
                    continue
                if _is_refused(version_of(workflow, step.uses), one["below"]):
                    told = f"{step.uses} fails since {one['since']}: GitHub refuses that version"
                    where = workflow.at("jobs", name, "steps", number, "uses")
                    yield Finding(where, f"{told}; take {one['instead']}")


def _is_refused(version: tuple[int, ...], below: Mapping[int, Any]) -> bool:
    """Tell whether a version is too old; the tag of a major version is its newest one."""
    if not version or version[0] not in below:
        return False
    first = tuple(map(int, below[version[0]].split(".")))
    return first[0] > version[0] or (len(version) > 1 and version < first)


GATE = Gate(
    id="VER004",
    title="GitHub answers the versions of actions that workflows use",
    phase="delivery",
    source="https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/"
    " and https://github.com/actions/cache: versions whose requests are refused",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs of workflows", jobs),
    targets=("repository",),
    reads="`uses` of steps by their tag, or by the version in the comment beside a commit, for the "
    "actions of assets/gone.yaml. A server of one's own for GitHub may still answer.",
)
