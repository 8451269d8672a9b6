"""What must be there before what: the order of a start, and its reverse, the order of a stop."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def cycle(after: Mapping[str, Iterable[str]]) -> tuple[str, ...]:
    """Find one cycle of `a waits for b waits for a`; empty if there is none."""
    done: set[str] = set()
    path: list[str] = []

    def visit(name: str) -> tuple[str, ...]:
        if name in path:
            return (*path[path.index(name) :], name)
        if name in done:
            return ()
        path.append(name)
        for before in sorted(after.get(name, ())):
            if found := visit(before):
                return found
        path.pop()
        done.add(name)
        return ()

    for name in sorted(after):
        if found := visit(name):
            return found
    return ()


def waves(after: Mapping[str, Iterable[str]]) -> tuple[tuple[str, ...], ...]:
    """Group names so that each waits only for those of earlier groups; each group sorted.

    Names that are waited for but not themselves in the mapping count as already there.
    """
    left = {
        name: {before for before in befores if before in after} for name, befores in after.items()
    }
    groups: list[tuple[str, ...]] = []
    while left:
        group = tuple(sorted(name for name, befores in left.items() if not befores))
        if not group:
            raise ValueError(f"a cycle: {' -> '.join(cycle(after))}")
        groups.append(group)
        left = {name: befores - set(group) for name, befores in left.items() if name not in group}
    return tuple(groups)
