"""Files that people write and that are rendered as they stand; they are shipped in the package."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable


@cache
def asset(path: str) -> str:
    """Give the text of one file below `assets/`."""
    return resources.files("tarmac").joinpath("assets", *path.split("/")).read_text()


def assets(folder: str) -> Iterator[str]:
    """List the files of a folder below `assets/`, each by its path below `assets/`, in order."""
    yield from _below(resources.files("tarmac").joinpath("assets", *folder.split("/")), folder)


def _below(folder: Traversable, path: str) -> Iterator[str]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name == "__pycache__":  # made where programs among them are compiled, as by pip
            continue
        if entry.is_dir():
            yield from _below(entry, f"{path}/{entry.name}")
        else:
            yield f"{path}/{entry.name}"
