"""Argo CD's Applications, those that sets make among them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, dig, fields, items, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.sets import expanded
from tarmac.check.gates.views.argo.sources import IgnoredDifference, Source
from tarmac.check.gates.views.objects.metadata import Metadata, kind_of

WAVE = "argocd.argoproj.io/sync-wave"
NAMESPACE = "argocd"
RESPECT = "RespectIgnoreDifferences=true"


@dataclass(frozen=True)
class App:
    """One Application, or one that a set makes."""

    #: The file that says it.
    artifact: Artifact
    data: Fields
    wave: int

    @property
    def metadata(self) -> Metadata:
        """What it says of itself."""
        return Metadata(fields(self.data, "metadata"))

    @property
    def name(self) -> str:
        """Its name."""
        return self.metadata.name

    @property
    def title(self) -> str:
        """For a reader."""
        return f"Application {self.name}"

    @property
    def in_set(self) -> bool:
        """Whether a set makes it."""
        return kind_of(self.artifact) == "ApplicationSet"

    @property
    def project(self) -> str | None:
        """The name of its AppProject."""
        return text(self.data, "spec", "project")

    @property
    def sources(self) -> tuple[Source, ...]:
        """Where its objects come from."""
        one = dig(self.data, "spec", "source")
        return (Source(one),) if one else tuple(map(Source, items(self.data, "spec", "sources")))

    @property
    def space(self) -> str:
        """The namespace that it fills."""
        return str(dig(self.data, "spec", "destination", "namespace") or "")

    @property
    def automated(self) -> bool:
        """Whether it is synced without a person."""
        return isinstance(dig(self.data, "spec", "syncPolicy", "automated"), dict)

    @property
    def prunes(self) -> bool:
        """Whether it deletes what is removed from git."""
        return dig(self.data, "spec", "syncPolicy", "automated", "prune") is True

    @property
    def heals(self) -> bool:
        """Whether it reverts changes that were not made in git."""
        return dig(self.data, "spec", "syncPolicy", "automated", "selfHeal") is True

    @property
    def ignored(self) -> tuple[IgnoredDifference, ...]:
        """Which fields it leaves to others."""
        return tuple(map(IgnoredDifference, items(self.data, "spec", "ignoreDifferences")))

    def lacks(self, pointer: str, kind: str, name: str) -> str:
        """Return what it lacks to leave a field to others; nothing where it does.

        Args:
            pointer: e.g. `/spec/replicas`.
            name: of the object; empty where that is not known.
        """
        for ignored in self.ignored:
            meant = ignored.kind in (kind, "*") and (not name or ignored.name in (name, "", None))
            if meant and pointer in (str(path).replace(".", "/") for path in ignored.paths):
                # Without it the next sync, whatever that is for, writes the field again.
                options = items(self.data, "spec", "syncPolicy", "syncOptions")
                return "" if RESPECT in options else RESPECT
        return f"ignoreDifferences of {pointer}"

    def at(self, *path: str | int) -> str:
        """Return where a part of it stands; of one that a set makes, in the set's template."""
        return self.artifact.at(*(("spec", "template") if self.in_set else ()), *path)


def applications(files: Files) -> tuple[App, ...]:
    """List all of Argo CD's Applications, those that sets make among them."""
    found = []
    for artifact in files.objects("Application", "ApplicationSet"):
        # Others have a kind of that name, too.
        if str(artifact.data["apiVersion"]).startswith("argoproj.io/"):
            in_set = kind_of(artifact) == "ApplicationSet"
            made = expanded(artifact.data) if in_set else (artifact.data,)
            found += [App(artifact, data, wave_of(artifact.data)) for data in made]
    return tuple(found)


def wave_of(data: Fields) -> int:
    """Read an object's wave; 0 where it says none."""
    return whole_number(str(fields(data, "metadata", "annotations").get(WAVE, "0")))


def whole_number(written: str) -> int:
    """Read the number of a wave, or of a weight of Helm's; 0 where none is written."""
    return int(written) if re.fullmatch(r"-?\d+", written) else 0
