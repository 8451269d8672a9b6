"""What a mesh adds to pods: the image of its sidecar, which admission and its installation name."""

from __future__ import annotations

#: Mesh -> the repository of its sidecar's image; its init container changes the pod's own network.
SIDECARS = {"istio": "docker.io/istio/proxyv2"}


def hub(mesh: str) -> str:
    """Name where the images of a mesh are."""
    return SIDECARS[mesh].rpartition("/")[0]
