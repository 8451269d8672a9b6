"""Pipelines of GitLab: their jobs, stages and images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, texts
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.gitlab_joined import inherited, joined, placed

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

    #: With the files that it includes.
    written: Artifact

    @property
    def jobs(self) -> dict[str, Fields]:
        """Its jobs with what they have of templates that are here; the templates left out."""
        return self._read[0]

    @property
    def artifact(self) -> Artifact:
        """What is in it, with the place of each part, also of those that jobs extend."""
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[dict[str, Fields], Artifact]:
        jobs, places = dict(self.written_jobs), dict(self.written.places)
        extending = [name for name, job in jobs.items() if "extends" in job]
        below = placed(self.written) if extending else {}
        for name in extending:
            if found := inherited(self.written.data, name, below):
                jobs[name] = found[0]
                places |= {(name, *path): at for path, at in found[1].items()}
        return jobs, replace(self.written, places=places)

    @cached_property
    def written_jobs(self) -> dict[str, Fields]:
        """Its jobs as they are written, those that are templates left out."""
        return {
            str(name): job
            for name, job in self.written.data.items()
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


@once
def gitlab_pipelines(files: Files) -> Iterator[GitlabPipeline]:
    """Yield the pipelines of GitLab."""
    known = {one.path: one for one in files.artifacts if isinstance(one.content, Mapping)}
    for path, artifact in known.items():
        if path.rpartition("/")[2] in (".gitlab-ci.yml", ".gitlab-ci.yaml"):
            yield GitlabPipeline(joined(artifact, known))


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
