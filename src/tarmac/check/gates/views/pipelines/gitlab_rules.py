"""In which pipelines GitLab has a job: its `rules`, `only` and `except`, tried on usual ones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tarmac.base.foreign.reading import Fields, dig, mappings, texts
from tarmac.check.gates.views.pipelines.gitlab import GitlabPipeline

#: What GitLab sets in a pipeline of each kind; what is not here it does not set.
PIPELINES: Mapping[str, Mapping[str, str]] = {
    "a tag": {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_TAG": "v1.2.3", "CI_COMMIT_REF_NAME": ""},
    "the default branch": {
        "CI_PIPELINE_SOURCE": "push",
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
#: Of these it is known that one is set in a kind of pipeline, or is not.
_KNOWN = (
    "CI_PIPELINE_SOURCE",
    "CI_COMMIT_TAG",
    "CI_COMMIT_BRANCH",
    "CI_MERGE_REQUEST_IID",
    "CI_MERGE_REQUEST_ID",
)
_WORDS = re.compile(
    r"\s*(&&|\|\||\(|\)|==|!=|=~|!~|\$\w+|\"[^\"]*\"|'[^']*'|/(?:\\.|[^/\\])+/\w*|null)"
)


def is_there(pipeline: GitlabPipeline, job: Fields, kind: str) -> bool | None:
    """Tell whether a job is in a kind of pipeline; None: it depends, or is not known."""
    if "extends" in job or "<<" in job or "inherit" in job:
        return None
    own = _workflow(pipeline, kind)
    if own is not True:
        return own
    if "rules" in job:
        return _ruled(job["rules"], kind)
    if {"only", "except"} & job.keys():
        return _listed(job, kind)
    # Without rules a job is in pipelines of branches and tags.
    return kind != "a merge request" or None


def _workflow(pipeline: GitlabPipeline, kind: str) -> bool | None:
    if (rules := dig(pipeline.artifact.data, "workflow", "rules")) is not None:
        return _ruled(rules, kind)
    return True if pipeline.is_whole else None


def _ruled(rules: Any, kind: str) -> bool | None:
    if not isinstance(rules, list) or len(mappings(rules)) != len(rules):
        return None
    for rule in rules:
        if "!reference" in rule or "changes" in rule or "exists" in rule:
            return None
        holds = evaluated(str(rule["if"]), PIPELINES[kind]) if "if" in rule else True
        if holds is None:
            return None
        if holds:
            return bool(rule.get("when") != "never")
    return False


def _listed(job: Fields, kind: str) -> bool | None:
    """Read `only` and `except` where they are lists of the words that name kinds of refs."""
    names = {"a tag": "tags", "the default branch": "branches", "a merge request": "merge_requests"}
    if isinstance(job.get("only"), Mapping) or isinstance(job.get("except"), Mapping):
        return None
    only, left = set(texts(job.get("only", ["branches", "tags"]))), set(texts(job.get("except")))
    if names[kind] in left:
        return False
    if left - set(names.values()):
        return None
    if names[kind] in only:
        return True
    others = only - set(names.values())
    is_of_branches = others <= {"main", "master", "develop"}
    return False if not others or (is_of_branches and kind != "the default branch") else None


def evaluated(text: str, given: Mapping[str, str]) -> bool | None:
    """Evaluate a condition in three values; None: it depends on what is not known."""
    words = _WORDS.findall(text)
    if re.sub(r"\s", "", "".join(words)) != re.sub(r"\s", "", text):
        return None
    reader = _Reader(words, given)
    found = reader.either()
    return found if reader.at == len(words) else None


class _Reader:
    """Reads the words of a condition from left to right."""

    def __init__(self, words: list[str], given: Mapping[str, str]) -> None:
        self.words, self.given, self.at = words, given, 0

    def _next(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def _take(self) -> str:
        self.at += 1
        return self.words[self.at - 1] if self.at <= len(self.words) else ""

    def either(self) -> bool | None:
        found = self._both()
        while self._next() == "||":
            self._take()
            other = self._both()
            found = True if True in (found, other) else None if None in (found, other) else False
        return found

    def _both(self) -> bool | None:
        found = self._one()
        while self._next() == "&&":
            self._take()
            other = self._one()
            found = False if False in (found, other) else None if None in (found, other) else True
        return found

    def _one(self) -> bool | None:
        if self._next() == "(":
            self._take()
            found = self.either()
            self._take()
            return found
        left = self._take()
        if self._next() not in ("==", "!=", "=~", "!~"):
            return self._is_set(left)
        operator, right = self._take(), self._take()
        if right == "null" and operator in ("==", "!="):
            there = self._is_set(left)
            return None if there is None else there is (operator == "!=")
        return self._compared(left, operator, right)

    def _is_set(self, word: str) -> bool | None:
        name = word.removeprefix("$")
        return name in self.given if name in _KNOWN and word != name else None

    def _compared(self, left: str, operator: str, right: str) -> bool | None:
        is_negated = operator.startswith("!")
        if self._is_set(left) is False and (right[:1] != "$" or right == "$CI_DEFAULT_BRANCH"):
            return is_negated  # what is not set is like nothing that is written
        value = self.given.get(left.removeprefix("$"), "")
        if left == "$CI_COMMIT_BRANCH" and right == "$CI_DEFAULT_BRANCH" and operator == "==":
            return self._is_set(left)
        if left == "$CI_PIPELINE_SOURCE" and operator in ("==", "!=") and right[:1] in "\"'":
            return (value == right.strip("\"'")) is not is_negated
        return None
