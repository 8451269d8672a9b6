"""Folders of pods that may be written to and that need not outlive a pod: /tmp, and what is named.

Each is a volume of its own. Services have theirs from the model, stores from their kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

TMP = "/tmp"  # noqa: S108 - in the container


def numbered(paths: Iterable[str]) -> dict[str, str]:
    """Name the volume of each path that a model says: it may be none of a volume's names."""
    return {"tmp": TMP, **{f"scratch-{number}": path for number, path in enumerate(paths, 1)}}


def by_path(paths: Iterable[str]) -> dict[str, str]:
    """Name the volume of each path that a kind of store says, by the path."""
    return {path.strip("/").replace("/", "-"): path for path in (TMP, *paths)}


def mounts(named: Mapping[str, str]) -> list[dict[str, Any]]:
    """Mount each at its path, by the volume's name."""
    return [{"name": name, "mountPath": path} for name, path in named.items()]


def volumes(named: Mapping[str, str], size: str = "64Mi") -> list[dict[str, Any]]:
    """List the volumes that those mounts name."""
    return [{"name": name, "emptyDir": {"sizeLimit": size}} for name in named]
