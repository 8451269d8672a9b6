"""Words that are almost a word that a program knows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

#: How alike a word and the known one are that differ by a letter.
_ALIKE = 0.85
_SHORTEST, _LONGEST = 3, 60


def misspelt(word: str, known: Iterable[str]) -> str:
    """Return the known word that another one is almost; "" where it is like none.

    By other signs or capitals between its parts, by the order of its characters, or by one of them.
    """
    words = sorted(known)
    if not _SHORTEST <= len(word) <= _LONGEST or word in words:
        return ""
    same = next((one for one in words if _plain(one) == _plain(word)), "")
    swapped = next((one for one in words if sorted(one) == sorted(word)), "")
    near = difflib.get_close_matches(word, words, 1, _ALIKE)
    return same or swapped or next(iter(near), "")


def _plain(word: str) -> str:
    return re.sub(r"[-_]", "", word).lower()
