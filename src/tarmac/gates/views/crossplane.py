"""Crossplane: what a Composition makes, and by which claim it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.views.reading import text


class Composition:
    """A Composition."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def composite(self) -> tuple[str, str]:
        """The group and kind that it implements."""
        api = str(text(self.artifact.data, "spec", "compositeTypeRef", "apiVersion"))
        kind = text(self.artifact.data, "spec", "compositeTypeRef", "kind")
        return api.partition("/")[0], str(kind)

    @property
    def resources(self) -> Iterator[tuple[str, str]]:
        """The group and kind of each object in it, itself among them."""
        for found in _objects(self.artifact.data):
            yield str(found["apiVersion"]).partition("/")[0], found["kind"]


class Definition:
    """A CompositeResourceDefinition."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def composite(self) -> tuple[str | None, str | None]:
        """The group and kind that it defines."""
        data = self.artifact.data
        return text(data, "spec", "group"), text(data, "spec", "names", "kind")

    @property
    def claim(self) -> str:
        """The kind by which users ask for one; empty where there is none."""
        return text(self.artifact.data, "spec", "claimNames", "kind") or ""


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside of one."""
    if isinstance(value, dict):
        if "apiVersion" in value and "kind" in value:
            yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)
