"""Variables of GitLab that a job reads are set in the pipelines that it is in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, Path, dig, fields, mappings, places, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline, gitlab_jobs, gitlab_pipelines
from tarmac.check.gates.views.pipelines.gitlab_conditions import evaluated
from tarmac.check.gates.views.scope import counted_in_files

BRANCH, TAG, MERGE_REQUEST = "branches", "tags", "merge requests"
_SOURCES = ("push", "schedule", "web", "api", "trigger", "pipeline", "parent_pipeline", "chat")
_OF_MERGE_REQUEST = {"CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_ID": "1"}
#: What GitLab sets in the pipelines of each kind, by what started them.
_GIVEN: Mapping[str, tuple[Mapping[str, str], ...]] = {
    BRANCH: tuple(
        {"CI_PIPELINE_SOURCE": one, "CI_COMMIT_BRANCH": "", **default}
        for one in _SOURCES
        for default in ({}, {"CI_DEFAULT_BRANCH": "another one"})
    ),
    TAG: tuple({"CI_PIPELINE_SOURCE": one, "CI_COMMIT_TAG": ""} for one in _SOURCES),
    MERGE_REQUEST: tuple(
        {"CI_PIPELINE_SOURCE": one, **_OF_MERGE_REQUEST}
        for one in ("merge_request_event", "parent_pipeline")
    ),
}
#: Words of `only` that are one kind; any other one may be of branches and of tags.
_WORDS = {"branches": BRANCH, "tags": TAG, "merge_requests": MERGE_REQUEST}
#: Where a job reads variables, without its rules.
_PLACES = ("before_script", "script", "after_script", "variables", "environment")
_READ = re.compile(
    r"(?<![\\$\w])\$(?:\{(CI_COMMIT_BRANCH|CI_COMMIT_TAG|CI_MERGE_REQUEST_\w+)\}"
    r"|(CI_COMMIT_BRANCH|CI_COMMIT_TAG|CI_MERGE_REQUEST_\w+))"
)
#: How a script asks whether a variable is set, or sets it.
_ASKED = r"\$\{{{name}[:+?=#%/-]|(\[|\btest\b|\bcase\b|\bif\b).*{name}|(^|[\s;&]){name}="
#: A line that only tells.
_TELLS = re.compile(r"\s*(echo|printf)\b[^|>]*$")


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that are empty in each pipeline in which a job is."""
    for pipeline in gitlab_pipelines(files):
        own = set(fields(pipeline.artifact.data, "variables"))
        for name, job in pipeline.jobs.items():
            read = dict(_read(job, own))
            there = _kinds(pipeline, job) if read else set()
            for variable, path in read.items():
                if there and _set_in(variable) not in there:
                    what = (
                        f"job {name} is in pipelines of {_told(there)} alone, where ${variable} is"
                    )
                    said = f"{what} not set, so it is empty; {_advice(variable, there)}"
                    yield Finding(pipeline.artifact.at(name, *path), said)


def _read(job: Fields, own: set[str]) -> Iterator[tuple[str, Path]]:
    """Yield the variables that a job reads and does not ask for, each with its first place."""
    found: dict[str, Path] = {}
    every = [
        (path, line)
        for key in _PLACES
        for path, text in places(job.get(key), (key,))
        for line in text.splitlines()
    ]
    for path, line in every:
        for one, other in _READ.findall(line) if not _TELLS.match(line) else ():
            found.setdefault(one or other, path)
    text = "\n".join(line for _, line in every)
    for name, path in found.items():
        is_own = name in own or name in fields(job, "variables")
        if not is_own and not re.search(_ASKED.format(name=name), text, re.MULTILINE):
            yield name, path


def _kinds(pipeline: GitlabPipeline, job: Fields) -> set[str]:
    """List the kinds of pipelines in which a job may be; all where that is not known."""
    if {"extends", "<<", "inherit"} & job.keys():
        return {*_GIVEN}
    limits = dig(pipeline.artifact.data, "workflow", "rules")
    found = {kind for kind in _GIVEN if limits is None or _may(limits, kind)}
    if "rules" in job:
        return {kind for kind in found if _may(job["rules"], kind)}
    if "only" in job:
        return found & _listed(job["only"])
    # A job without any of these is in pipelines of merge requests where `workflow` makes some.
    is_made = limits is not None or not pipeline.is_whole
    return found if is_made else found - {MERGE_REQUEST}


def _may(rules: Any, kind: str) -> bool:
    """Tell whether rules may let a job into any pipeline of a kind."""
    if not isinstance(rules, list) or len(mappings(rules)) != len(rules):
        return True
    return any(_may_with(mappings(rules), given) for given in _GIVEN[kind])


def _may_with(rules: list[Fields], given: Mapping[str, str]) -> bool:
    for rule in rules:
        if "!reference" in rule:
            return True
        holds = evaluated(str(rule["if"]), given) if "if" in rule else True
        if holds is not False and rule.get("when") != "never":
            return True
        if holds and not {"changes", "exists"} & rule.keys():
            return False
    return False


def _listed(only: Any) -> set[str]:
    if isinstance(only, Mapping):
        only = only.get("refs")
    words = list(texts(only))
    found = {_WORDS[word] for word in words if word in _WORDS}
    is_open = not words or any(word not in _WORDS for word in words)
    return found | ({BRANCH, TAG} if is_open else set())


def _set_in(variable: str) -> str:
    known = {"CI_COMMIT_BRANCH": BRANCH, "CI_COMMIT_TAG": TAG}
    return known.get(variable, MERGE_REQUEST)


def _told(there: set[str]) -> str:
    return " and ".join(sorted(there))


def _advice(variable: str, there: set[str]) -> str:
    if variable == "CI_COMMIT_BRANCH" and there == {MERGE_REQUEST}:
        return "write $CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"
    if variable == "CI_COMMIT_BRANCH":
        return "write $CI_COMMIT_REF_NAME"
    if variable == "CI_COMMIT_TAG":
        return "write $CI_COMMIT_SHORT_SHA, or a rule for tags"
    return "give the job a rule for merge requests, or take it from elsewhere"


GATE = Gate(
    id="PIP027",
    title="Variables of GitLab that a job reads are set in its pipelines",
    phase="delivery",
    source="https://docs.gitlab.com/ci/variables/predefined_variables: CI_COMMIT_BRANCH is not set "
    "in pipelines of merge requests and tags, CI_COMMIT_TAG in those of tags alone, and "
    "CI_MERGE_REQUEST_* in those of merge requests alone",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("jobs", gitlab_jobs),
    #: Tarmac renders no pipeline of GitLab.
    targets=(),
    reads="scripts, variables and environments of jobs beside their `rules` or `only`, those of "
    "templates and of `workflow` among them. What a script asks for is not judged.",
)
