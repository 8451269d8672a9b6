"""What one job builds and another one sends away is handed on between them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.foreign.reading import Fields, dig, fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.pipelines.built_folders import is_covered, is_kept, is_made, sent
from tarmac.check.gates.views.pipelines.checkouts import repository_of
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline, gitlab_pipelines, needed
from tarmac.check.gates.views.pipelines.workflows import Workflow, workflows
from tarmac.check.gates.views.scope import counted_in_files

#: Actions that bring no results of another job.
_INERT = re.compile(
    r"actions/(?:checkout|setup-\w+)@|aws-actions/configure-aws-credentials@|azure/login@"
    r"|google-github-actions/(?:auth|setup-gcloud)@|docker/login-action@|webfactory/ssh-agent@"
)
#: What sends a folder, by the input that names it.
_SENDING = {
    "peaceiris/actions-gh-pages": "publish_dir",
    "JamesIves/github-pages-deploy-action": "folder",
    "actions/upload-pages-artifact": "path",
}


class SendingJob(NamedTuple):
    """A job that sends away a folder which it does not make."""

    name: str
    where: str
    folder: str


def check(files: Files) -> Iterator[Finding]:
    """Yield jobs that send a folder which is on no machine but that of another job."""
    for pipeline in gitlab_pipelines(files):
        root = on_disk(files, posixpath.dirname(pipeline.artifact.path) or ".")
        for one in _of_gitlab(pipeline):
            if not is_kept(root, one.folder):
                yield from _unkept(pipeline, one)
    for workflow in workflows(files):
        root = repository_of(files, workflow)
        for one in _of_github(workflow):
            makers = [n for n in _before(workflow, one.name) if is_made(_lines(workflow, n))]
            if makers and not is_kept(root, one.folder):
                what = f"{one.name} sends {one.folder}, which {makers[0]} makes on a machine of its"
                said = f"{what} own, and downloads nothing: it is not there; keep it with"
                advice = "actions/upload-artifact, and download that"
                yield Finding(one.where, f"{said} {advice}")


def _unkept(pipeline: GitlabPipeline, one: SendingJob) -> Iterator[Finding]:
    job = pipeline.jobs[one.name]
    given = _given(pipeline, one.name, job)
    makers = [
        name
        for name, other in pipeline.jobs.items()
        if name != one.name and is_made(_script(other))
    ]
    keepers = [
        name for name, other in pipeline.jobs.items() if is_covered(_artifacts(other), one.folder)
    ]
    cached = [*texts(dig(job, "cache", "paths")), *_defaults(pipeline, "cache")]
    is_open = _is_open(job) or any(_is_open(pipeline.jobs[name]) for name in makers)
    is_listed = any(isinstance(job.get("cache"), list) for job in pipeline.jobs.values())
    if is_covered(cached, one.folder) or is_listed or is_open or not makers:
        return
    what = f"job {one.name} sends {one.folder}, which"
    if not keepers and not is_covered(_defaults(pipeline, "artifacts"), one.folder):
        said = f"{what} {makers[0]} makes on a checkout of its own and keeps in no artifact: it is"
        where = pipeline.artifact.at(makers[0])
        yield Finding(where, f"{said} not there; write artifacts: paths: [{one.folder}/] for that")
    elif keepers and not set(keepers) & given:
        said = (
            f"{what} {keepers[0]} keeps as an artifact, and gets none of it: it is not there; add"
        )
        key = "needs" if "needs" in job else "dependencies" if "dependencies" in job else "script"
        yield Finding(pipeline.artifact.at(one.name, key), f"{said} it to {key}")


def _of_gitlab(pipeline: GitlabPipeline) -> Iterator[SendingJob]:
    for name, job in pipeline.jobs.items() if pipeline.is_whole else ():
        if found := sent(_script(job, pipeline)):
            yield SendingJob(name, pipeline.artifact.at(name, "script"), found[1])


def _script(job: Fields, pipeline: GitlabPipeline | None = None) -> list[str]:
    data = pipeline.artifact.data if pipeline else {}
    usual = job.get("before_script") or dig(data, "default", "before_script")
    return [*texts(usual or data.get("before_script")), *texts(job.get("script"))]


def _artifacts(job: Fields) -> list[str]:
    kept = fields(job, "artifacts")
    return ["."] if kept.get("untracked") else list(texts(kept.get("paths")))


def _defaults(pipeline: GitlabPipeline, key: str) -> list[str]:
    data = pipeline.artifact.data
    return [*texts(dig(data, "default", key, "paths")), *texts(dig(data, key, "paths"))]


def _is_open(job: Fields) -> bool:
    """Tell whether a part of a job is not in what is read of it, or it keeps its checkout."""
    is_elsewhere = "!reference" in str(job) or {"extends", "<<", "inherit"} & job.keys()
    return bool(is_elsewhere) or bool(
        {"GIT_STRATEGY", "GIT_CLEAN_FLAGS"} & fields(job, "variables").keys()
    )


def _given(pipeline: GitlabPipeline, name: str, job: Fields) -> set[str]:
    """List the jobs whose artifacts a job gets."""
    if isinstance(job.get("needs"), list):
        left = {
            str(one.get("job"))
            for one in job["needs"]
            if isinstance(one, dict) and one.get("artifacts") is False
        }
        return {other for other, _ in needed(job)} - left
    if isinstance(job.get("dependencies"), list):
        return set(map(str, job["dependencies"]))
    stages = pipeline.stages
    own = pipeline.stage(job)
    before = stages[: stages.index(own)] if own in stages else stages
    return {
        n for n, other in pipeline.jobs.items() if n != name and pipeline.stage(other) in before
    }


def _of_github(workflow: Workflow) -> Iterator[SendingJob]:
    for name, job in workflow.jobs.items():
        if "self-hosted" in str(job.data.get("runs-on")):
            continue  # its folder may be that of the job before
        for number, step in enumerate(job.steps):
            where = workflow.at("jobs", name, "steps", number)
            key = _SENDING.get(step.uses.partition("@")[0], "")
            found = sent(_lines(workflow, name, number + 1)) if step.run else None
            folder = found[1] if found else ""
            if key:
                told = f"rsync {step.inputs.get(key)}"
                folder = (sent([*_lines(workflow, name, number), told]) or (0, ""))[1]
            if folder:
                yield SendingJob(name, where, folder)
                break
            # The steps of an action of the repository itself are behind it.
            if step.uses and not step.uses.startswith("./") and not _INERT.match(step.uses):
                break  # it may bring anything


def _lines(workflow: Workflow, name: str, most: int | None = None) -> list[str]:
    steps = workflow.jobs[name].steps[:most]
    return [line for step in steps for line in step.run.splitlines()]


def _before(workflow: Workflow, name: str) -> list[str]:
    """List the jobs that a job waits for, and those that these do."""
    found = [one for one in workflow.jobs[name].needs if one in workflow.jobs]
    for one in found:
        found += [other for other in workflow.jobs[one].needs if other in workflow.jobs]
    return list(dict.fromkeys(found))


def _judged(files: Files) -> Iterator[SendingJob]:
    for pipeline in gitlab_pipelines(files):
        yield from _of_gitlab(pipeline)
    for workflow in workflows(files):
        yield from _of_github(workflow)


GATE = Gate(
    id="PIP073",
    title="What one job builds and another one sends away is handed on between them",
    phase="delivery",
    source="https://docs.gitlab.com/ci/jobs/job_artifacts; https://docs.github.com/en/actions/"
    "tutorials/store-and-share-data: each job begins with the repository alone",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs that send a folder which they do not make", _judged),
    targets=("repository",),
    reads="folders such as dist and build in commands that send files, of jobs of GitLab and "
    "GitHub that run nothing else which may bring them, beside what earlier jobs build and keep, "
    "and the folders on disk.",
)
