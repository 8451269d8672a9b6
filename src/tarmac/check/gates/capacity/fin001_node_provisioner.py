"""Settings that exclude each other are not set together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


def check(files: Files) -> Iterator[Finding]:
    """Yield objects that their own controller would reject."""
    for pair in exclusive_settings():
        for artifact in pair.objects(files):
            one, other = pair.values(artifact)
            if one and other is not None:
                yield Finding(
                    artifact.at(*pair.other),
                    f"{title(artifact)} has {'.'.join(pair.other[1:])} ({other}) beside "
                    f"{'.'.join(pair.one[1:])}, and {pair.api} accepts only one of them; "
                    f"{pair.instead} ({pair.source})",
                )


def _judged(files: Files) -> Iterator[Artifact]:
    for pair in exclusive_settings():
        yield from pair.objects(files)


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


GATE = Gate(
    id="FIN001",
    title="Settings of the node provisioner do not exclude each other",
    phase="finops",
    source="a webhook rejects the object, and nodes stay as they are",
    check=check,
    scope=counted_in_files("node provisioners", _judged),
    of_files=check,
    alone=True,
    targets=(),  # nothing of its kind is rendered: a pass there would prove nothing
    reads="the pairs of assets/published.yaml: Karpenter's Provisioner. A schema cannot "
    "express them, so VAL001 accepts both.",
)
