"""Kinds of custom resources that have no schema here: assets/known_groups.yaml."""

from __future__ import annotations

from functools import cache
from importlib.resources import files as resources

import yaml

from tarmac.base.errors import misspelt

FILE = resources("tarmac") / "assets" / "known_groups.yaml"


@cache
def _known() -> dict[str, frozenset[str]]:
    read = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {group: frozenset(kinds.split()) for group, kinds in read.items()}


def meant(group: str, kind: str) -> str:
    """Return the group and kind that others are almost; "" where both may be right.

    One of the two is right: another operator may have names that are like these.
    """
    known = _known()
    if group in known:
        near = misspelt(kind.lower(), known[group])
        return f"{group} {near}" if near and near != kind.lower() else ""
    near = misspelt(group, (one for one, kinds in known.items() if kind.lower() in kinds))
    return f"{near} {kind}" if near else ""
