"""Services: the pods that they send to, and by which ports."""

from __future__ import annotations

from collections.abc import Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, number, port, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import Metadata, metadata


class ServicePort:
    """One port of a Service."""

    def __init__(self, data: Fields) -> None:
        self.data = data

    @property
    def name(self) -> str | None:
        """Its name."""
        return text(self.data, "name")

    @property
    def number(self) -> int | None:
        """The number that clients use."""
        return number(self.data, "port")

    @property
    def target(self) -> int | str | None:
        """The port of the pods, by number or name."""
        found = port(self.data, "targetPort")
        return self.number if found is None else found


class Service:
    """One Service."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def metadata(self) -> Metadata:
        """What it says of itself."""
        return metadata(self.artifact)

    @property
    def selector(self) -> Mapping[str, str] | None:
        """The labels of its pods; None: its ends are named otherwise."""
        spec = fields(self.artifact.data, "spec")
        return fields(spec, "selector") if "selector" in spec else None

    @property
    def ports(self) -> tuple[ServicePort, ...]:
        """Its ports."""
        return tuple(map(ServicePort, items(self.artifact.data, "spec", "ports")))


def services(files: Files) -> dict[str, Service]:
    """Find the Services by their names."""
    return {own.metadata.name: own for own in map(Service, files.objects("Service"))}
