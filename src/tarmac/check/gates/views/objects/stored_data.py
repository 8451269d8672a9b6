"""ConfigMaps and Secrets: which keys are in them, and where the values come from."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, string, text
from tarmac.check.gates.views.objects.metadata import name_of


class ConfigMap:
    """A ConfigMap."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def data(self) -> Fields:
        """Its texts, by key."""
        return fields(self.artifact.data, "data")

    @property
    def keys(self) -> frozenset[str]:
        """All of its keys."""
        return frozenset((*self.data, *fields(self.artifact.data, "binaryData")))


def keys_of(artifact: Artifact) -> frozenset[str]:
    """List the keys of a ConfigMap or a Secret."""
    held = ("data", "stringData", "binaryData")
    return frozenset(str(name) for key in held for name in fields(artifact.data, key))


class RemoteEntry:
    """One key of an ExternalSecret, and the entry that it is filled from."""

    def __init__(self, data: Fields) -> None:
        self.data = data

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


class ExternalSecret:
    """An ExternalSecret, of which its operator makes a Secret."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def target(self) -> str:
        """The name of the Secret."""
        return text(self.artifact.data, "spec", "target", "name") or name_of(self.artifact)

    @property
    def every(self) -> str:
        """How often it is filled again; "": its operator's default."""
        return string(self.artifact.data, "spec", "refreshInterval")

    @property
    def entries(self) -> tuple[RemoteEntry, ...]:
        """What it is filled from, key by key."""
        return tuple(map(RemoteEntry, items(self.artifact.data, "spec", "data")))

    @property
    def keys(self) -> frozenset[str] | None:
        """The keys of the Secret; None: those of a cloud's entry or of templates elsewhere."""
        spec = fields(self.artifact.data, "spec")
        if spec.get("dataFrom") or items(spec, "target", "template", "templateFrom"):
            return None
        template = fields(spec, "target", "template", "data")
        fetched = frozenset(entry.key for entry in self.entries)
        is_added = string(spec, "target", "template", "mergePolicy") == "Merge"
        return frozenset(template) | fetched if is_added else frozenset(template) or fetched
