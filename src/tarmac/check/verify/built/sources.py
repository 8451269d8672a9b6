"""Reads the files that objects are built of, with their lines; called by what builds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from tarmac.base.artifact import Artifact, located
from tarmac.base.foreign import data, files

#: A path in a document -> its line.
Lines: TypeAlias = Mapping[tuple[str | int, ...], int]


@dataclass(frozen=True)
class Document:
    """One document of a file: any data, and where its parts are."""

    #: As findings name it.
    file: str
    data: Any
    lines: Lines

    def at(self, *path: str | int) -> str:
        """Return a part's place, or that of the nearest known one above."""
        for end in range(len(path), -1, -1):
            if (line := self.lines.get(path[:end])) is not None:
                return f"{self.file}:{line}"
        return self.file


@dataclass(frozen=True)
class Sources:
    """The files of a folder that is judged."""

    root: Path
    #: How findings name a file.
    shown: Callable[[Path], str]
    #: What was read of it before, by the name of the file.
    known: Mapping[str, list[Artifact]] = field(default_factory=dict)
    #: All files of the folder.
    paths: tuple[Path, ...] = ()

    def text(self, path: Path) -> str:
        """Read a file's text. Raises BadInput: it is not there, no regular file, or outside."""
        return files.text(path, name=self.shown(path), root=self.root)

    def documents(self, path: Path) -> list[Document]:
        """Read the documents of a YAML file.

        Raises:
            BadInput: it cannot be read, or is not YAML; with its place.
        """
        name = self.shown(path)
        if before := self.known.get(name):
            return [Document(name, one.content, one.lines) for one in before]
        return documents(name, self.text(path))


def documents(name: str, text: str, first: int = 1) -> list[Document]:
    """Read the documents of a text that begins at a line of a file.

    Raises:
        BadInput: it is not YAML; with its place.
    """
    try:
        return [
            Document(name, content, {path: line + first - 1 for path, line in lines.items()})
            for content, lines in located(text)
        ]
    except yaml.YAMLError as error:
        raise data.problem(name, error) from None


def is_inside(path: Path, root: Path) -> bool:
    """Tell whether a path is in a folder, as it is written."""
    return path == root or root in path.parents
