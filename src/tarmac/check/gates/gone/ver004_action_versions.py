"""GitHub still takes the versions of actions and the commands that workflows use."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.gone import gone
from tarmac.check.gates.views.pipelines.action_versions import version_of
from tarmac.check.gates.views.pipelines.shell import steps
from tarmac.check.gates.views.pipelines.workflows import Workflow, jobs, workflows
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield steps that fail, as GitHub refuses what their action asks of it."""
    known = {one["action"]: one for one in gone("actions")["versions"]}
    for workflow in workflows(files):
        yield from _printed(workflow, files)
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                one = known.get(step.uses.partition("@")[0])
                if one is None or one["since"] > files.today:
                    continue
                if _is_refused(version_of(workflow, step.uses), one["below"]):
                    told = f"{step.uses} fails since {one['since']}: GitHub refuses that version"
                    where = workflow.at("jobs", name, "steps", number, "uses")
                    yield Finding(where, f"{told}; take {one['instead']}")


def _printed(workflow: Workflow, files: Files) -> Iterator[Finding]:
    """Yield commands that steps print, and that fail them."""
    if gone("commands")["allowed_by"] in workflow.text:
        return
    known = [one for one in gone("commands")["printed"] if one["since"] <= files.today]
    found = (c for name in workflow.jobs for _, own in steps(workflow, name) for c in own)
    for command in found:
        for one in known:
            if match := re.search(one["command"], command.text):
                what = f"prints {match[0]}, which fails the step since {one['since']}"
                yield Finding(command.where, f"{what}; {one['instead']}")


def _is_refused(version: tuple[int, ...], below: Mapping[int, Any]) -> bool:
    """Tell whether a version is too old; the tag of a major version is its newest one."""
    if not version or version[0] not in below:
        return False
    first = tuple(map(int, below[version[0]].split(".")))
    return first[0] > version[0] or (len(version) > 1 and version < first)


GATE = Gate(
    id="VER004",
    title="GitHub takes the versions of actions and the commands that workflows use",
    phase="delivery",
    source="https://github.blog/changelog/2024-04-16-deprecation-notice-v3-of-the-artifact-actions/"
    " and https://github.com/actions/cache: versions whose requests are refused",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs of workflows", jobs),
    targets=("repository",),
    reads="`uses` of steps by their tag, or by the version in the comment beside a commit, for the "
    "actions of assets/gone.yaml, and what scripts print. A server of one's own for GitHub may "
    "still answer.",
)
