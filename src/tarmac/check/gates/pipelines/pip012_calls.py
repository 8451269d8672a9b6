"""What a workflow calls in its own repository is there, and given what it needs."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, Path, dig, fields, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import FOLDER, Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_ACTIONS = ("action.yml", "action.yaml")
_OF_JOB = re.compile(r"\bneeds\.([\w-]+)\.outputs\.([\w-]+)")
_OF_STEP = re.compile(r"\bsteps\.([\w-]+)\.outputs\.([\w-]+)")
#: A secret that stands alone: `secrets.A || 'x'` says what is taken without it.
_SECRET = re.compile(r"\$\{\{\s*secrets\.(?!GITHUB_TOKEN\b)(\w+)\s*\}\}")
#: Conditions by which a job or step is left out where it has no secrets.
_GUARDED = re.compile(
    r"event_name|\.fork\b|head\.repo|head_repository|actor|github\.ref|secrets\.|env\.|user\.login"
    r"|repository_owner|label|merged|base_ref|failure\(\)"
)


class Call(NamedTuple):
    """A place that calls a workflow or an action of the same repository."""

    artifact: Artifact
    path: Path
    #: For a reader: the job.
    caller: str
    uses: str
    data: Fields


class Callee(NamedTuple):
    """What is called, and what it takes."""

    inputs: Fields
    secrets: Fields
    outputs: Fields | None
    is_workflow: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield calls of what is not there, takes something else, or lacks what it requires."""
    by_path = {artifact.path: artifact for artifact in files.artifacts}
    own = {workflow.path: workflow for workflow in workflows(files)}
    for call in _calls(files):
        root = call.artifact.path.partition(".github/")[0]
        target = posixpath.normpath(posixpath.join(root, call.uses.partition("@")[0]))
        if call.path[-1] == "uses" and len(call.path) == len(("jobs", "a", "uses")):
            for what in _unreached(files, own, target):
                yield Finding(
                    call.artifact.at(*call.path), f"{call.caller} calls {call.uses}{what}"
                )
        if (callee := _callee(own, by_path, target)) is not None:
            yield from _given(call, callee)
    for workflow in own.values():
        yield from _outputs(workflow, own, by_path)
        yield from _from_forks(workflow)


def _calls(files: Files) -> Iterator[Call]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            at: Path = ("jobs", name)
            if string(job.data, "uses").startswith("./"):
                uses = string(job.data, "uses")
                yield Call(workflow.artifact, (*at, "uses"), name, uses, job.data)
            for number, step in enumerate(job.steps):
                if step.uses.startswith("./"):
                    path = (*at, "steps", number, "uses")
                    yield Call(workflow.artifact, path, name, step.uses, step.data)
    for artifact in files.artifacts:
        if artifact.path.endswith(_ACTIONS):
            for number, data in numbered(artifact.data, "runs", "steps"):
                if (uses := string(data, "uses")).startswith("./"):
                    path = ("runs", "steps", number, "uses")
                    yield Call(artifact, path, str(artifact.data.get("name")), uses, data)


def _unreached(files: Files, own: Mapping[str, Workflow], target: str) -> Iterator[str]:
    """Say why a workflow cannot be called."""
    place = on_disk(files, target)
    is_there = target in own or (place is not None and place.exists())
    if FOLDER in target and target.endswith((".yml", ".yaml")) and not is_there:
        names = [posixpath.basename(path) for path in own]
        advice = did_you_mean(posixpath.basename(target), names)
        yield f", which is not there: the run is refused; {advice}"
    elif target in own and "workflow_call" not in own[target].written_triggers:
        yield ", which nothing may call: the run is refused; add `workflow_call` to its `on`"


def _callee(
    own: Mapping[str, Workflow], by_path: Mapping[str, Artifact], target: str
) -> Callee | None:
    if target in own:
        said = fields(own[target].written_triggers.get("workflow_call"))
        is_open = "workflow_call" not in own[target].written_triggers
        inputs, secrets, outputs = (fields(said, key) for key in ("inputs", "secrets", "outputs"))
        return None if is_open else Callee(inputs, secrets, outputs, is_workflow=True)
    for name in _ACTIONS:
        if (artifact := by_path.get(posixpath.join(target, name))) is not None:
            is_composite = dig(artifact.data, "runs", "using") == "composite"
            given = fields(artifact.data, "outputs") if is_composite else None
            return Callee(fields(artifact.data, "inputs"), {}, given, is_workflow=False)
    return None


