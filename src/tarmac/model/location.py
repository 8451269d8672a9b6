"""A place in a file, which every error names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Location:
    """A place in a file; line and column count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


#: A path of keys and indices into a document, e.g. ("services", "web", "calls", 0).
Path = tuple[str | int, ...]
