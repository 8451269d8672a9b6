"""In which kinds of pipelines a job of GitLab may be: of branches, tags or merge requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, mappings, texts
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline
from tarmac.check.gates.views.pipelines.gitlab_conditions import evaluated
from tarmac.check.gates.views.pipelines.gitlab_templates import whole

BRANCH, TAG, MERGE_REQUEST = "branches", "tags", "merge requests"
_SOURCES = ("push", "schedule", "web", "api", "trigger", "pipeline", "parent_pipeline", "chat")
_OF_MERGE_REQUEST = {"CI_MERGE_REQUEST_IID": "1", "CI_MERGE_REQUEST_ID": "1"}
#: What GitLab sets in the pipelines of each kind, by what started them.
_GIVEN: Mapping[str, tuple[Mapping[str, str], ...]] = {
    BRANCH: tuple({"CI_PIPELINE_SOURCE": one, "CI_COMMIT_BRANCH": ""} for one in _SOURCES),
    TAG: tuple({"CI_PIPELINE_SOURCE": one, "CI_COMMIT_TAG": ""} for one in _SOURCES),
    MERGE_REQUEST: tuple(
        {"CI_PIPELINE_SOURCE": one, **_OF_MERGE_REQUEST}
        for one in ("merge_request_event", "parent_pipeline")
    ),
}
#: Words of `only` that are one kind; any other one may be of branches and of tags.
_WORDS = {"branches": BRANCH, "tags": TAG, "merge_requests": MERGE_REQUEST}


def kinds(pipeline: GitlabPipeline, job: Fields) -> set[str]:
    """List the kinds of pipelines in which a job may be; all where that is not known."""
    merged = whole(pipeline, job)
    if merged is None or "<<" in merged or "inherit" in merged:
        return {*_GIVEN}
    limits = dig(pipeline.artifact.data, "workflow", "rules")
    found = {kind for kind in _GIVEN if limits is None or _may(limits, kind)}
    if "rules" in merged:
        return {kind for kind in found if _may(merged["rules"], kind)}
    if "only" in merged:
        return found & _listed(merged["only"])
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
