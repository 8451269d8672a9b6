"""Commands as gates read them: lines of scripts, of make's recipes and of a pipeline's steps."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflow_of
from tarmac.check.gates.views.shapes.kept import kept

_SCRIPT = re.compile(r"(?:\.(?:sh|bash|mk)|(?:^|/)Makefile)$")
#: Commands of a README or runbook, which people type.
_FENCE = re.compile(r"^```(?:bash|sh|shell|console)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
#: Pages that are kept, whose commands nothing types any more.
_KEPT = re.compile(r"(?:^|/)(?:archived?|attic|obsolete|old)(?:[-_.][^/]*)?/", re.IGNORECASE)
_COMMENT = re.compile(r"(?:^|\s)#.*$")


@dataclass(frozen=True)
class Command:
    """One line of a shell, what goes on in the next one joined."""

    where: str
    text: str


@once
def commands(files: Files) -> Iterator[Command]:
    """Yield every line that a shell would run, those that a page gives to type among them."""
    for artifact in files.artifacts:
        if (workflow := workflow_of(files, artifact)) is not None:
            for job in workflow.jobs:
                for _, found in steps(workflow, job):
                    yield from found
        else:
            yield from _written(artifact)


@kept
def _written(artifact: Artifact) -> tuple[Command, ...]:
    """List the commands of a script, or those of a page: several gates ask, of many trees."""
    text = artifact.content if isinstance(artifact.content, str) else ""
    if _SCRIPT.search(artifact.path):
        return tuple(lines(artifact.path, text, 1))
    found: list[Command] = []
    is_page = artifact.path.endswith(".md") and not _KEPT.search(artifact.path)
    for fence in _FENCE.finditer(text) if is_page else ():
        first = text.count("\n", 0, fence.start(1)) + 1
        found += lines(artifact.path, fence[1], first)
    return tuple(found)


def steps(workflow: Workflow, job: str) -> Iterator[tuple[Step, list[Command]]]:
    """Yield the steps of a job that run something, each with its commands."""
    for number, step in enumerate(workflow.jobs[job].steps):
        if step.has_script:
            path, _, line = workflow.at("jobs", job, "steps", number, "run").rpartition(":")
            # A block's text begins below its key.
            yield step, list(lines(path, step.run, int(line) + ("\n" in step.run)))


def lines(path: str, text: str, first: int) -> Iterator[Command]:
    """Yield the commands of a text whose first line has this number in its file."""
    joined, begun = "", first
    for number, line in enumerate(text.splitlines(), start=first):
        begun = begun if joined else number
        rest = _COMMENT.sub("", line).strip()
        joined += rest.removesuffix("\\") + " "
        if not rest.endswith("\\"):
            if joined.strip():
                yield Command(f"{path}:{begun}", joined.strip())
            joined = ""
