"""Jobs of a GitLab pipeline name stages and jobs that exist, and images that do not move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import Fields, dig, fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files

#: Keys at the top of the file that are not jobs.
_GLOBAL = frozenset((
    "default", "include", "stages", "variables", "workflow", "image", "services", "cache", "spec",
    "before_script", "after_script", "types", "pages_default",
))  # fmt: skip
#: What there is where a file names no stages.
STAGES = (".pre", "build", "test", "deploy", ".post")

_RUNS = {"script", "trigger", "extends", "run", "<<"}


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that GitLab refuses, stages without jobs, and images of any day."""
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.jobs.items():
            for key, what in _job(pipeline, name, job):
                yield Finding(pipeline.artifact.at(name, key), f"job {name} {what}")
        yield from _stages(pipeline)
        for path, image in pipeline.images():
            tag = image.rpartition("/")[2].partition(":")[2]
            if tag in ("", "latest") and "@" not in image and "$" not in image:
                where = pipeline.artifact.at(*path)
                yield Finding(
                    where, f"{'.'.join(path)} is {image}, which is not a fixed version; pin one"
                )


def _job(pipeline: GitlabPipeline, name: str, job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    stage, stages = pipeline.stage(job), pipeline.stages
    if pipeline.is_whole and not _RUNS & job.keys():
        yield "script", "has no script, so GitLab refuses the pipeline; write one"
    known = pipeline.is_whole or "stages" in pipeline.artifact.data
    if stage is not None and stage not in stages and known:
        yield (
            "stage",
            f"uses stage {stage}, which is not in `stages`; {did_you_mean(stage, stages)}",
        )
    yield from _together(pipeline, job)
    for other, is_optional in needed(job):
        if other in pipeline.jobs:
            last = pipeline.stage(pipeline.jobs[other])
            if {stage, last} <= {*stages} and stages.index(str(last)) > stages.index(str(stage)):
                yield "needs", f"needs {other}, which is in the later stage {last}; swap them"
        elif pipeline.is_whole and not is_optional:
            advice = did_you_mean(other, pipeline.jobs.keys() - {name})
            yield "needs", f"needs {other}, which is not a job of this pipeline; {advice}"


def _together(pipeline: GitlabPipeline, job: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield keys of a job that rule each other out, and names of what is not there."""
    for key in ("only", "except"):
        if key in job and "rules" in job:
            yield key, f"has `{key}` beside `rules`, so GitLab refuses the pipeline; remove it"
    if "trigger" in job and "script" in job:
        yield "script", "starts another pipeline and has a script, which is refused; make it two"
    there = {str(name) for name, one in pipeline.artifact.data.items() if isinstance(one, Mapping)}
    for key in ("extends", "dependencies") if pipeline.is_whole else ():
        for other in texts(job.get(key)):
            if other not in there:
                what = f"has {other} in `{key}`, which is not here, so GitLab refuses the pipeline"
                yield key, f"{what}; {did_you_mean(other, sorted(there - _GLOBAL))}"


def _stages(pipeline: GitlabPipeline) -> Iterator[Finding]:
    used = {pipeline.stage(job) for job in pipeline.jobs.values()}
    listed = pipeline.stages[1:-1] if "stages" in pipeline.artifact.data else ()
    for number, stage in enumerate(listed):
        if pipeline.is_whole and stage not in used and None not in used:
            where = pipeline.artifact.at("stages", number)
            yield Finding(where, f"no job uses stage {stage}; remove it, or name it in a job")
    silent = [name for name, job in pipeline.jobs.items() if "stage" not in job]
    if len(silent) == 1 < len(pipeline.jobs) and pipeline.stage(pipeline.jobs[silent[0]]) == "test":
        what = f"job {silent[0]} has no `stage`, so it runs in `test`, where the others name theirs"
        yield Finding(pipeline.artifact.at(silent[0]), f"{what}, write it")


def _judged(files: Files) -> Iterator[Mapping[str, Any]]:
    for pipeline in gitlab_pipelines(files):
        yield from pipeline.jobs.values()


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
            if isinstance(job, Mapping) and name not in _GLOBAL and not str(name).startswith(".")
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


def needed(job: Fields) -> Iterator[tuple[str, bool]]:
    """Yield the jobs of its own pipeline that a job needs, and whether each is optional."""
    listed = dig(job, "needs")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, str):
            yield one, False
        elif isinstance(one, Mapping) and not {"pipeline", "project"} & one.keys():
            yield str(one.get("job")), bool(one.get("optional"))


GATE = Gate(
    id="PIP010",
    title="Jobs of a GitLab pipeline name stages and jobs that exist",
    phase="delivery",
    source="https://docs.gitlab.com/ci/yaml: one job of an unknown stage or with an unknown need "
    "stops the whole pipeline, and a merge request without a pipeline looks like one that passed",
    check=check,
    of_files=check,
    scope=counted_in_files("jobs", _judged),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="files that are called .gitlab-ci.yml. What they include is not read: with `include`, "
    "unknown jobs and scripts are not judged.",
)
