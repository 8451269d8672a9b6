"""ConfigMaps and Secrets: which keys are in them, and where the values come from."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.artifact import Artifact
from tarmac.gates.views.objects.metadata import name_of
from tarmac.gates.views.reading import Fields, fields, items, text


@dataclass(frozen=True)
class ConfigMap:
    """A ConfigMap."""

    artifact: Artifact

    @property
    def data(self) -> Fields:
        """Its texts, by key."""
        return fields(self.artifact.data, "data")

    @property
    def keys(self) -> frozenset[str]:
        """All of its keys."""
        return frozenset((*self.data, *fields(self.artifact.data, "binaryData")))


def secret_keys(artifact: Artifact) -> frozenset[str]:
    """List the keys of a Secret."""
    data = artifact.data
    return frozenset((*fields(data, "data"), *fields(data, "stringData")))


@dataclass(frozen=True)
class RemoteEntry:
    """One key of an ExternalSecret, and the entry that it is filled from."""

    data: Fields

    @property
    def key(self) -> str:
        """The key in the Secret."""
        return str(self.data.get("secretKey"))

    @property
    def remote_key(self) -> str:
        """The path of the entry in the cloud's store."""
        return str(text(self.data, "remoteRef", "key"))

    @property
    def remote_property(self) -> str:
        """The part of the entry; empty: all of it."""
        return text(self.data, "remoteRef", "property") or ""


@dataclass(frozen=True)
class ExternalSecret:
    """An ExternalSecret, of which its operator makes a Secret."""

    artifact: Artifact

    @property
    def target(self) -> str:
        """The name of the Secret."""
        return text(self.artifact.data, "spec", "target", "name") or name_of(self.artifact)

    @property
    def entries(self) -> tuple[RemoteEntry, ...]:
        """What it is filled from, key by key."""
        return tuple(map(RemoteEntry, items(self.artifact.data, "spec", "data")))

    @property
    def keys(self) -> frozenset[str] | None:
        """The keys of the Secret; None: those of the cloud's entry, which are not known."""
        spec = fields(self.artifact.data, "spec")
        if spec.get("dataFrom"):
            return None
        template = fields(spec, "target", "template", "data")
        return frozenset(template or (entry.key for entry in self.entries))
