"""In which pipelines GitLab has a job: its `rules`, `only` and `except`, tried on usual ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, mappings, texts
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline
from tarmac.check.gates.views.pipelines.gitlab_conditions import evaluated

SCHEDULE = "a schedule"
#: What GitLab sets in a pipeline of each kind; what is not here it does not set.
PIPELINES: Mapping[str, Mapping[str, str]] = {
    "a tag": {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_REF_NAME": ""},
    "the default branch": {
        "CI_PIPELINE_SOURCE": "push",
        "CI_COMMIT_BRANCH": "",
        "CI_COMMIT_REF_NAME": "",
    },
    SCHEDULE: {
        "CI_PIPELINE_SOURCE": "schedule",
        "CI_COMMIT_BRANCH": "",
        "CI_COMMIT_REF_NAME": "",
    },
    "a merge request": {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_MERGE_REQUEST_IID": "1",
        "CI_MERGE_REQUEST_ID": "1",
        "CI_COMMIT_REF_NAME": "",
    },
}


def is_there(
    pipeline: GitlabPipeline, job: Fields, kind: str, *, changed: bool | None = None
) -> bool | None:
    """Tell whether a job is in a kind of pipeline; None: it depends, or is not known.

    Args:
        changed: whether files changed that rules ask for by `changes`; None: that is not known.
    """
    if "extends" in job or "<<" in job or "inherit" in job:
        return None
    own = _workflow(pipeline, kind)
    if own is not True:
        return own
    if "rules" in job:
        return _ruled(job["rules"], kind, changed)
    if {"only", "except"} & job.keys():
        return _listed(job, kind)
    # Without rules a job is in pipelines of branches and tags.
    return kind != "a merge request" or None


def _workflow(pipeline: GitlabPipeline, kind: str) -> bool | None:
    if (rules := dig(pipeline.artifact.data, "workflow", "rules")) is not None:
        return _ruled(rules, kind)
    return True if pipeline.is_whole else None


def _ruled(rules: Any, kind: str, changed: bool | None = None) -> bool | None:
    if not isinstance(rules, list) or len(mappings(rules)) != len(rules):
        return None
    for rule in rules:
        if "!reference" in rule or "exists" in rule:
            return None
        holds = evaluated(str(rule["if"]), PIPELINES[kind]) if "if" in rule else True
        if "changes" in rule and holds is not False:
            # In a pipeline of a tag or a schedule, all files count as changed.
            is_compared = kind in ("the default branch", "a merge request")
            holds = False if changed is False and is_compared else None
        if holds is None:
            return None
        if holds:
            return bool(rule.get("when") != "never")
    return False


def _listed(job: Fields, kind: str) -> bool | None:
    """Read `only` and `except` where they are lists of the words that name kinds of refs."""
    names = {
        "a tag": "tags",
        "the default branch": "branches",
        "a merge request": "merge_requests",
        SCHEDULE: "schedules",
    }
    if isinstance(job.get("only"), Mapping) or isinstance(job.get("except"), Mapping):
        return None
    only, left = set(texts(job.get("only", ["branches", "tags"]))), set(texts(job.get("except")))
    if names[kind] in left:
        return False
    if left - set(names.values()):
        return None
    if names[kind] in only or (kind == SCHEDULE and "branches" in only):
        return True
    others = only - set(names.values())
    is_of_branches = others <= {"main", "master", "develop"}
    is_of_branch = kind in ("the default branch", SCHEDULE)
    return False if not others or (is_of_branches and not is_of_branch) else None
