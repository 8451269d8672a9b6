"""Jobs of a GitLab pipeline have those that they need, and wait for what is to stop them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import (
    GitlabPipeline,
    gitlab_jobs,
    gitlab_pipelines,
    needed,
)
from tarmac.check.gates.views.pipelines.gitlab_rules import PIPELINES, is_there
from tarmac.check.gates.views.scope import counted_in_files

#: A job that is there to be confirmed by a person, by its name and by what it does.
_CONFIRMS = re.compile(
    r"(^|[-_:. ])(approv\w*|confirm\w*|gate|go[-_]?live|hold|sign[-_]?off)\b", re.IGNORECASE
)
_NOTHING = re.compile(r"\s*(echo\b[^|&;]*|true|:|exit 0)\s*")


def check(files: Files) -> Iterator[Finding]:
    """Yield needs that a kind of pipeline lacks, and approvals that nothing waits for."""
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.jobs.items():
            yield from _needs(pipeline, name, job)
            yield from _approvals(pipeline, name, job)


def _needs(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    for other, is_optional in needed(job):
        there = pipeline.jobs.get(other)
        if there is None or is_optional:
            continue
        for kind in PIPELINES:
            if is_there(pipeline, job, kind) and is_there(pipeline, there, kind) is False:
                what = f"job {name} is in the pipeline of {kind}, and {other}, which it needs, is"
                advice = "not: GitLab makes no such pipeline; give both the same rules, or write"
                where = pipeline.artifact.at(name, "needs")
                yield Finding(where, f"{what} {advice} `optional: true`")
                break
            if is_there(pipeline, job, kind, changed=False) and (
                is_there(pipeline, there, kind, changed=False) is False
            ):
                what = (
                    f"job {name} is in each pipeline of {kind}, and {other}, which it needs, only"
                )
                advice = "where its `changes` did: GitLab makes no such pipeline; write"
                where = pipeline.artifact.at(name, "needs")
                yield Finding(where, f"{what} {advice} `optional: true`")
                break


def _approvals(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield jobs that a person starts, behind which the next stage runs all the same."""
    stage, stages = pipeline.stage(job), pipeline.stages
    does_nothing = all(_NOTHING.fullmatch(line) for line in texts(job.get("script"))) and job.get(
        "script"
    )
    if (
        job.get("when") != "manual"  # in `rules`, a job stops the next stage
        or job.get("allow_failure") is False
        or not (_CONFIRMS.search(name) or does_nothing)
        or stage not in stages
    ):
        return
    later = [
        other
        for other, one in pipeline.jobs.items()
        if pipeline.stage(one) in stages[stages.index(str(stage)) + 1 :]
        and one.get("when") != "manual"
        and "needs" not in one
    ]
    if later:
        what = f"job {name} may fail, as `when: manual` allows, so GitLab does not wait for it:"
        advice = f"{later[0]} runs without it; write `allow_failure: false`"
        yield Finding(pipeline.artifact.at(name, "when"), f"{what} {advice}")


GATE = Gate(
    id="PIP018",
    title="Jobs of a GitLab pipeline have what they need, and wait for approvals",
    phase="delivery",
    source="https://docs.gitlab.com/ci/jobs/job_control: a manual job outside of rules may fail, "
    "so the next stage does not wait; https://docs.gitlab.com/ci/yaml/#needs: a job without what "
    "it needs stops the pipeline",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="files that are called .gitlab-ci.yml: `rules`, `only` and `except` in pipelines of a "
    "tag, of the default branch and of a merge request. Jobs that extend others, and conditions "
    "on variables of a project, are not judged.",
)
