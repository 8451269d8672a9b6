"""Which tests are slow, and of which topic, as tests/tiers.yaml says.

Plain functions over that file, for the plugins of the suite and for .ci/topics.py.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
TIERS: Mapping[str, Any] = yaml.safe_load((ROOT / "tests/tiers.yaml").read_text(encoding="utf-8"))
#: Each slow folder, file and test with its topic.
PLACES = {place: topic for topic, places in TIERS["slow"].items() for place in places}


def topics() -> list[str]:
    """Return every topic, in the order in which `make test-all` runs them."""
    variants = {topic for named in TIERS["slow_variants"].values() for topic in named.values()}
    return sorted({*TIERS["slow"], *variants})


def paths(topic: str) -> list[str]:
    """Return the folders and files in which a topic has tests."""
    found = {place.partition("::")[0] for place, its in PLACES.items() if its == topic}
    variants = TIERS["slow_variants"].items()
    found |= {place for place, named in variants if topic in named.values()}
    return sorted(found)


def topic_of(nodeid: str, *, is_journey: bool = False) -> str | None:
    """Return the topic of a slow test; None for one that `make test` runs.

    Args:
        is_journey: it is marked as a system's journey.
    """
    known = names(nodeid)
    variant = set(nodeid.partition("[")[2].rstrip("]").split("-"))
    for place, named in TIERS["slow_variants"].items():
        if place in known:
            for value in variant & named.keys():
                return str(named[value])
    if is_journey and TIERS["journeys"] in known:
        return None
    return next((PLACES[name] for name in known & PLACES.keys()), None)


def names(nodeid: str) -> set[str]:
    """Name a test with and without its variant, its file, and the folders that it is in."""
    file = nodeid.partition("::")[0]
    return {nodeid, nodeid.partition("[")[0], *_folders(file)}


@functools.cache
def _folders(file: str) -> tuple[str, ...]:
    """Name a file and the folders that it is in."""
    return (file, *(parent.as_posix() for parent in Path(file).parents))
