"""Files by their kinds and folders, so that no gate reads all of them to find a few."""

from __future__ import annotations

from collections.abc import Iterable

from tarmac.base.artifact import Artifact


class Listing:
    """Some files, grouped once."""

    def __init__(self, artifacts: Iterable[Artifact]) -> None:
        self._by_kind: dict[str, list[Artifact]] = {}
        self._by_folder: dict[str, list[Artifact]] = {}
        for artifact in artifacts:
            if artifact.is_object and {"apiVersion", "kind"} <= artifact.data.keys():
                self._by_kind.setdefault(str(artifact.data["kind"]), []).append(artifact)
            for name in set(_path(artifact).split("/")[:-1]):
                self._by_folder.setdefault(name, []).append(artifact)

    def objects(self, *kinds: str) -> tuple[Artifact, ...]:
        """List the Kubernetes objects of these kinds; of all without."""
        by_kind = self._by_kind
        return tuple(found for kind in kinds or by_kind for found in by_kind.get(kind, ()))

    def below(self, folder: str) -> tuple[Artifact, ...]:
        """List the files with these folders in their path: `a/b/c.yaml` is below a, b and a/b."""
        rarest = min((self._by_folder.get(name, []) for name in folder.split("/")), key=len)
        return tuple(found for found in rarest if f"/{folder}/" in f"/{_path(found)}")


def _path(artifact: Artifact) -> str:
    return artifact.built_by or artifact.path
