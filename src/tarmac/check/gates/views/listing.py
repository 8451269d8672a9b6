"""Files by their kinds and folders, so that no gate reads all of them to find a few."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.check.gates.views.shapes.kinds import own_kind
from tarmac.check.gates.views.shapes.templates import SPECS, spec_paths


class Listing:
    """Some files, grouped once."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._by_kind: dict[str, list[Artifact]] = {}
        self._by_folder: dict[str, list[Artifact]] = {}
        self._specs: dict[str, list[tuple[Artifact, Path]]] = {}
        for artifact in artifacts:
            if artifact.is_object and {"apiVersion", "kind"} <= artifact.data.keys():
                kind = own_kind(artifact.data)
                self._by_kind.setdefault(kind, []).append(artifact)
                for path in spec_paths(artifact.data):
                    self._specs.setdefault(kind, []).append((artifact, path))
            for name in set(_path(artifact).split("/")[:-1]):
                self._by_folder.setdefault(name, []).append(artifact)

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        by_kind = self._by_kind
        return tuple(found for kind in kinds or by_kind for found in by_kind.get(kind, ()))

    def pod_specs(self, *kinds: str) -> tuple[tuple[Artifact, Path], ...]:
        """List where objects of these kinds, or of all, have the `spec` of pods."""
        wanted = kinds or dict.fromkeys((*SPECS, *self._specs))
        return tuple(found for kind in wanted for found in self._specs.get(kind, ()))

    def below(self, folder: str) -> tuple[Artifact, ...]:
        """List the files with these folders in their path: `a/b/c.yaml` is below a, b and a/b."""
        rarest = min((self._by_folder.get(name, []) for name in folder.split("/")), key=len)
        return tuple(found for found in rarest if f"/{folder}/" in f"/{_path(found)}")


def _path(artifact: Artifact) -> str:
    return artifact.built_by or artifact.path
