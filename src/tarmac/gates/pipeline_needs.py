"""A job that reads what another one found waits for it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.gates._gate import Gate, Subject
from tarmac.gates._workflows import Workflow, needs, texts, workflows
from tarmac.report import Finding

READ = re.compile(r"\bneeds\.([A-Za-z_][\w-]*)\.(?:outputs\.([A-Za-z_][\w-]*)|result)")


def check(subject: Subject) -> Iterator[Finding]:
    """Yield each output that is read of a job that is not waited for, or that has none such."""
    for workflow in workflows(subject):
        for name in workflow.jobs:
            yield from _of(workflow, name)


def _of(workflow: Workflow, name: str) -> Iterator[Finding]:
    job = workflow.jobs[name]
    waits = needs(job)
    for other in waits:
        if other not in workflow.jobs:
            what = f"job {name} needs {other}, which is no job of this file; write one that is"
            yield Finding(workflow.line(f"{name}:"), what)
    seen = {match.groups() for text in texts(job) for match in READ.finditer(text)}
    for other, output in sorted(seen, key=str):
        what, place = f"needs.{other}.{f'outputs.{output}' if output else 'result'}", name
        where = workflow.line(f"{place}:")
        if other not in waits:
            advice = (
                f"add {other} to its `needs`" if other in workflow.jobs else "no job is so named"
            )
            yield Finding(where, f"job {name} reads {what}, which is empty there; {advice}")
        elif output and "uses" not in (of := workflow.jobs.get(other, {})):
            offered = of.get("outputs") or {}
            if of and output not in offered:
                known = ", ".join(offered) or "none"
                advice = f"write it among {other}'s `outputs` (there: {known})"
                yield Finding(where, f"job {name} reads {what}, which is never set; {advice}")


GATE = Gate(
    id="PIP001",
    title="A job whose outputs are read is among the needs of who reads them",
    phase="delivery",
    source="an output of a job that is not waited for is empty, and nothing says so: a matrix of "
    "it runs for nothing at all",
    check=check,
    looks_at="expressions `needs.JOB.outputs.NAME` in all files of .github/workflows.",
    targets=("repository",),
)
