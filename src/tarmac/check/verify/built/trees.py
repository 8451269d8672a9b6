"""Puts together what is judged as one tree: what is applied side by side, and files as they are.

What one file of values or one overlay gives has nothing to do with what another one does, unless
Applications put both into one namespace of one cluster. Where there are very many, those that may
be applied side by side are judged as one tree: each tree takes as long as all other files.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from tarmac.base.artifact import Artifact
from tarmac.base.foreign import files
from tarmac.check.gates.views.objects.metadata import Identity, identity_of
from tarmac.check.gates.views.overlays.kustomizations import is_kustomization
from tarmac.check.verify.built.unit import Build, Unit

#: So many trees are judged apart.
MOST_APART = 32


def trees(artifacts: tuple[Artifact, ...], made: Build) -> list[tuple[Artifact, ...]]:
    """List the trees of a folder.

    Args:
        artifacts: all files of the folder, as they are.
        made: what was built of some of them.
    """
    plain = tuple(_plain(artifacts, made))
    identified = [(identity_of(one) if _is_object(one) else None, one) for one in plain]
    groups = list(_groups(made.units))
    groups = groups if len(groups) <= MOST_APART else _side_by_side(groups)
    found = []
    hidden = False
    for group in groups:
        own = frozenset[Identity]().union(*(unit.identities for unit in group))
        others = tuple(one for identity, one in identified if identity not in own)
        hidden = hidden or len(others) < len(plain)
        found.append((*others, *(artifact for unit in group for artifact in unit.artifacts)))
    # An object that is there in another form, too, is judged as it is as well.
    return found if found and not hidden else [plain, *found]


def _plain(artifacts: Iterable[Artifact], made: Build) -> Iterator[Artifact]:
    """Yield the files that are judged as they are: no patches and bases of what was built."""
    parts = {files.shown(path) for path in made.parts}
    built = {files.shown(folder) for folder in made.built}
    for artifact in artifacts:
        folder = files.shown(Path(artifact.path).parent)
        if is_kustomization(artifact) and folder in built:
            # Its patches are judged by what they make.
            yield replace(artifact, content=_without_patches(artifact.data))
        elif artifact.path not in parts or not artifact.is_object:
            yield artifact


def _without_patches(data: Mapping[str, object]) -> Mapping[str, object]:
    return {key: value for key, value in data.items() if not key.startswith("patches")}


def _is_object(artifact: Artifact) -> bool:
    return artifact.is_object and {"apiVersion", "kind"} <= artifact.data.keys()


def _groups(units: Iterable[Unit]) -> Iterator[tuple[Unit, ...]]:
    """Yield the units that are applied together; those that have an object twice are not."""
    of: dict[str, list[Unit]] = {}
    for unit in units:
        of.setdefault(unit.destination, []).append(unit)
    for destination, found in of.items():
        seen: set[Identity] = set()
        together = []
        for unit in found:
            if not destination or seen & unit.identities:
                yield (unit,)
            else:
                seen |= unit.identities
                together.append(unit)
        if together:
            yield tuple(together)


def _side_by_side(groups: Iterable[tuple[Unit, ...]]) -> list[tuple[Unit, ...]]:
    """Put together what no Application places, if it has no object and no file in common.

    Overlays of one base are built of the same files, so they stay apart.
    """
    placed: list[tuple[Unit, ...]] = []
    found: list[tuple[Unit, ...]] = []
    taken: list[set[Identity | str]] = []
    for group in groups:
        if any(unit.destination for unit in group):
            placed.append(group)
            continue
        own = set[Identity | str]().union(*map(_owned, group))
        number = next((n for n, others in enumerate(taken) if others.isdisjoint(own)), len(found))
        if number == len(found):
            found.append(())
            taken.append(set())
        found[number] += group
        taken[number] |= own
    return [*placed, *found]


def _owned(unit: Unit) -> set[Identity | str]:
    """List the objects of a unit, and the files that it is built of."""
    return {*unit.identities, *(one.path for one in unit.artifacts)}
