"""Pipelines of GitLab with the files that they include, and jobs with the templates they extend.

Each part keeps its place: what a job has of a template is told where that is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, fields, string, texts

#: So many templates may be in a row, as GitLab allows; so many files in a chain are enough.
_MOST = 11

Places = dict[Path, str]


def joined(pipeline: Artifact, files: Mapping[str, Artifact]) -> Artifact:
    """Add the files of the same repository that a pipeline includes.

    What is not here, or is included under conditions or with inputs, stays in its `include`.
    """
    if "include" not in pipeline.data:
        return pipeline
    data, places, left = _read(pipeline, pipeline.path, files, _MOST)
    return replace(pipeline, content={**data, "include": left} if left else data, places=places)


def inherited(
    data: Fields, name: str, places: Mapping[str, Places]
) -> tuple[Fields, Places] | None:
    """Return a job with what it has of its templates, and the places of that below its name.

    Args:
        places: those of each entry of the pipeline, by its name.

    None: a template is not here, or they go round.
    """
    job = fields(data, name)
    above = templates(data, job)
    if above is None:
        return None
    whole: dict[str, Any] = {}
    found: Places = {}
    for one, own in (*above.items(), (name, job)):
        whole = merged(whole, own)
        found |= places.get(one, {})
    return {key: value for key, value in whole.items() if key != "extends"}, found


def templates(data: Fields, job: Fields, left: int = _MOST) -> dict[str, Fields] | None:
    """Find the templates of a job in the order in which each replaces those before it.

    None: one of them is not here, or they go round.
    """
    found: dict[str, Fields] = {}
    for name in texts(job.get("extends")):
        one = data.get(name)
        above = templates(data, one, left - 1) if isinstance(one, Mapping) and left else None
        if above is None or not isinstance(one, Mapping):
            return None
        found |= above | {name: one}
    return found


def placed(pipeline: Artifact) -> dict[str, Places]:
    """Return the place of each part, by the entry that it is of and the path below that."""
    found: dict[str, Places] = {}
    for path, at in _places(pipeline).items():
        if path:
            found.setdefault(str(path[0]), {})[path[1:]] = at
    return found


def merged(first: Fields, second: Fields) -> dict[str, Any]:
    """Merge mappings as GitLab does: into each other, and lists are replaced."""
    found = dict(first)
    for key, value in second.items():
        own = found.get(key)
        both = isinstance(own, Mapping) and isinstance(value, Mapping)
        found[key] = merged(own, value) if both and "!reference" not in value else value  # type: ignore[arg-type]
    return found


def _read(
    file: Artifact, root: str, files: Mapping[str, Artifact], left: int
) -> tuple[dict[str, Any], Places, list[Any]]:
    """Read a file below what it includes, with its places and the includes that are left out."""
    data: dict[str, Any] = {}
    places: Places = {}
    open_ones: list[Any] = []
    written = file.data.get("include")
    for one in written if isinstance(written, list) else [written] if written else []:
        paths = _local(one, root, files) if left else []
        if not paths:
            open_ones.append(one)
        for path in paths:
            below, at, more = _read(files[path], root, files, left - 1)
            data, places, open_ones = merged(data, below), places | at, open_ones + more
    own = {key: value for key, value in file.data.items() if key != "include"}
    return merged(data, own), places | _places(file), open_ones


def _local(one: Any, root: str, files: Mapping[str, Artifact]) -> list[str]:
    """List the files of this repository that an entry of `include` names, whatever comes.

    A path begins in the root of the repository, which may be a folder below the one that is judged.
    """
    entry = {"local": one} if isinstance(one, str) else fields(one)
    name = string(entry, "local") if entry.keys() == {"local"} else ""
    if not name or "$" in name or "://" in name:
        return []
    above = PurePosixPath(root).parents
    places = (str(folder / name.lstrip("/")) for folder in reversed(above))
    found = ([known for known in files if fnmatchcase(known, path)] for path in places)
    return next(filter(None, found), [])


def _places(file: Artifact) -> Places:
    return {**{path: f"{file.path}:{line}" for path, line in file.lines.items()}, **file.places}
