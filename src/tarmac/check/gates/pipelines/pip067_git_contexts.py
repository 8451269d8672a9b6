"""An image that an action builds of the commit needs nothing that a step before has made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import stages
from tarmac.check.gates.views.on_disk import text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.steps import Step
from tarmac.check.gates.views.pipelines.workflows import FOLDER, Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

_BUILDS = "docker/build-push-action@"


class GitContext(NamedTuple):
    """A step that builds an image of what the repository has, and not of the job's folder."""

    workflow: Workflow
    job: str
    step: int
    #: The Dockerfile, from the root of the repository.
    dockerfile: str


def check(files: Files) -> Iterator[Finding]:
    """Yield builds that copy what git ignores, and a step before them makes."""
    by_path = {one.path: one for one in files.artifacts}
    for one in _built(files):
        root = one.workflow.path.partition(FOLDER)[0]
        artifact = by_path.get(f"{root}{one.dockerfile}")
        ignored = _ignored(files, root)
        for source in _copied(str(artifact.content)) if artifact and ignored else ():
            if any(fnmatchcase(source.split("/")[0], pattern) for pattern in ignored):
                what = (
                    f"{one.job} names no context, so {one.dockerfile} is built of the commit, and"
                )
                why = f"copies {source}, which git ignores: what a step before makes is not there"
                where = one.workflow.at("jobs", one.job, "steps", one.step)
                yield Finding(where, f"{what} {why}; write context: .")
                break


@once
def _built(files: Files) -> Iterator[GitContext]:
    for workflow in workflows(files):
        for name, job in workflow.jobs.items():
            for number, step in enumerate(job.steps):
                if step.uses.startswith(_BUILDS) and "context" not in step.inputs:
                    file = str(step.inputs.get("file") or "Dockerfile").removeprefix("./")
                    if "$" not in file and number and _makes(job.steps[:number]):
                        yield GitContext(workflow, name, number, file)


def _makes(before: Sequence[Step]) -> bool:
    """Tell whether a step before may make files: a script, or what brings some."""
    return any(step.has_script or "download-artifact" in step.uses for step in before)


def _ignored(files: Files, root: str) -> list[str]:
    """List what git ignores at the root, of names without a folder above."""
    lines = (text_on_disk(files, f"{root}.gitignore") or "").splitlines()
    found = [line.strip().strip("/") for line in lines if line.strip()[:1] not in ("", "#", "!")]
    return [one for one in found if "/" not in one and not one.startswith("*")]


def _copied(text: str) -> Iterator[str]:
    """Yield what a Dockerfile copies of its context."""
    for stage in stages(text):
        for one in stage.instructions:
            if one.copies_context and "<<" not in one.rest:
                for word in one.operands[:-1]:
                    yield word.removeprefix("./").removeprefix("/")


GATE = Gate(
    id="PIP067",
    title="An image that is built of the commit needs nothing that a step has made",
    phase="delivery",
    source="https://github.com/docker/build-push-action#git-context: without `context` it builds "
    "of the repository's commit, and no change by a step before is in it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("builds of the commit behind other steps", _built),
    targets=("repository",),
    reads="steps of docker/build-push-action without context, beside COPY of their Dockerfile and "
    "the names in .gitignore.",
)
