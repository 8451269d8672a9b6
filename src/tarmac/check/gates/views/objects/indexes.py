"""Finds objects by labels and by namespace without reading all of them each time.

A repository may have thousands: what compares each with each takes minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Generic, TypeVar

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields
from tarmac.check.gates.views.objects.metadata import name_of, space_of
from tarmac.check.gates.views.objects.selectors import labels_of, selects
from tarmac.check.gates.views.pods.pods import Pods

#: So many names are compared with one that is misspelt.
MOST_COMPARED = 500

Thing = TypeVar("Thing")


class LabelIndex(Generic[Thing]):
    """Things with labels, found by a selector in about the time that its answer takes."""

    def __init__(self, things: Iterable[Thing], labels: Callable[[Thing], Fields]) -> None:
        """Read the labels of each once."""
        self.things = tuple(things)
        self._labels = [labels(thing) for thing in self.things]
        self._by: dict[tuple[str, str], list[int]] = {}
        for number, own in enumerate(self._labels):
            for key, value in own.items():
                self._by.setdefault((key, str(value)), []).append(number)

    def selected(self, selector: Fields | None) -> list[Thing]:
        """List the things that a label selector takes, in the order of the files."""
        plain: Mapping[str, str] = labels_of(selector)
        likely: Sequence[int] = range(len(self.things))
        for key, value in plain.items():
            likely = min(likely, self._by.get((key, str(value)), ()), key=len)
        return [self.things[number] for number in likely if selects(selector, self._labels[number])]


class Neighbours(Generic[Thing]):
    """Things by the namespace that they are applied to, as far as they say.

    Of one that names none that is known only within a folder: a repository has many systems.
    """

    def __init__(self, things: Iterable[Thing], artifact: Callable[[Thing], Artifact]) -> None:
        """Group them by namespace and folder."""
        self._by_space: dict[str, list[int]] = {}
        #: Those in a folder, and those below it; of the ones that name no namespace, and of all.
        self._in: dict[tuple[bool, str], list[int]] = {}
        self._below: dict[tuple[bool, str], list[int]] = {}
        self._known: dict[tuple[str, str], list[Thing]] = {}
        self.things = tuple(things)
        for number, thing in enumerate(self.things):
            space, folder = place_of(artifact(thing))
            self._by_space.setdefault(space, []).append(number)
            for unplaced in (True, False) if not space else (False,):
                self._in.setdefault((unplaced, folder), []).append(number)
                for parent in _parents(folder):
                    self._below.setdefault((unplaced, parent), []).append(number)

    def of(self, artifact: Artifact) -> list[Thing]:
        """List those that may be in the namespace of an object, in the order of the files."""
        space, folder = place_of(artifact)
        if (space, folder) not in self._known:
            unplaced = bool(space)
            found = set(self._by_space.get(space, ()) if space else ())
            found.update(self._below.get((unplaced, folder), ()))
            for near in (folder, *_parents(folder)):
                found.update(self._in.get((unplaced, near), ()))
            self._known[space, folder] = [self.things[number] for number in sorted(found)]
        return self._known[space, folder]


class PodIndex:
    """The pods that are kept in some files."""

    def __init__(self, kept: Iterable[Pods]) -> None:
        """Read the labels and places of all."""
        self._index = LabelIndex(kept, lambda own: own.labels)
        self.kept = self._index.things
        self.near = Neighbours(self.kept, lambda own: own.artifact)

    def selected(self, selector: Fields | None) -> list[Pods]:
        """List the pods that a label selector takes, in the order of the files."""
        return self._index.selected(selector)


def place_of(artifact: Artifact) -> tuple[str, str]:
    """Read an object's namespace, and the folder that it is in."""
    return space_of(artifact), artifact.path.rpartition("/")[0]


def _parents(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


class NamedNeighbours:
    """Objects by their names, of which those that are applied beside another one are found."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._by_name: dict[str, list[Artifact]] = {}
        for one in artifacts:
            self._by_name.setdefault(name_of(one), []).append(one)

    def named(self, name: str, artifact: Artifact) -> Artifact | None:
        """Find one in the namespace of an object; where that has none, in its folder."""
        space, folder = place_of(artifact)
        for one in self._by_name.get(name, ()):
            own = place_of(one)
            if own[0] == space and (space or own[1] == folder):
                return one
        return None
