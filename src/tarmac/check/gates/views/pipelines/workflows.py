"""GitHub's workflows, rendered or a team's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import yaml

from tarmac.base.artifact import Artifact, read, write
from tarmac.base.foreign.files import text as file_text
from tarmac.base.foreign.reading import fields, places
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.called_workflows import triggers_of, with_callers
from tarmac.check.gates.views.pipelines.inlined_actions import inlined, own_actions
from tarmac.check.gates.views.pipelines.jobs import Job, writable
from tarmac.check.gates.views.shapes.fitting import fitted

FOLDER = ".github/workflows/"


@dataclass(frozen=True)
class Workflow:
    """One file of GitHub's Actions."""

    #: What is in it, with the line of each part.
    artifact: Artifact
    #: As it stands on disk, comments included.
    text: str
    #: Before its callers gave it theirs; None: nothing here calls it.
    written: Artifact | None = None

    @property
    def path(self) -> str:
        """Where it is."""
        return self.artifact.path

    @property
    def data(self) -> Mapping[Any, Any]:
        """What is in it."""
        return self.artifact.data

    @property
    def triggers(self) -> Mapping[str, Any]:
        """What starts it, or its callers here: name -> what is said of that."""
        return triggers_of(self.data)

    @property
    def written_triggers(self) -> Mapping[str, Any]:
        """What starts it by its own file, `workflow_call` included."""
        return triggers_of((self.written or self.artifact).data)

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """Its jobs, by id."""
        found = fields(self.data, "jobs")
        return {str(n): Job(job) for n, job in found.items() if isinstance(job, Mapping)}

    @property
    def has_permissions(self) -> bool:
        """Whether it says what all of its jobs may do."""
        return "permissions" in self.data

    @property
    def writes(self) -> list[str]:
        """What all of its jobs may write to: `everything`, or scopes."""
        return writable(self.data.get("permissions"))

    @property
    def has_concurrency(self) -> bool:
        """Whether it says which of its runs end others."""
        return "concurrency" in self.data

    @property
    def texts(self) -> Iterator[str]:
        """Yield every text in it."""
        yield from (text for _, text in places(self.data))

    def at(self, *path: str | int) -> str:
        """Return where a part stands: `file:line` of it, or of the nearest above."""
        return self.artifact.at(*path)

    def line(self, text: str) -> str:
        """Return where a text stands first: `file:line`."""
        lines = self.text.splitlines()
        number = next((n for n, line in enumerate(lines, 1) if text in line), 0)
        return f"{self.path}:{number}" if number else self.path


@once
def workflows(files: Files) -> Iterator[Workflow]:
    """Yield every workflow there is; one that is not YAML is for another gate to say."""
    own = [one for file in files.artifacts if (one := workflow_of(files, file)) is not None]
    for one, told in zip(own, with_callers([one.artifact for one in own]), strict=True):
        yield one if told is one.artifact else Workflow(told, one.text, one.artifact)


def jobs(files: Files) -> Iterator[Job]:
    """Yield the jobs of every workflow."""
    for workflow in workflows(files):
        yield from workflow.jobs.values()


def workflow_of(files: Files, artifact: Artifact) -> Workflow | None:
    """Read a file as a workflow, with the lines of its parts; None where it is none."""
    name = artifact.path.rpartition(FOLDER)[2] if FOLDER in artifact.path else "/"
    if "/" in name or not name.endswith((".yml", ".yaml")):  # GitHub reads no folder below
        return None
    text = _text(files, artifact)
    if not artifact.lines:
        try:
            found = next(read(artifact.path, text), None)
        except yaml.YAMLError:
            return None
        if found is None:
            return None
        artifact = replace(artifact, content=found.content, lines=found.lines)
    own = "jobs" in artifact.data and inlined(fitted(artifact), dict(own_actions(files)))
    return Workflow(own, text) if own else None


def _text(files: Files, artifact: Artifact) -> str:
    place = on_disk(files, artifact.path)
    if place is not None and place.is_file():
        return file_text(place)
    return artifact.content if isinstance(artifact.content, str) else write(artifact, "Rendered")
