"""Jobs of a GitLab pipeline name stages and jobs that exist, and images that do not move."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.errors import did_you_mean
from tarmac.base.foreign.reading import items, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.pipelines.gitlab import (
    GLOBAL,
    GitlabPipeline,
    gitlab_jobs,
    gitlab_pipelines,
    needed,
)
from tarmac.check.gates.views.scope import counted_in_files

_SCRIPTS = ("before_script", "script", "after_script")
#: Keys at the top that hold no scripts.
_NO_JOBS = GLOBAL - {"default"}
_RUNS = {"script", "trigger", "extends", "run", "<<"}


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that GitLab refuses, stages without jobs, and images of any day."""
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.jobs.items():
            for key, what in _job(pipeline, name, job):
                yield Finding(pipeline.artifact.at(name, key), f"job {name} {what}")
        yield from _lines(pipeline)
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
    known = known and not any(map(is_mark, (stage, *stages)))
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
        elif pipeline.is_whole and not is_optional and not is_mark(other):
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
            if other not in there and not is_mark(other):
                what = f"has {other} in `{key}`, which is not here, so GitLab refuses the pipeline"
                yield key, f"{what}; {did_you_mean(other, sorted(there - GLOBAL))}"


def _lines(pipeline: GitlabPipeline) -> Iterator[Finding]:
    """Yield lines of scripts that YAML does not read as texts."""
    holders = {name: one for name, one in pipeline.artifact.data.items() if name not in _NO_JOBS}
    for name, job in ({"": pipeline.artifact.data} | holders).items():
        for key in _SCRIPTS:
            for number, line in enumerate(items(job, key)):
                path = (*((name,) if name else ()), key, number)
                if isinstance(line, Mapping) and line and not {"!reference", "<<"} & line.keys():
                    read = f"the map of {str(next(iter(line)))[:40]!r}, for the `: ` in it"
                elif isinstance(line, bool):
                    read = f"{str(line).lower()}, which is not a text"
                else:
                    continue
                what = f"{name or 'the file'} has a line in `{key}` that YAML reads as {read}"
                where = pipeline.artifact.at(*path)
                yield Finding(where, f"{what}: GitLab refuses the pipeline; quote the line")


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


GATE = Gate(
    id="PIP010",
    title="Jobs of a GitLab pipeline name stages and jobs that exist",
    phase="delivery",
    source="https://docs.gitlab.com/ci/yaml: one job of an unknown stage or with an unknown need "
    "stops the whole pipeline, and a merge request without a pipeline looks like one that passed",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="files that are called .gitlab-ci.yml. What they include is not read: with `include`, "
    "unknown jobs and scripts are not judged.",
)
