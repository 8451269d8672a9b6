"""Nobody from outside runs code where secrets are, by a checkout or by a text in a script."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._workflows import CHOSEN, Workflow, named, steps, workflows
from tarmac.report import Finding

#: Started by a stranger, and run with the repository's own secrets and a token that writes.
PRIVILEGED = ("pull_request_target", "workflow_run")
FOREIGN = re.compile(
    r"github\.(event\.pull_request\.(head|merge_commit_sha)|head_ref|event\.workflow_run\.head)"
    r"|refs/pull/|^(gh pr checkout|hub pr checkout)"
)
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


def check(subject: Subject) -> Iterator[Finding]:
    """Yield checkouts of a stranger's code beside secrets, and scripts made of their text."""
    for workflow in workflows(subject):
        started = [each for each in PRIVILEGED if each in workflow.triggers]
        for name, job in workflow.jobs.items():
            for step in steps(job):
                if started:
                    yield from _taken(workflow, name, step, started[0])
                yield from _made(workflow, name, step)


def _taken(
    workflow: Workflow, job: str, step: Mapping[str, Any], started: str
) -> Iterator[Finding]:
    given: Mapping[str, Any] = step.get("with") or {}
    said = " ".join(str(given.get(key, "")) for key in ("ref", "repository"))
    run = str(step.get("run") or "")
    if FOREIGN.search(said) or any(FOREIGN.search(line.strip()) for line in run.splitlines()):
        what = f"job {job} takes a stranger's code ({named(step)}) and is started by {started}"
        advice = "with this repository's secrets; start it by pull_request instead"
        yield Finding(workflow.line(started), f"{what}, {advice}")


def _made(workflow: Workflow, job: str, step: Mapping[str, Any]) -> Iterator[Finding]:
    given: Mapping[str, Any] = step.get("with") or {}
    for text in (str(step.get("run") or ""), str(given.get("script") or "")):
        for expression in EXPRESSION.findall(text):
            if found := CHOSEN.search(expression):
                what = (
                    f"job {job} makes a script ({named(step)}) of {found[0]}, which anybody writes"
                )
                advice = "give it in `env` and use the variable in quotes"
                yield Finding(workflow.line(found[0]), f"{what}; {advice}")


GATE = Gate(
    id="PIP004",
    title="No stranger's code or text is run beside the repository's secrets",
    phase="delivery",
    source="https://securitylab.github.com/resources/github-actions-preventing-pwn-requests",
    check=check,
    looks_at="checkouts in workflows that pull_request_target or workflow_run start, and "
    "expressions in scripts. What a script of the repository does itself is not followed.",
    targets=("repository",),
)
