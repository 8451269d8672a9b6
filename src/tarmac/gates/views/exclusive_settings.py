"""Settings of an object that exclude each other: assets/published.yaml, `exclusive`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.artifact import Artifact
from tarmac.gates.subject import Files
from tarmac.gates.views.published import published
from tarmac.gates.views.reading import dig


@dataclass(frozen=True)
class ExclusiveSettings:
    """Two settings of one kind of object, of which its controller accepts one."""

    kind: str
    api: str
    one: tuple[str, ...]
    other: tuple[str, ...]
    instead: str
    source: str

    def objects(self, files: Files) -> Iterator[Artifact]:
        """Yield the objects that have them."""
        for artifact in files.objects(self.kind):
            if artifact.data["apiVersion"] == self.api:
                yield artifact

    def values(self, artifact: Artifact) -> tuple[Any, Any]:
        """Read both settings of an object."""
        return dig(artifact.data, *self.one), dig(artifact.data, *self.other)


def exclusive_settings() -> list[ExclusiveSettings]:
    """List the pairs that are known."""
    return [
        ExclusiveSettings(
            rule["kind"], rule["api"], tuple(rule["one"]), tuple(rule["other"]),
            rule["instead"], rule["source"],
        )
        for rule in published("exclusive")
    ]  # fmt: skip
