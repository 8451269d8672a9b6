"""Reads GitHub's workflows, rendered or a team's own; the gates of pipelines share it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tarmac.artifact import Artifact, read, write
from tarmac.foreign.data import first, from_json
from tarmac.foreign.files import text as file_text
from tarmac.gates.gate import Files
from tarmac.gates.views.file_shapes import fitted
from tarmac.gates.views.objects import dig
from tarmac.gates.views.shapes import texts_in

FOLDER = ".github/workflows/"
#: Fields of an event that the author of an issue or a pull request chooses.
CHOSEN = re.compile(
    r"github\.(?:head_ref"
    r"|event\.(?:issue|pull_request|discussion|comment|review|review_comment)"
    r"\.(?:title|body|user\.login)"
    r"|event\.pull_request\.head\.(?:ref|label|repo\.default_branch)"
    r"|event\.(?:head_commit|commits\[?[^\]]*\]?)\.(?:message|author\.(?:name|email))"
    r"|event\.workflow_run\.(?:head_branch|display_title|head_commit\.message))"
)


#: Which variable of a matrix lists what another job found, and the step that found it.
_OUTPUT = re.compile(r"needs\.([\w-]+)\.outputs\.([\w-]+)")
_STEP = re.compile(r"steps\.([\w-]+)\.outputs\.")

#: Where a command goes, or has another program go, by a variable of its matrix.
_CD = re.compile(
    r"(?:\bcd|--prefix|--directory|-C)[ =]+\"?([^\s\"&;]*\$\{\{\s*matrix\.[\w-]+\s*\}\}[^\s\"&;]*)"
)
_VARIABLE = re.compile(r"\$\{\{\s*matrix\.([\w-]+)\s*\}\}")


@dataclass(frozen=True)
class Workflow:
    """One file of GitHub's Actions."""

    #: What is in it, with the line of each part.
    artifact: Artifact
    #: As it stands on disk, comments included.
    text: str

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
        """What starts it: name -> what is said of that."""
        # YAML 1.1 reads the key `on` as true.
        said = self.data.get("on", self.data.get(True))
        if isinstance(said, str):
            return {said: {}}
        if isinstance(said, list):
            return {str(event): {} for event in said}
        return (
            {str(n): trigger or {} for n, trigger in said.items()} if isinstance(said, dict) else {}
        )

    @property
    def jobs(self) -> dict[str, Mapping[str, Any]]:
        """Its jobs, by id."""
        found = self.data.get("jobs")
        if not isinstance(found, Mapping):
            return {}
        return {str(name): item for name, item in found.items() if isinstance(item, Mapping)}

    def at(self, *path: str | int) -> str:
        """Say where a part stands: `file:line` of it, or of the nearest above."""
        return self.artifact.at(*path)

    def line(self, text: str) -> str:
        """Say where a text stands first: `file:line`."""
        lines = self.text.splitlines()
        number = next((n for n, line in enumerate(lines, 1) if text in line), 0)
        return f"{self.path}:{number}" if number else self.path

    def folders(self, job: str, step: Mapping[str, Any], so_far: str) -> dict[str, str]:
        """Find the folder that a step is in by each value of a matrix; none where it names none.

        Args:
            so_far: its commands up to the one that is asked for.
        """
        shared = dig(self.jobs[job], "defaults", "run", "working-directory")
        own = str(step.get("working-directory") or shared or "")
        folder = [own, *_CD.findall(so_far)][-1]
        if not (variable := _VARIABLE.search(folder)):
            return {}
        root = self.path.partition(FOLDER)[0]
        values = self.values(job, variable[1])
        return {value: root + folder.replace(variable[0], value).strip("/") for value in values}

    def values(self, job: str, variable: str) -> list[str]:
        """List what a variable of a job's matrix may be: written there, or another's filters."""
        given = dig(self.jobs[job], "strategy", "matrix", variable)
        if isinstance(given, list):
            return [str(item) for item in given]
        found = _OUTPUT.search(str(given or ""))
        other = self.jobs.get(found[1], {}) if found else {}
        source = _STEP.search(str(dig(other, "outputs", found[2]) or "")) if found else None
        which = [step for step in steps(other) if source and step.get("id") == source[1]]
        return [str(path_filter) for path_filter in filters(which[0])] if which else []


def workflows(files: Files) -> Iterator[Workflow]:
    """Yield every workflow there is; one that is no YAML is for another gate to say."""
    for artifact in files.artifacts:
        if (found := workflow_of(files, artifact)) is not None:
            yield found


def workflow_of(files: Files, artifact: Artifact) -> Workflow | None:
    """Read a file as a workflow, with the lines of its parts; None where it is none."""
    if FOLDER not in artifact.path or not artifact.path.endswith((".yml", ".yaml")):
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
    return Workflow(fitted(artifact), text) if "jobs" in artifact.data else None


def _text(files: Files, artifact: Artifact) -> str:
    if files.folder is not None and (files.folder / artifact.path).is_file():
        return file_text(files.folder / artifact.path)
    if isinstance(artifact.content, str):
        return artifact.content
    return write(artifact, "Rendered")


def needs(job: Mapping[str, Any]) -> tuple[str, ...]:
    """List the jobs that a job waits for."""
    return tuple(texts_in(job.get("needs")))


def steps(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List a job's steps."""
    return [step for step in job.get("steps") or () if isinstance(step, Mapping)]


def filters(step: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read the filters that a step of dorny/paths-filter has, by their names; none elsewhere."""
    found = dig(step, "with", "filters")
    found = first(found) if isinstance(found, str) else found
    return found if isinstance(found, Mapping) else {}


def named(step: Mapping[str, Any]) -> str:
    """Name a step for a reader."""
    said = str(step.get("name") or step.get("uses") or step.get("run") or "").strip()
    return said.splitlines()[0][:60] if said else "a step"


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, however deep."""
    yield from (text for _, text in places(value))


def places(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield every text in a value with its path, however deep."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from places(item, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


def data_of(files: Files, path: str) -> Any:
    """Read a file of the tree that is JSON; None where it is not there or is none."""
    for artifact in files.artifacts:
        if artifact.path == path:
            if not isinstance(artifact.content, str):
                return artifact.content
            try:
                read_data = from_json(artifact.content)
            except ValueError:
                return None
            is_mapping = isinstance(read_data, Mapping)
            return fitted(replace(artifact, content=read_data)).data if is_mapping else read_data
    return None
