"""Rules on Kubernetes objects that are data: assets/object_rules.yaml, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

import yaml

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.check.gates.views.objects.metadata import group_of

FILE = files("tarmac") / "assets" / "object_rules.yaml"
#: Places whose rules are remembered; objects have some hundred, labels may have any number.
PLACES = 4096


@cache
def object_rules() -> Any:
    """Read all of them."""
    return yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)


def is_ruled(artifact: Artifact) -> bool:
    """Tell whether an object is of a group that the rules are of."""
    return group_of(artifact) in object_rules()["groups"]


@lru_cache(PLACES)
def choices(whole: str) -> Sequence[str]:
    """List the words that a place may have, as it is written; none where it may have any."""
    known: Mapping[str, Sequence[str]] = object_rules()["choices"]
    found = (words for end, words in known.items() if f".{whole}".endswith(f".{end}"))
    return next(found, ())


@lru_cache(PLACES)
def is_defaulted(whole: str) -> bool:
    """Tell whether an empty text at a place is taken for one that is not there."""
    return f".{whole}".endswith(tuple(f".{end}" for end in object_rules()["defaulted"]))


@lru_cache(PLACES)
def nearly(whole: str) -> Sequence[Sequence[str]]:
    """List, for a path as it is written, the words that a text there may be meant to be."""
    known: Mapping[str, Sequence[str]] = object_rules()["nearly"]
    return [words for end, words in known.items() if whole.endswith(end)]


def added(kind: str, path: Path) -> Sequence[str]:
    """List the words that a place takes although its definition has them not."""
    words: Sequence[str] = object_rules()["added"].get(kind, {}).get(written(path), ())
    return words


def is_exported(path: Path, value: object) -> bool:
    """Tell whether a field is what another API server wrote, and has no value."""
    return value is None and written(path) in object_rules()["exported"]


def written(path: Path) -> str:
    """Write a path as the rules have it: `-` for each element of a list."""
    return ".".join("-" if isinstance(key, int) else key for key in path)
