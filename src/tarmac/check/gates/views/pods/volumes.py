"""Volumes of a pod, and where its containers mount them."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.foreign.reading import Fields, fields, items, text


class Mount:
    """Where a container sees a volume."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def volume(self) -> str | None:
        """The name of the volume."""
        return text(self.data, "name")

    @property
    def path(self) -> str:
        """The folder or file."""
        return str(self.data.get("mountPath", ""))

    @property
    def sub_path(self) -> str:
        """The one file of the volume that is seen there; empty: all of it."""
        return str(self.data.get("subPath", ""))


class VolumeFile:
    """One key of an object as a file of a volume."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def key(self) -> str:
        """The key."""
        return str(self.data.get("key"))

    @property
    def path(self) -> str:
        """The file, below the folder where the volume is mounted."""
        return str(self.data.get("path", ""))


class VolumeSource:
    """A ConfigMap or Secret whose keys are the files of a volume."""

    def __init__(self, kind: str, data: Fields) -> None:
        self.kind = kind
        self.data = data

    @property
    def name(self) -> str:
        """The name of the object."""
        own = self.data.get("secretName") if self.kind == "Secret" else None
        return str(own or self.data.get("name"))

    @property
    def optional(self) -> bool:
        """Whether the pod starts without it."""
        return bool(self.data.get("optional"))

    @property
    def files(self) -> tuple[VolumeFile, ...]:
        """The keys that are taken; none written: all of them."""
        return tuple(map(VolumeFile, items(self.data, "items")))


def _sources(data: Fields) -> Iterator[VolumeSource]:
    for kind, field in (("ConfigMap", "configMap"), ("Secret", "secret")):
        if found := fields(data, field):
            yield VolumeSource(kind, found)


class Volume:
    """One volume of a pod."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str | None:
        """Its name."""
        return text(self.data, "name")

    @property
    def kinds(self) -> frozenset[str]:
        """What it is: one kind, where it is valid."""
        return frozenset(self.data.keys() - {"name"})

    @property
    def claim(self) -> str | None:
        """The name of its PersistentVolumeClaim."""
        return text(self.data, "persistentVolumeClaim", "claimName")

    @property
    def projected(self) -> tuple[Fields, ...]:
        """What is put together in it."""
        return items(self.data, "projected", "sources")

    @property
    def sources(self) -> Iterator[VolumeSource]:
        """The objects that its files come from."""
        for data in (self.data, *self.projected):
            yield from _sources(data)
