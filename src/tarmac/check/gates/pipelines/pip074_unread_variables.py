"""What no shell reads in a workflow has no variables of a shell in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import Path, dig, fields, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.jobs import Job
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_VARIABLE = re.compile(r"(?<![\\$])\$\{?([A-Z][A-Z0-9_]*)(?:[#%:/][^}]*)?\}?")
_EXPRESSION = re.compile(r"\$\{\{.*?\}\}", re.DOTALL)
#: What each runner has.
_GIVEN = re.compile(r"GITHUB_[A-Z_]+|RUNNER_[A-Z_]+|HOME|PWD")
_CONTEXT = re.compile(r"(GITHUB|RUNNER)_(.*)")
_WRITTEN = re.compile(r"\b([A-Z][A-Z0-9_]*)=[^\n]*GITHUB_ENV")
#: What reads a value for a second time.
_AGAIN = re.compile(
    r"\b(?:eval|envsubst)\b|\b(?:ba)?sh\s+-\w*c\b|expandvars|expandenv", re.IGNORECASE
)
_PUT_IN = re.compile(r"\benv(?:\.|\[')(\w+)")
#: Parts of a job that GitHub reads itself.
_PLAIN: tuple[Path, ...] = (
    ("container",), ("services",), ("runs-on",), ("concurrency",), ("environment",), ("outputs",),
    ("defaults", "run", "working-directory"),
)  # fmt: skip


class UnreadText(NamedTuple):
    """A text that no shell reads."""

    workflow: Workflow
    #: Empty: all of them.
    job: str
    path: Path
    text: str
    #: What takes it as it stands.
    reader: str
    #: Whether a program may still read the variables in it.
    is_open: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield names of variables that stay in a text."""
    for one in _texts(files):
        known = _known(one.workflow, one.workflow.jobs.get(one.job))
        plain = _EXPRESSION.sub("", one.text)
        found = (name for name in _VARIABLE.findall(plain) if _is_known(name, known))
        if (name := next(found, None)) is not None:
            owner, advice = one.job or "the workflow", _instead(name, "steps" in one.path)
            what = f"{owner} gives {one.reader} ${name}, and no shell reads it there, so that text"
            said = f"{what} is what it gets; write {advice}"
            yield Finding(one.workflow.at(*one.path), said, warning=one.is_open)


def _is_known(name: str, known: set[str]) -> bool:
    return name in known or _GIVEN.fullmatch(name) is not None


def _instead(name: str, is_on_runner: bool) -> str:
    """Say what stands for a variable; what only a runner knows, nothing before its steps."""
    context = _CONTEXT.fullmatch(name)
    if context and (is_on_runner or context[1] == "GITHUB"):
        return f"${{{{ {context[1].lower()}.{context[2].lower()} }}}}"
    if name == "PWD":
        return "${{ github.workspace }}"
    return f"${{{{ env.{name} }}}}" if is_on_runner and name != "HOME" else "its value"


@once
def _texts(files: Files) -> Iterator[UnreadText]:
    for workflow in workflows(files):
        yield from _environment(workflow, "", workflow.data, ())
        for name, job in workflow.jobs.items():
            at: Path = ("jobs", name)
            for part in _PLAIN:
                for path, text in places(dig(job.data, *part), (*at, *part)):
                    # The first are others' variables, the second have commands of a shell.
                    if not {"env", "options"} & {*path[3:]}:
                        yield UnreadText(workflow, name, path, text, str(part[0]), False)
            for number, step in enumerate(job.steps):
                for key in _inputs(step):
                    path = (*at, "steps", number, "with", key)
                    text = str(step.inputs[key])
                    yield UnreadText(workflow, name, path, text, f"the input {key}", False)
                yield from _environment(workflow, name, step.data, (*at, "steps", number))
            yield from _environment(workflow, name, job.data, at)


def _environment(
    workflow: Workflow, job: str, data: Mapping[Any, Any], at: Path
) -> Iterator[UnreadText]:
    """Yield values of variables, where no command of the job reads them for a second time."""
    given = fields(data, "env")
    if not given or any(map(_AGAIN.search, (workflow.jobs[job] if job else workflow).texts)):
        return
    # An expression puts the text into a command, whose shell reads what is in it.
    put = {name for text in workflow.texts for name in _PUT_IN.findall(text)}
    for name, value in given.items():
        # With a space it is a command, or a text that is filled in.
        if str(name) in put or not isinstance(value, str):
            continue
        if not re.search(r"\s|\$\(", _EXPRESSION.sub("", value)):
            path = (*at, "env", str(name))
            yield UnreadText(workflow, job, path, value, f"the variable {name}", True)


def _inputs(step: Step) -> list[str]:
    """List the inputs of an action that it takes as they stand."""
    name = step.uses.partition("@")[0].lower()
    for one in published("plain_inputs")["actions"]:
        if re.fullmatch(one["uses"], name):
            return [str(key) for key in step.inputs if re.fullmatch(one["inputs"], str(key))]
    return []


def _known(workflow: Workflow, job: Job | None) -> set[str]:
    """Name the variables that a workflow sets for the commands of a job."""
    steps = job.steps if job else []
    holders = [workflow.data, *([job.data] if job else []), *(step.data for step in steps)]
    known = {str(name) for one in holders for name in fields(one, "env")}
    return known | {name for step in steps for name in _WRITTEN.findall(step.run)}


GATE = Gate(
    id="PIP074",
    title="What no shell reads in a workflow has no variables of a shell in it",
    phase="delivery",
    source="https://docs.github.com/en/actions/reference/workflows-and-actions/contexts"
    "#determining-when-to-use-contexts: variables are read on the runner, in commands; elsewhere "
    "an expression is",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("texts that no shell reads", _texts),
    targets=("repository",),
    reads="inputs of the actions that assets/published.yaml lists, images, runners, groups and "
    "outputs of jobs, and values of `env`: variables of GitHub and of the workflow itself. What "
    "reads a value of `env` may put others in, so these are warnings.",
)
