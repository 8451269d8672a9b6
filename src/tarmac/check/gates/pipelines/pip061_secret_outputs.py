"""Outputs that other jobs read hold no secret, which GitHub leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_SECRET = re.compile(r"\$\{\{\s*secrets\.(\w+)\s*\}\}")
_OF_STEP = re.compile(r"\$\{\{\s*steps\.([\w-]+)\.outputs\.([\w-]+)\s*\}\}")
#: A line that sets an output to a text, as it stands or with variables.
_SETS = re.compile(
    r"^[ \t]*(?:echo|printf)\s+(?:-\w+\s+)?[\"']?([\w-]+)=([^|;&\n]*?)[\"']?\s*>>\s*"
    r"[\"']?\$\{?GITHUB_OUTPUT\b",
    re.MULTILINE,
)
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_COMMAND = re.compile(r"\$\([^)]*\)|`[^`]*`")


class SecretOutput(NamedTuple):
    """An output of a job, and the secret that is in it."""

    workflow: Workflow
    job: str
    output: str
    secret: str


def check(files: Files) -> Iterator[Finding]:
    """Yield outputs that other jobs read and that are always empty there."""
    for one in _outputs(files):
        read = f"needs.{one.job}.outputs.{one.output}"
        readers = [
            name
            for name, job in one.workflow.jobs.items()
            if any(re.search(rf"\b{re.escape(read)}(?![\w-])", text) for text in job.texts)
        ]
        if one.secret and readers:
            what = f"the output {one.output} of {one.job} contains the secret {one.secret}: GitHub"
            said = f"{what} leaves it out, so it is empty in {readers[0]}; hand on the rest, and"
            where = one.workflow.at("jobs", one.job, "outputs", one.output)
            yield Finding(where, f"{said} put the secret in there")


@once
def _outputs(files: Files) -> Iterator[SecretOutput]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for output, value in job.outputs.items():
                yield SecretOutput(workflow, name, str(output), _secret(workflow, job, str(value)))


def _secret(workflow: Workflow, job: Job, value: str) -> str:
    """Name the secret that an output contains; "" where none is known to."""
    if found := _SECRET.search(value):
        return found[1]
    for asked, output in _OF_STEP.findall(value):
        for step in job.steps:
            if step.id != asked or not step.has_script:
                continue
            given = {**_env(workflow.data), **_env(job.data), **_env(step.data)}
            lines = [told for name, told in _SETS.findall(step.run) if name == output]
            # Where another line sets it, too, that one may be taken.
            secrets = [_told(told, given, step.run) for told in lines]
            return secrets[0] if secrets and all(secrets) else ""
    return ""


def _told(told: str, given: Mapping[str, str], script: str) -> str:
    plain = _COMMAND.sub("", told)
    if found := _SECRET.search(plain):
        return found[1]
    for braced, bare in _VARIABLE.findall(plain):
        name = braced or bare
        found = _SECRET.search(given.get(name, ""))
        if found and not re.search(rf"\b{name}=", script):
            return found[1]
    return ""


def _env(data: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in fields(data, "env").items()}


GATE = Gate(
    id="PIP061",
    title="Outputs that other jobs read hold no secret, which GitHub leaves out",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#"
    "jobsjob_idoutputs: an output that may contain a secret is not sent to other jobs",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("outputs of jobs", _outputs),
    targets=("repository",),
    reads="`outputs` of jobs, the lines of scripts that set them, and the variables in these.",
)
