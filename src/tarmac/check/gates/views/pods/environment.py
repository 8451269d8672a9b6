"""Environment variables of a container: their values, and the keys that they come from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tarmac.base.foreign.reading import Fields, fields, text


class KeySource:
    """A ConfigMap or Secret that a variable comes from, or one key of it."""

    def __init__(self, kind: str, data: Fields) -> None:
        self.kind = kind
        self.data = data

    @property
    def name(self) -> str:
        """The name of the object."""
        return str(self.data.get("name"))

    @property
    def key(self) -> str:
        """The key; empty: all of them."""
        return str(self.data.get("key") or "")

    @property
    def optional(self) -> bool:
        """Whether the pod starts without it."""
        return bool(self.data.get("optional"))


def _sources(data: Fields, config_map: str, secret: str) -> Iterator[KeySource]:
    for kind, field in (("ConfigMap", config_map), ("Secret", secret)):
        if found := fields(data, field):
            yield KeySource(kind, found)


class Variable:
    """One variable."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str | None:
        """Its name."""
        return text(self.data, "name")

    @property
    def has_value(self) -> bool:
        """Whether its value is written here."""
        return "value" in self.data

    @property
    def value(self) -> Any:
        """Its value, where it is written here."""
        return self.data.get("value")

    @property
    def sources(self) -> Iterator[KeySource]:
        """The key that its value comes from."""
        return _sources(fields(self.data, "valueFrom"), "configMapKeyRef", "secretKeyRef")


class EnvironmentSource:
    """An object whose every key is a variable."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def prefix(self) -> str:
        """What the names of the variables begin with."""
        return str(self.data.get("prefix", ""))

    @property
    def config_map(self) -> str | None:
        """The name of the ConfigMap, if it is one."""
        return text(self.data, "configMapRef", "name")

    @property
    def sources(self) -> Iterator[KeySource]:
        """The object."""
        return _sources(self.data, "configMapRef", "secretRef")
