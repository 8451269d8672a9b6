"""A job that stands for others fails when one of them fails."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_CHANGES = ("pull_request", "pull_request_target", "merge_group")
#: What tells, or ends the job, and does nothing.
_TELLS = re.compile(r"\s*(?:(?:echo|printf|true|:|exit \d)\b[^|>&;`]*|#.*)?")
_FEWEST = 2


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that are skipped, which counts as passed, when what they stand for fails."""
    for workflow, name in _gathering(files):
        job = workflow.jobs[name]
        if not job.condition:
            what = f"{name} does nothing but stand for {', '.join(job.needs)}, and is skipped when"
            said = f"{what} one of them fails: a check that is skipped counts as passed; write"
            advice = "`if: always()`, and fail where contains(needs.*.result, 'failure')"
            yield Finding(workflow.at("jobs", name), f"{said} {advice}")


@once
def _gathering(files: Files) -> Iterator[tuple[Workflow, str]]:
    """Yield the last jobs of changes that need others, and only tell."""
    for workflow in workflows(files):
        if not any(event in workflow.triggers for event in _CHANGES):
            continue
        needed = {name for job in workflow.jobs.values() for name in job.needs}
        for name, job in workflow.jobs.items():
            steps = list(job.steps)
            lines = [line for step in steps for line in step.run.splitlines()]
            is_telling = bool(lines) and all(map(_TELLS.fullmatch, lines))
            is_last = name not in needed and len(job.needs) >= _FEWEST
            if is_last and is_telling and not any(step.uses for step in steps):
                yield workflow, name


GATE = Gate(
    id="PIP077",
    title="A job that stands for others fails when one of them fails",
    phase="delivery",
    source="https://docs.github.com/en/pull-requests/collaborating-with-pull-requests/"
    "collaborating-on-repositories-with-code-quality-features/troubleshooting-required-status-"
    "checks: a job that is skipped reports its status as success",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs that stand for others", _gathering),
    targets=("repository",),
    reads="jobs of workflows for pull requests that need two others or more, are needed by none, "
    "and only print something. Which checks a branch requires is not in the files.",
)
