"""Reads a rendered tree back as it stands on disk, edits by hand included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from tarmac.artifact import Artifact
from tarmac.errors import BadInput, Problem

#: A rendered file is kilobytes; what is larger is none.
MOST_BYTES = 2_000_000


def read(
    tree: Path, rendered: Iterable[Artifact], *, among_others: bool = False
) -> tuple[Artifact, ...]:
    """Read every file of a tree.

    Args:
        rendered: what the model gives today: says which line of it a file comes from, and which
            files are text for another program (a chart, an overlay) whatever they look like.
        among_others: it is somebody's repository: what is rendered and its workflows are read.

    Raises:
        BadInput: there are no files in it.
    """
    known = {each.path: each for each in rendered}
    found = []
    paths = {*tree.glob(".github/workflows/*"), *(tree / name for name in known)}
    for path in sorted(paths if among_others else tree.rglob("*")):
        if path.is_file() and path.stat().st_size <= MOST_BYTES:
            name = path.relative_to(tree).as_posix()
            made = known.get(name)
            contents = _contents(path, as_text=made is not None and isinstance(made.content, str))
            found += [Artifact(name, each, made.place if made else "") for each in contents]
    if not found:
        raise BadInput(
            [Problem(str(tree), "there are no files in it; `tarmac render` writes them")]
        )
    return tuple(found)


def _contents(path: Path, *, as_text: bool) -> Iterator[Mapping[str, Any] | str]:
    """Yield each document of a YAML file; the text of another, and of a template of a chart."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    if path.suffix in (".yaml", ".yml") and not as_text:
        try:
            documents = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
        except yaml.YAMLError:
            yield text
            return
        yield from (each for each in documents if isinstance(each, dict))
    else:
        yield text
