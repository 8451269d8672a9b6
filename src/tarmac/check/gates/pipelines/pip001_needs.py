"""A job needs the jobs whose outputs it reads: without `needs` they are empty."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Path, numbered, places, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_OF_STEP = re.compile(r"\bsteps\.([\w-]+)\.outputs\.([\w-]+)")
#: A line of a script that sets an output by name, and what may set others that it does not name.
_SET = re.compile(r"^[ \t]*echo\s+[\"']?([\w-]+)=.*>>\s*[\"']?\$\{?GITHUB_OUTPUT", re.MULTILINE)
_OTHERS = re.compile(
    r"<<|\./|\b(cat|tee|python3?|node|jq|bash|sh|source|for|while|make|npm|go)\b|\$\{\{|\{$"
)
_READ = re.compile(r"\bneeds\.([\w-]+)\.(?:outputs\.([\w-]+)|result)")


def check(files: Files) -> Iterator[Finding]:
    """Yield missing jobs in `needs`, and outputs that are read and never set."""
    for workflow in workflows(files):
        written = {one.lower() for one in workflow.jobs}  # GitHub finds either
        for name, job in workflow.jobs.items():
            for other in job.needs:
                if other.lower() not in written and not is_mark(other):
                    what = f"{name} needs {other}, which is not a job of this file; "
                    advice = did_you_mean(other, workflow.jobs)
                    yield Finding(workflow.at("jobs", name, "needs"), what + advice)
            yield from _reads(workflow, name)
            job_steps = {str(step.id): step.run for step in job.steps if step.id and step.run}
            for path, what in _unset(job_steps, job.places(("jobs", name))):
                yield Finding(workflow.at(*path), f"{name} {what}")
    for action in _actions(files):
        own = numbered(action.data, "runs", "steps")
        scripts = {string(one, "id"): string(one, "run") for _, one in own if one.get("id")}
        for path, what in _unset(scripts, places(action.data)):
            yield Finding(action.at(*path), f"the action {string(action.data, 'name')} {what}")


def _actions(files: Files) -> Iterator[Artifact]:
    """Yield the actions that are made of steps."""
    for artifact in files.artifacts:
        is_action = artifact.path.rpartition("/")[2] in ("action.yml", "action.yaml")
        if is_action and string(artifact.data, "runs", "using") == "composite":
            yield artifact


def _unset(
    scripts: Mapping[str, str], texts: Iterable[tuple[Path, str]]
) -> Iterator[tuple[Path, str]]:
    """Yield outputs of steps that their script, which sets others, does not set."""
    for path, text in texts:
        for step, output in dict.fromkeys(_OF_STEP.findall(text)):
            script = scripts.get(step, "")
            given = _SET.findall(script)
            if given and not _OTHERS.search(script) and not _names(script, output):
                what = f"reads steps.{step}.outputs.{output}, which the step never sets"
                yield path, f"{what}; {did_you_mean(output, given)}"


def _names(script: str, output: str) -> bool:
    # GitHub looks names up without regard to case.
    named = rf"(?<![\w-]){re.escape(output)}(?![\w-])"
    return re.search(named, script, re.IGNORECASE) is not None


def _reads(workflow: Workflow, name: str) -> Iterator[Finding]:
    job, jobs = workflow.jobs[name], workflow.jobs
    written = {one.lower(): one for one in jobs}
    waits = [written.get(one.lower(), one) for one in job.needs]
    for path, text in job.places(("jobs", name)):
        for asked, output in dict.fromkeys(_READ.findall(text)):
            read = f"needs.{asked}.outputs.{output}" if output else f"needs.{asked}.result"
            other = written.get(asked.lower(), asked)  # GitHub finds either
            where = workflow.at(*path)
            if other not in jobs:
                what = f"{name} reads {read}, but there is no job {other}; "
                yield Finding(where, what + did_you_mean(other, jobs))
            elif other not in waits:
                whole = ", ".join((*waits, other))
                yield Finding(
                    where,
                    f"{name} reads {read}, which is empty: {other} is not in its `needs`; write "
                    f"`needs: [{whole}]`",
                )
            elif output and not jobs[other].calls_workflow:
                outputs = jobs[other].outputs
                if output.lower() not in {str(one).lower() for one in outputs}:
                    what = f"{name} reads {read}, and {other} has no output {output}; "
                    yield Finding(where, what + did_you_mean(output, outputs))


def _references(files: Files) -> Iterator[object]:
    for workflow in workflows(files):
        for job in workflow.jobs.values():
            yield from job.needs
            for text in job.texts:
                yield from _READ.findall(text)
                yield from _OF_STEP.findall(text)
    for action in _actions(files):
        for _, text in places(action.data):
            yield from _OF_STEP.findall(text)


GATE = Gate(
    id="PIP001",
    title="A job lists in `needs` every job whose outputs or result it reads",
    phase="delivery",
    source="https://docs.github.com/actions: the needs context has only jobs that are named there; "
    "all else in it is empty, so that a matrix made of it has no jobs",
    check=check,
    of_objects=False,
    scope=counted_in_files("references between jobs and steps", _references),
    of_files=check,
    targets=("repository",),
    reads="every expression of a job in workflows of GitHub Actions, and of composite "
    "actions. The outputs of a workflow that is called are not known.",
)
