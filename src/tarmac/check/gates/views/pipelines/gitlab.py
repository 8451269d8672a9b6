"""Pipelines of GitLab: their jobs, stages and images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, texts
from tarmac.check.gates.subject import Files

#: Keys at the top of the file that are not jobs.
GLOBAL = frozenset((
    "default", "include", "stages", "variables", "workflow", "image", "services", "cache", "spec",
    "before_script", "after_script", "types", "pages_default",
))  # fmt: skip
#: What there is where a file names no stages.
STAGES = (".pre", "build", "test", "deploy", ".post")


@dataclass(frozen=True)
class GitlabPipeline:
    """One file .gitlab-ci.yml."""

    artifact: Artifact

    @cached_property
    def jobs(self) -> dict[str, Fields]:
        """Its jobs, those that are templates left out."""
        return {
            str(name): job
            for name, job in self.artifact.data.items()
            if isinstance(job, Mapping) and name not in GLOBAL and not str(name).startswith(".")
        }

    @property
    def stages(self) -> tuple[str, ...]:
        """Its stages; GitLab's own where it names none."""
        written = tuple(texts(self.artifact.data.get("stages")))
        return (".pre", *written, ".post") if written else STAGES

    @property
    def is_whole(self) -> bool:
        """Whether all of it is in this file."""
        return "include" not in self.artifact.data

    def stage(self, job: Fields) -> str | None:
        """Read a job's stage; None: a template or a file elsewhere may say it."""
        if (written := dig(job, "stage")) is not None:
            return str(written)
        return None if "extends" in job or "<<" in job or not self.is_whole else "test"

    def images(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Yield the images that jobs run in, with their places."""
        holders: dict[tuple[str, ...], Any] = {(): self.artifact.data}
        holders[("default",)] = fields(self.artifact.data, "default")
        holders |= {(name,): job for name, job in self.jobs.items()}
        for path, holder in holders.items():
            image = dig(holder, "image")
            name = dig(image, "name") if isinstance(image, Mapping) else image
            if isinstance(name, str):
                yield (*path, "image"), name


def gitlab_pipelines(files: Files) -> Iterator[GitlabPipeline]:
    """Yield the pipelines of GitLab."""
    for artifact in files.artifacts:
        is_named = artifact.path.rpartition("/")[2] in (".gitlab-ci.yml", ".gitlab-ci.yaml")
        if is_named and isinstance(artifact.content, Mapping):
            yield GitlabPipeline(artifact)


def gitlab_jobs(files: Files) -> Iterator[Fields]:
    """Yield the jobs of every pipeline of GitLab."""
    for pipeline in gitlab_pipelines(files):
        yield from pipeline.jobs.values()


def needed(job: Fields) -> Iterator[tuple[str, bool]]:
    """Yield the jobs of its own pipeline that a job needs, and whether each is optional."""
    listed = dig(job, "needs")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            yield one, False
        elif isinstance(one, Mapping) and not {"pipeline", "project", "!reference"} & one.keys():
            yield str(one.get("job")), bool(one.get("optional"))
