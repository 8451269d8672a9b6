"""What is applied together: objects that were built, and the files that they were built of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.views.objects.metadata import Identity, identity_of


@dataclass(frozen=True)
class Unit:
    """The objects of one kustomization, or of one release of a chart."""

    #: What it was built of, as findings name it: `kustomize/overlays/production`.
    title: str
    #: What makes it: `kustomization` or `chart`.
    form: str
    artifacts: tuple[Artifact, ...]
    #: Where an Application puts it: units of one destination are one tree. Empty: none names it.
    destination: str = ""
    #: Where a patch deletes an object, by its kind and name.
    deleted: Mapping[tuple[str, str], str] = field(default_factory=dict)

    @property
    def identities(self) -> frozenset[Identity]:
        """Which objects it has."""
        return frozenset(map(identity_of, self.artifacts))


@dataclass(frozen=True)
class Build:
    """All that was built of a folder."""

    units: tuple[Unit, ...] = ()
    #: Files that are parts of what was built: resources, patches, templates.
    parts: frozenset[Path] = frozenset()
    #: Kustomizations that were built.
    built: frozenset[Path] = frozenset()
    #: Files of what could not be built: its patches may complete the objects in them.
    open: frozenset[Path] = frozenset()
    #: What could not be built, and why.
    unbuilt: tuple[Finding, ...] = field(default=())
