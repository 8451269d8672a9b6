"""Actions of templates of Go, as Helm and Alertmanager read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

#: Blocks in which the dot is another value than around them.
_SETS_DOT = frozenset(("range", "with", "define", "block"))


def dots_set(actions: Iterable[str]) -> Iterator[bool]:
    """Tell of each action, without its braces, whether a block around it sets the dot."""
    opened: list[str] = []
    for action in actions:
        yield not _SETS_DOT.isdisjoint(opened)
        word = next(iter(action.split(maxsplit=1)), "")
        if word == "if" or word in _SETS_DOT:
            opened.append(word)
        elif word == "end" and opened:
            opened.pop()
