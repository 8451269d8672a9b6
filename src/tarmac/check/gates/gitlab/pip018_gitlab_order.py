"""Jobs of a GitLab pipeline have what they need, and wait for what is to stop them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, dig, fields, texts
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
#: What a script does with files of the repository, which it has from a checkout alone.
_FILES = re.compile(
    r"(^|[\s=\"'])\.{1,2}/|\b(terraform|tofu|terragrunt|make|npm|yarn|pnpm|npx|git|cd|source|pulumi"
    r"|serverless|sls|cdk|ansible-playbook|docker[- ]compose|poetry|uv|bundle|mvn|gradle)\b"
    r"|(^|\s)(-f|-k|--file|--filename|--values)[ =]|\.(sh|py|rb|js|ya?ml)\b"
)
_STRATEGY = "GIT_STRATEGY"
_OF_BRANCH = re.compile(r"\$\{?CI_(COMMIT_(REF|BRANCH)|ENVIRONMENT)")
_NOTHING = re.compile(r"\s*(echo\b[^|&;]*|true|:|exit 0)\s*")


def check(files: Files) -> Iterator[Finding]:
    """Yield needs that a kind of pipeline lacks, and approvals that nothing waits for."""
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.jobs.items():
            yield from _needs(pipeline, name, job)
            yield from _approvals(pipeline, name, job)
            yield from _stops(pipeline, name, job)


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


def _stops(pipeline: GitlabPipeline, name: str, job: Fields) -> Iterator[Finding]:
    """Yield jobs that end the environment of a branch, and first fetch that branch."""
    data = pipeline.artifact.data
    environment = dig(job, "environment")
    is_of_branch = _OF_BRANCH.search(str(dig(environment, "name")))
    if dig(environment, "action") != "stop" or not is_of_branch or not pipeline.is_whole:
        return
    known = (job, data, fields(data, "default"))
    is_told = any(_STRATEGY in fields(one, "variables") for one in known) or "extends" in job
    steps = [line for key in ("before_script", "script") for line in texts(job.get(key))]
    is_of_request = "merge_request" in str(
        (job.get("rules"), job.get("only"), data.get("workflow"))
    )
    if steps and not is_told and not is_of_request and not any(map(_FILES.search, steps)):
        what = f"{name} is started when its branch is deleted, and fetches that branch first, so it"
        said = (
            f"{what} fails and the environment stays; write GIT_STRATEGY: none into its variables"
        )
        yield Finding(pipeline.artifact.at(name), said, warning=True)


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
    "on variables of a project, are not judged. Jobs that stop the environment of a branch and "
    "need none of its files.",
)
