"""Two sides compared: every system and environment of both, each planned and rendered as needed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.errors import BadInput, Problem, did_you_mean
from tarmac.catalog.stores.kind import StoreKind
from tarmac.change.compare.change import Change, Comparison
from tarmac.change.compare.costs import cost
from tarmac.change.compare.facts import Side
from tarmac.change.compare.revisions import Revision
from tarmac.change.compare.summary import RenderedSide, changes, merged, one_sided
from tarmac.model.system import System
from tarmac.plan.cluster import ClusterPlan
from tarmac.plan.deploy import deploy
from tarmac.project.reading import load

#: Makes the files of a plan.
Render = Callable[[ClusterPlan], tuple[Artifact, ...]]
#: Estimates what a plan costs, in USD a month; None where that is not known.
Price = Callable[[ClusterPlan], float | None]


class _LoadedSystem:
    """A system on one side, and all that was read for it."""

    def __init__(self, source: Revision, file: str) -> None:
        self.source, self.file = source, file
        self.read: dict[str, bytes | None] = {}
        self.system: System = load(file, self._remembered, root=None)

    def _remembered(self, path: str) -> bytes:
        self.read[path] = None
        self.read[path] = content = self.source.read(path)
        return content


def compare(
    base: Revision,
    head: Revision,
    *,
    kinds: Mapping[str, StoreKind],
    render: Render,
    price: Price = lambda _: None,
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
    found: list[Change] = []
    compared: dict[str, tuple[str, ...]] = {}
    services: dict[str, frozenset[str]] = {}
    notes: list[str] = []
    for name in _chosen(before, after, system, environment):
        one, other = before.get(name), after.get(name)
        present = [side for side in (one, other) if side]
        compared[name] = _compared(present, environment)
        services[name] = frozenset.intersection(
            *(frozenset(side.system.file.services) for side in present)
        )
        if not any(_environments(side) for side in present):
            notes.append(f"{name} has no environment, so no files are rendered to compare")
        if one and other and _same(one, other):
            continue
        found += _system(one, other, compared[name], kinds, render, price)
    return Comparison(base.label, head.label, compared, services, merged(found), tuple(notes))


def _chosen(
    before: Mapping[str, _LoadedSystem],
    after: Mapping[str, _LoadedSystem],
    system: str | None,
    environment: str | None,
) -> list[str]:
    """List the systems to compare. Raises BadInput for a name that neither side has."""
    names = sorted({*before, *after})
    if system is not None and system not in names:
        raise BadInput([Problem(system, f"no such system; {did_you_mean(system, names)}")])
    chosen = [name for name in names if system in (None, name)]
    sides = [side[name] for side in (before, after) for name in chosen if name in side]
    known = {name for side in sides for name in _environments(side)}
    if environment is not None and environment not in known:
        hint = did_you_mean(environment, known)
        raise BadInput([Problem(environment, f"no such environment; {hint}")])
    return chosen


def _compared(sides: Iterable[_LoadedSystem], environment: str | None) -> tuple[str, ...]:
    """List the environments of a system to compare.

    Files that are rendered into a repository run nowhere, and git shows their differences.
    """
    found: dict[str, None] = {}
    repositories: set[str] = set()
    for side in sides:
        found.update(dict.fromkeys(_environments(side)))
        repositories.update(_repositories(side))
    if environment is not None:
        return (environment,) if environment in found else ()
    return tuple(name for name in found if name not in repositories)


def _loaded(source: Revision) -> tuple[dict[str, _LoadedSystem], list[Problem]]:
    """Load every system of a side, by its name."""
    found: dict[str, _LoadedSystem] = {}
    problems: list[Problem] = []
    for file in source.files:
        try:
            loaded = _LoadedSystem(source, file)
        except BadInput as error:
            problems += _on(source, error)
            continue
        name = loaded.system.name
        found[name if name not in found else file] = loaded
    return found, problems


def _on(source: Revision, error: BadInput) -> list[Problem]:
    """Say on which side a problem is."""
    return [Problem(f"{source.prefix}{problem.where}", problem.what) for problem in error.problems]


def _environments(loaded: _LoadedSystem) -> Iterable[str]:
    return loaded.system.file.environments


def _repositories(loaded: _LoadedSystem) -> Iterable[str]:
    known = loaded.system.file.environments
    return (name for name, environment in known.items() if environment.target == "repository")


def _same(one: _LoadedSystem, other: _LoadedSystem) -> bool:
    """Tell whether both were made of the same bytes: then all that follows is the same."""
    return (one.file, one.read) == (other.file, other.read)


def _system(
    one: _LoadedSystem | None,
    other: _LoadedSystem | None,
    environments: Iterable[str],
    kinds: Mapping[str, StoreKind],
    render: Render,
    price: Price,
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
            yield from changes(*(RenderedSide(side, render(side.plan)) for side in (before, after)))
        elif before or after:
            of = "environment" if one and other else "system"
            yield from _whole(before, after, of)
        yield from cost(before, after, *(price(s.plan) if s else 0.0 for s in (before, after)))
    if problems:
        raise BadInput(problems)


def _whole(before: Side | None, after: Side | None, of: str) -> Iterator[Change]:
    if before is not None:
        yield one_sided(before, "removed", of=of)
    if after is not None:
        yield one_sided(after, "added", of=of)
