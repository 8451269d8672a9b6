"""Argo CD's projects: what their Applications may read, and where they may put which kinds."""

from __future__ import annotations

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, fields, items, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App
from tarmac.check.gates.views.objects.metadata import name_of


class Project:
    """An AppProject."""

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact

    @property
    def repositories(self) -> tuple[str, ...]:
        """The repositories that may be read."""
        return items(self.artifact.data, "spec", "sourceRepos")

    @property
    def namespaces(self) -> tuple[str | None, ...]:
        """The namespaces that may be filled."""
        destinations = items(self.artifact.data, "spec", "destinations")
        return tuple(text(destination, "namespace") for destination in destinations)

    @property
    def homes(self) -> tuple[str, ...]:
        """The namespaces that its Applications may be of, beside that of Argo CD."""
        return items(self.artifact.data, "spec", "sourceNamespaces")

    @property
    def destinations(self) -> tuple[Fields, ...]:
        """The clusters and namespaces that may be filled."""
        return tuple(map(fields, items(self.artifact.data, "spec", "destinations")))

    @property
    def cluster_kinds(self) -> tuple[tuple[str | None, str | None], ...]:
        """The groups and kinds of objects outside of namespaces that may be applied."""
        return self._kinds("clusterResourceWhitelist")

    @property
    def namespace_kinds(self) -> tuple[tuple[str | None, str | None], ...]:
        """The groups and kinds of objects in namespaces that may be applied."""
        return self._kinds("namespaceResourceWhitelist")

    def _kinds(self, field: str) -> tuple[tuple[str | None, str | None], ...]:
        allowed = items(self.artifact.data, "spec", field)
        return tuple((text(entry, "group"), text(entry, "kind")) for entry in allowed)


def project_of(files: Files, app: App) -> Project | None:
    """Find the AppProject of an Application."""
    found = (e for e in files.objects("AppProject") if name_of(e) == app.project)
    return next(map(Project, found), None)
