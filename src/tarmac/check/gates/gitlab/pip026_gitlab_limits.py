"""A job of GitLab that extends another one keeps the limits that it has there."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline, gitlab_jobs, gitlab_pipelines
from tarmac.check.gates.views.pipelines.gitlab_joined import templates
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield limits that a job replaces, and those that rule out what it says itself."""
    for pipeline in gitlab_pipelines(files):
        for name, job in pipeline.written_jobs.items():
            if above := templates(pipeline.written.data, job):
                yield from _replaced(pipeline, name, job, above)
                yield from _together(pipeline, name, job, above)


def _replaced(
    pipeline: GitlabPipeline, name: str, job: Fields, above: dict[str, Fields]
) -> Iterator[Finding]:
    """Yield lists of `except` that leave out those of the template."""
    own = list(texts(job.get("except")))
    for template, one in reversed(above.items()):
        if "except" not in one:
            continue
        lost = [word for word in texts(one["except"]) if word not in own]
        # One that is left out on purpose is written as the whole list again, or as none.
        if own and lost and not {*own} <= {*texts(one["except"])} and "only" not in job:
            what = f"job {name} has its own `except`, which replaces that of {template}, so it runs"
            advice = f"for {', '.join(lost)}, too; write these into it"
            where = pipeline.artifact.at(name, "except")
            yield Finding(where, f"{what} {advice}", warning=True)
        return


def _together(
    pipeline: GitlabPipeline, name: str, job: Fields, above: dict[str, Fields]
) -> Iterator[Finding]:
    """Yield `rules` beside `only` or `except`, of which the template has one."""
    merged = pipeline.jobs[name]
    for key in ("only", "except"):
        both = merged.get("rules") is not None and merged.get(key) is not None
        if both and not ("rules" in job and key in job):
            holder = "rules" if "rules" in job else key if key in job else "extends"
            of = next(one for one in reversed(above) if {"rules", key} & above[one].keys())
            what = (
                f"job {name} has `rules` beside `{key}`, one of them by extending {of}, so GitLab"
            )
            advice = "refuses the pipeline; write both as `rules`"
            yield Finding(pipeline.artifact.at(name, holder), f"{what} {advice}")


GATE = Gate(
    id="PIP026",
    title="A job of GitLab that extends another one keeps the limits that it has there",
    phase="delivery",
    source="https://docs.gitlab.com/ci/yaml/yaml_optimization/#merge-details: keys of mappings are "
    "merged, and a list replaces another one; https://docs.gitlab.com/ci/yaml/#rules: not together "
    "with `only` and `except`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="`except`, `only` and `rules` of jobs beside those of templates in the same file.",
)
