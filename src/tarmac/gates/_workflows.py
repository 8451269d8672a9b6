"""Reads GitHub's workflows, rendered or a team's own; the gates of pipelines share it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tarmac.artifact import Artifact, write
from tarmac.gates._gate import Subject

FOLDER = ".github/workflows/"
#: What of an event anybody may choose who opens an issue or a pull request.
CHOSEN = re.compile(
    r"github\.(?:head_ref"
    r"|event\.(?:issue|pull_request|discussion|comment|review|review_comment)"
    r"\.(?:title|body|user\.login)"
    r"|event\.pull_request\.head\.(?:ref|label|repo\.default_branch)"
    r"|event\.(?:head_commit|commits\[?[^\]]*\]?)\.(?:message|author\.(?:name|email))"
    r"|event\.workflow_run\.(?:head_branch|display_title|head_commit\.message))"
)


@dataclass(frozen=True)
class Workflow:
    """One file of GitHub's Actions."""

    path: str
    data: Mapping[Any, Any]
    #: As it stands on disk, comments included.
    text: str

    @property
    def triggers(self) -> Mapping[str, Any]:
        """What starts it: name -> what is said of that."""
        # YAML 1.1 reads the key `on` as true.
        said = self.data.get("on", self.data.get(True))
        if isinstance(said, str):
            return {said: {}}
        if isinstance(said, list):
            return {str(each): {} for each in said}
        return {str(n): each or {} for n, each in said.items()} if isinstance(said, dict) else {}

    @property
    def jobs(self) -> dict[str, Mapping[str, Any]]:
        """Its jobs, by id."""
        found = self.data.get("jobs")
        if not isinstance(found, Mapping):
            return {}
        return {str(name): each for name, each in found.items() if isinstance(each, Mapping)}

    def line(self, text: str) -> str:
        """Say where a text stands first: `file:line`."""
        lines = self.text.splitlines()
        number = next((n for n, line in enumerate(lines, 1) if text in line), 0)
        return f"{self.path}:{number}" if number else self.path


def workflows(subject: Subject) -> Iterator[Workflow]:
    """Yield every workflow of the tree; one that is no YAML is for another gate to say."""
    for artifact in subject.artifacts:
        if artifact.path.startswith(FOLDER) and artifact.path.endswith((".yml", ".yaml")):
            text = _text(subject, artifact)
            data: Any = artifact.content
            if isinstance(data, str):
                try:
                    data = yaml.load(data, yaml.CSafeLoader)
                except yaml.YAMLError:
                    continue
            if isinstance(data, Mapping) and "jobs" in data:
                yield Workflow(artifact.path, data, text)


def _text(subject: Subject, artifact: Artifact) -> str:
    if subject.folder is not None and (subject.folder / artifact.path).is_file():
        return (subject.folder / artifact.path).read_text(encoding="utf-8")
    if isinstance(artifact.content, str):
        return artifact.content
    return write(artifact, "Rendered")


def needs(job: Mapping[str, Any]) -> tuple[str, ...]:
    """List the jobs that a job waits for."""
    said = job.get("needs") or ()
    return (said,) if isinstance(said, str) else tuple(map(str, said))


def steps(job: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """List a job's steps."""
    return [each for each in job.get("steps") or () if isinstance(each, Mapping)]


def named(step: Mapping[str, Any]) -> str:
    """Name a step for a reader."""
    said = str(step.get("name") or step.get("uses") or step.get("run") or "").strip()
    return said.splitlines()[0][:60] if said else "a step"


def texts(value: Any) -> Iterator[str]:
    """Yield every text in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts(each)


def data_of(subject: Subject, path: str) -> Any:
    """Read a file of the tree that is JSON; None where it is not there or is none."""
    for artifact in subject.artifacts:
        if artifact.path == path:
            if not isinstance(artifact.content, str):
                return artifact.content
            try:
                return json.loads(artifact.content)
            except ValueError:
                return None
    return None
