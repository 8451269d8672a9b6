"""Servers that a variable tells to keep their data beside the volume that is there for it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from posixpath import normpath
from typing import NamedTuple

from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.published import published


class MovedData(NamedTuple):
    """What says where data is, that place, and the number of the volume beside it."""

    variable: str
    place: str
    volume: int


def moved_data(image: str, variables: Mapping[str, str], mounts: Iterable[str]) -> MovedData | None:
    """Find data of a server that no mount holds although one is where its image has it.

    Args:
        image: with its tag.
        variables: values by name, filled in.
        mounts: paths of the container, in the order of its volumes.
    """
    paths = [path.rstrip("/") for path in mounts]
    for known in published("moved_data")["images"]:
        if not re.fullmatch(known["image"], untagged(image)):
            continue
        for name in known["variables"]:
            places = [one.strip() for one in variables.get(name, "").split(",")]
            are_plain = all(one.startswith("/") and "$" not in one for one in places)
            usual = [number for number, path in enumerate(paths) if path in known["usual"]]
            if are_plain and usual and not any(_is_kept(one, paths) for one in places):
                return MovedData(name, places[0], usual[0])
    return None


def _is_kept(place: str, paths: Iterable[str]) -> bool:
    return any(f"{normpath(place)}/".startswith(f"{path}/") for path in paths)
