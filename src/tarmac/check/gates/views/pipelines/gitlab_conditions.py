"""Conditions of GitLab's `rules`, evaluated in three values."""

from __future__ import annotations

import re
from collections.abc import Mapping

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
        if name.startswith("CI_MERGE_REQUEST_") and "CI_MERGE_REQUEST_IID" not in self.given:
            return False
        return name in self.given if name in _KNOWN and word != name else None

    def _compared(self, left: str, operator: str, right: str) -> bool | None:
        is_negated = operator.startswith("!")
        if self._is_set(left) is False and (right[:1] != "$" or right == "$CI_DEFAULT_BRANCH"):
            return is_negated  # what is not set is like nothing that is written
        value = self.given.get(left.removeprefix("$"), "")
        is_asked = (left, right) == ("$CI_COMMIT_BRANCH", "$CI_DEFAULT_BRANCH")
        if is_asked and operator in ("==", "!="):
            if "CI_DEFAULT_BRANCH" in self.given:  # where another branch is the default one
                return is_negated
            return None if is_negated else self._is_set(left)
        if left == "$CI_PIPELINE_SOURCE" and operator in ("==", "!=") and right[:1] in "\"'":
            return (value == right.strip("\"'")) is not is_negated
        return None
