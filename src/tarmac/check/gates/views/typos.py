"""Typos: a word written once that is one sign away from one that is written often."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

#: A shorter word is one sign away from too many.
_SHORTEST = 4
#: With another character in its place, shorter ones are words of their own: main and mail.
_LONG = 6
_BETWEEN = re.compile(r"[\W_]+")


def typos(times: Mapping[str, int], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each name that is there once, and the one that it was meant to be.

    They differ in one word, by one character or by two characters' order; a number is never a typo.

    Args:
        times: how often each name is written.
        known: words that are names of their own, so that they are not typos.
    """
    words = {word for name in known for word in _BETWEEN.split(name)}
    often: dict[str, list[str]] = {}
    for name, count in times.items():
        if count > 1:
            for cut in _cuts(name):
                often.setdefault(cut, []).append(name)
    for name, count in times.items():
        if count == 1:
            near = {other for cut in _cuts(name) for other in often.get(cut, ())}
            meant = sorted(other for other in near if _is_typo(name, other, words))
            if len(meant) == 1:
                yield name, meant[0]


def _cuts(name: str) -> set[str]:
    """List a name, and what is left of it without any one of its signs."""
    return {name, *(name[:at] + name[at + 1 :] for at in range(len(name)))}


def _is_typo(name: str, other: str, words: set[str]) -> bool:
    parts, others = _BETWEEN.split(name), _BETWEEN.split(other)
    differing = [pair for pair in zip(parts, others, strict=False) if pair[0] != pair[1]]
    if len(parts) != len(others) or len(differing) != 1:
        return False
    said, meant = differing[0]
    if said in words or min(len(said), len(meant)) < _SHORTEST:
        return False
    changed = [one for one in _changed(said, meant) if not one.isalpha()]
    return not changed and _is_one_sign(said, meant)


def _changed(said: str, meant: str) -> str:
    """Return the signs in which two words differ."""
    start = _shared(said, meant)
    end = _shared(said[start:][::-1], meant[start:][::-1])
    return said[start : len(said) - end] + meant[start : len(meant) - end]


def _shared(said: str, meant: str) -> int:
    number = 0
    for one, other in zip(said, meant, strict=False):
        if one != other:
            break
        number += 1
    return number


def _is_one_sign(said: str, meant: str) -> bool:
    changed = _changed(said, meant)
    is_swapped = len(changed) == 4 and changed[:2] == changed[:1:-1]
    is_other = len(changed) == 2 and len(said) == len(meant) >= _LONG
    return len(changed) == 1 or is_other or is_swapped
