"""What must be there before what: the order of a start, and its reverse, the order of a stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter


def cycle(after: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Find one cycle of `a waits for b waits for a`; empty if there is none."""
    try:
        _sorter(after).prepare()
    except CycleError as error:
        # Each of the list is waited for by the next; the last is the first again.
        loop: list[str] = list(reversed(error.args[1]))[:-1]
        first = loop.index(min(loop))
        return (*loop[first:], *loop[:first], loop[first])
    return ()


def reached(starts: Iterable[str], edges: Mapping[str, Iterable[str]]) -> set[str]:
    """Follow edges from some names to all that they lead to, the names themselves among them."""
    found = set(starts)
    waiting = list(found)
    while waiting:
        new = set(edges.get(waiting.pop(), ())) - found
        found |= new
        waiting += new
    return found


def waves(after: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Group names so that each waits only for those of earlier groups; each group sorted.

    Names that are waited for but not themselves in the mapping count as already there.

    Raises:
        ValueError: they wait in a cycle.
    """
    if loop := cycle(after):
        raise ValueError(f"a cycle: {' -> '.join(loop)}")
    sorter = _sorter(after)
    sorter.prepare()
    groups: list[tuple[str, ...]] = []
    while sorter.is_active():
        group = tuple(sorted(sorter.get_ready()))
        groups.append(group)
        sorter.done(*group)
    return tuple(groups)


def _sorter(after: Mapping[str, Iterable[str]]) -> TopologicalSorter[str]:
    return TopologicalSorter(
        {name: sorted(set(after[name]) & after.keys()) for name in sorted(after)}
    )
