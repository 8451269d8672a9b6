"""The texts and numbers of an object, and which texts are almost a word."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from tarmac.base.foreign.reading import Path

#: Below these, keys are an owner's own.
FREE = frozenset({"data", "stringData", "binaryData", "annotations", "labels", "matchLabels"})
#: Lists of texts for a program.
_FREE_LISTS = frozenset({"args", "command"})
#: How alike two words are that differ by a letter: pods and podss.
NEAR = 0.88


def leaves(value: Any, path: Path = ()) -> list[tuple[Path, Any]]:
    """List each text and number of an object with its path, but for keys that are an owner's."""
    found: list[tuple[Path, Any]] = []
    _leaves(value, path, found)
    return found


def _leaves(value: Any, path: Path, found: list[tuple[Path, Any]]) -> None:
    if type(value) is dict or isinstance(value, Mapping):
        for key, part in value.items():
            if key not in FREE and key not in _FREE_LISTS:
                _leaves(part, (*path, str(key)), found)
    elif isinstance(value, (list, tuple)):
        for number, part in enumerate(value):
            _leaves(part, (*path, number), found)
    elif path:
        found.append((path, value))


def is_typo(text: str, word: str) -> bool:
    """Tell whether a text differs from a word by one character, or by their order."""
    if text == word or 2 * min(len(text), len(word)) < NEAR * (len(text) + len(word)):
        return False  # too unlike in length for the ratio below
    alike = difflib.SequenceMatcher(None, text, word)
    is_near = alike.quick_ratio() >= NEAR and alike.ratio() >= NEAR
    return is_near or sorted(text) == sorted(word)


def is_meant(text: str, word: str) -> bool:
    """Tell whether a text is a typo of a word, and no name of another maker, as gke.io."""
    own, known = (one.split(".") for one in (text, word))
    differing = [pair for pair in zip(own, known, strict=False) if pair[0] != pair[1]]
    are_names = len(own) == len(known) > 1
    return is_typo(text, word) and not (are_names and any(map(_are_two, differing)))


def _are_two(pair: tuple[str, str]) -> bool:
    """Tell whether two short parts of a domain have most of their signs apart."""
    one, other = pair
    same = sum(a == b for a, b in zip(one, other, strict=False))
    return len(one) == len(other) and len(one) - same > 2
