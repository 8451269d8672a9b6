"""Clusters that eksctl creates."""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.gates.subject import Files
from tarmac.gates.views.reading import dig


def eksctl_versions(files: Files) -> Iterator[tuple[str, str | float | None]]:
    """Yield the Kubernetes version of each ClusterConfig, by its place; None: eksctl's default."""
    for artifact in files.artifacts:
        if artifact.data.get("kind") == "ClusterConfig":
            yield artifact.at("metadata", "version"), dig(artifact.data, "metadata", "version")
