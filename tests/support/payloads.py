"""Models with a text in every place where the model takes it, and what is rendered of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tarmac.base.artifact import write
from tarmac.base.errors import BadInput
from tarmac.base.foreign import files
from tarmac.model.loader import load
from tarmac.render import in_memory as rendering

Place = tuple[str | int, ...]
_AT = re.compile(r"tarmac\.yaml:(\d+):(\d+)")


@dataclass(frozen=True)
class Planted:
    """A model in which texts are put in others' places."""

    document: str
    folder: Path

    @property
    def file(self) -> Path:
        """Where it is written."""
        return self.folder / "tarmac.yaml"

    def texts(self) -> list[Place]:
        """Every place of a text."""
        return list(_texts(yaml.safe_load(self.document)))

    def plant(self, places: list[Place], text: str) -> None:
        """Write the model with this text in these places."""
        document = yaml.safe_load(self.document)
        for place in places:
            within = document
            for step in place[:-1]:
                within = within[step]
            within[place[-1]] = text
        self.file.write_text(yaml.safe_dump(document, sort_keys=False, width=100_000))

    def taking(self, text: str) -> list[Place]:
        """The places where the model takes this text: all others are refused."""
        left = self.texts()
        while (refused := self._refused(left, text)) is not None:
            kept = [place for place in left if place not in refused]
            # An error of something around it has no place of its own.
            left = kept if len(kept) < len(left) else [p for p in left if self._takes(p, text)]
        return left

    def _takes(self, place: Place, text: str) -> bool:
        return self._refused([place], text) is None

    def _refused(self, places: list[Place], text: str) -> set[Place] | None:
        """What the model says is wrong with this text in these places; None where nothing is."""
        self.plant(places, text)
        try:
            load(str(self.file), files.content)
        except BadInput as error:
            return set(self._places(error))
        return None

    def _places(self, error: BadInput) -> Iterator[Place]:
        """What an error is about: a text, or what is around it where that has no other."""
        known = dict(_marks(yaml.compose(self.file.read_text())))
        for found in _AT.finditer(str(error)):
            yield known[int(found[1]), int(found[2])]

    def rendered(self, environments: tuple[str, ...]) -> dict[str, str]:
        """Every file of these environments."""
        return {
            f"{environment}/{artifact.path}": write(artifact, "")
            for environment in environments
            for artifacts in rendering.make(self.file, environment, ()).artifacts.values()
            for artifact in artifacts
        }


def _texts(value: Any, place: Place = ()) -> Iterator[Place]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _texts(part, (*place, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _texts(part, (*place, number))
    elif isinstance(value, str):
        yield place


def _marks(node: Any, place: Place = ()) -> Iterator[tuple[tuple[int, int], Place]]:
    """Yield the place of each node by its line and column; keys stand for their values."""
    yield _at(node), place
    if isinstance(node, yaml.MappingNode):
        for key, part in node.value:
            yield from _marks(part, (*place, key.value))
            yield _at(key), (*place, key.value)
    elif isinstance(node, yaml.SequenceNode):
        for number, part in enumerate(node.value):
            yield from _marks(part, (*place, number))


def _at(node: Any) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1