def _given(call: Call, callee: Callee) -> Iterator[Finding]:
    at, end = call.path[:-1], "the run is refused" if callee.is_workflow else "it stays empty"
    said = [("input", "with", callee.inputs)]
    if callee.is_workflow and call.data.get("secrets") != "inherit":
        said.append(("secret", "secrets", callee.secrets))
    for kind, key, taken in said:
        given = {str(name).lower(): str(name) for name in fields(call.data, key)}
        names = {str(name).lower(): str(name) for name in taken}
        for name in sorted(given.keys() - names.keys()):
            what = (
                f"{call.caller} gives {call.uses} the {kind} {given[name]}, which it does not have"
            )
            why = end if callee.is_workflow else "it is passed over"
            advice = did_you_mean(given[name], list(names.values())) if names else "remove it"
            yield Finding(call.artifact.at(*at, key, given[name]), f"{what}: {why}; {advice}")
        for name in sorted(names.keys() - given.keys()):
            one = fields(taken, names[name])
            if one.get("required") is True and one.get("default") is None:
                what = f"{call.caller} calls {call.uses} without the {kind} {names[name]}, which it"
                where = call.artifact.at(*call.path)
                yield Finding(where, f"{what} requires: {end}; write it under `{key}`")


def _outputs(
    workflow: Workflow, own: Mapping[str, Workflow], by_path: Mapping[str, Artifact]
) -> Iterator[Finding]:
    """Yield outputs that are read, and that what is called does not have."""
    root = workflow.path.partition(".github/")[0]

    def outputs(uses: str) -> Fields | None:
        target = posixpath.normpath(posixpath.join(root, uses))
        callee = _callee(own, by_path, target) if uses.startswith("./") else None
        return None if callee is None else callee.outputs

    of_jobs = {name: outputs(string(job.data, "uses")) for name, job in workflow.jobs.items()}
    for name, job in workflow.jobs.items():
        of_steps = {step.id: outputs(step.uses) for step in job.steps if step.id}
        for path, text in job.places(("jobs", name)):
            read = [(of_jobs.get(one), one, key) for one, key in _OF_JOB.findall(text)]
            read += [(of_steps.get(one), one, key) for one, key in _OF_STEP.findall(text)]
            for there, one, output in read:
                if there is not None and output.lower() not in {str(o).lower() for o in there}:
                    what = (
                        f"{name} reads the output {output} of {one}, which what it calls does not"
                    )
                    advice = did_you_mean(output, list(there)) if there else "add it"
                    yield Finding(workflow.at(*path), f"{what} have: it is empty; {advice}")


def _from_forks(workflow: Workflow) -> Iterator[Finding]:
    """Yield jobs of pull requests that need secrets, which those from forks do not get."""
    if "pull_request" not in workflow.written_triggers:  # what a caller asks first is not known
        return
    for name, job in workflow.jobs.items():
        if found := _SECRET.search(_unguarded(job)):
            what = f"{name} reads secrets.{found[1]}, which is empty in a pull request from a fork"
            advice = "leave it out there by `if`, or do that on push"
            yield Finding(workflow.at("jobs", name), f"{what}; {advice}", warning=True)


def _unguarded(job: Job) -> str:
    """Write together what a job reads where no condition may leave it out."""
    if _GUARDED.search(job.condition):
        return ""
    kept = [s for s in job.steps if not s.may_fail and not _GUARDED.search(s.condition)]
    return " ".join(str(part) for part in (job.data.get("env"), *(step.data for step in kept)))


GATE = Gate(
    id="PIP012",
    title="What a workflow calls is there, and is given what it requires",
    phase="delivery",
    source="https://docs.github.com/en/actions/sharing-automations/reusing-workflows: a run whose "
    "call has another input, or lacks one, ends before its first job",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("workflows", workflows),
    targets=("repository",),
    reads="workflows and actions of the same repository that are called by a path: inputs, secrets "
    "and outputs; secrets of jobs that pull requests start. Others' actions are not known.",
)
