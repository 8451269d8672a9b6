"""Two sides compared: every system and environment of both, each planned and rendered as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tarmac.artifact import Artifact
from tarmac.compare.change import Change, Comparison
from tarmac.compare.facts import Side
from tarmac.compare.revisions import Source
from tarmac.compare.telling import Shown, changes, together, whole
from tarmac.errors import BadInput, Problem, did_you_mean
from tarmac.model.loader import load
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy
from tarmac.stores._kind import StoreKind

#: Makes the files of a plan.
Render = Callable[[ClusterPlan], tuple[Artifact, ...]]


class _Loaded:
    """A system on one side, and all that was read for it."""

    def __init__(self, source: Source, file: str) -> None:
        self.source, self.file = source, file
        self.read: dict[str, bytes | None] = {}
        self.system: System = load(file, self._remembered)

    def _remembered(self, path: str) -> bytes:
        self.read[path] = None
        self.read[path] = content = self.source.read(path)
        return content


def compare(
    base: Source,
    head: Source,
    *,
    kinds: Mapping[str, StoreKind],
    render: Render,
    system: str | None = None,
    environment: str | None = None,
) -> Comparison:
    """Compare two sides.

    Args:
        kinds: the catalogue of stores.
        system: only this one; all without.
        environment: only this one of each system; all without.

    Raises:
        BadInput: a model that does not load or cannot be planned, with the side's name before each
            place; no such system or environment on any side.
    """
    sides, problems = [], []
    for source in (base, head):
        loaded, wrong = _loaded(source)
        sides.append(loaded)
        problems += wrong
    if problems:
        raise BadInput(problems)
    before, after = sides
    names = sorted({*before, *after})
    if system is not None and system not in names:
        raise BadInput([Problem(system, f"no such system; {did_you_mean(system, names)}")])
    chosen = [name for name in names if system in (None, name)]
    known = {e for side in sides for n in chosen if n in side for e in _environments(side[n])}
    if environment is not None and environment not in known:
        hint = did_you_mean(environment, known)
        raise BadInput([Problem(environment, f"no such environment; {hint}")])
    found: list[Change] = []
    compared: dict[str, tuple[str, ...]] = {}
    services: dict[str, frozenset[str]] = {}
    notes: list[str] = []
    for name in chosen:
        one, other = before.get(name), after.get(name)
        every = [e for side in (one, other) if side for e in _environments(side)]
        # What is rendered into a repository runs nowhere, and git shows what differs in it.
        apart = {e for side in (one, other) if side for e in _repositories(side)}
        asked = [environment] if environment else [e for e in every if e not in apart]
        wanted = [e for e in dict.fromkeys(every) if e in asked]
        compared[name] = tuple(wanted)
        both = [side.system.file.services.keys() for side in (one, other) if side]
        services[name] = frozenset.intersection(*map(frozenset, both))
        if not every:
            notes.append(f"{name} has no environment, so nothing is rendered that could differ")
        if one and other and _same(one, other):
            continue
        found += _system(one, other, wanted, kinds, render)
    return Comparison(base.label, head.label, compared, services, together(found), tuple(notes))


def _loaded(source: Source) -> tuple[dict[str, _Loaded], list[Problem]]:
    """Load every system of a side, by its name."""
    found: dict[str, _Loaded] = {}
    problems: list[Problem] = []
    for file in source.files:
        try:
            loaded = _Loaded(source, file)
        except BadInput as error:
            problems += _on(source, error)
            continue
        name = loaded.system.name
        found[name if name not in found else file] = loaded
    return found, problems


def _on(source: Source, error: BadInput) -> list[Problem]:
    """Say on which side a problem is."""
    return [Problem(f"{source.prefix}{each.where}", each.what) for each in error.problems]


def _environments(loaded: _Loaded) -> Iterable[str]:
    return loaded.system.file.environments


def _repositories(loaded: _Loaded) -> Iterable[str]:
    known = loaded.system.file.environments
    return (name for name, each in known.items() if each.target == "repository")


def _same(one: _Loaded, other: _Loaded) -> bool:
    """Tell whether both were made of the same bytes: then all that follows is the same."""
    return (one.file, one.read) == (other.file, other.read)


def _system(
    one: _Loaded | None,
    other: _Loaded | None,
    environments: list[str],
    kinds: Mapping[str, StoreKind],
    render: Render,
) -> Iterator[Change]:
    problems: list[Problem] = []
    for environment in environments:
        sides: list[Side | None] = []
        for loaded in (one, other):
            planned = None
            if loaded is not None and environment in loaded.system.file.environments:
                try:
                    planned = Side(loaded.system, deploy(loaded.system, environment, kinds))
                except BadInput as error:
                    problems += _on(loaded.source, error)
            sides.append(planned)
        before, after = sides
        if problems:
            continue
        if before and after:
            yield from changes(*(Shown(each, render(each.plan)) for each in (before, after)))
        elif before or after:
            of = "environment" if one and other else "system"
            yield from _whole(before, after, of)
    if problems:
        raise BadInput(problems)


def _whole(before: Side | None, after: Side | None, of: str) -> Iterator[Change]:
    if before is not None:
        yield whole(before, "removed", of=of)
    if after is not None:
        yield whole(after, "added", of=of)
