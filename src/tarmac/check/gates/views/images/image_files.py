"""Files of a repository, by what a program in an image calls them."""

from __future__ import annotations

import posixpath

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.started import StartedProgram


class ImageFiles:
    """The texts that are here, as a program in an image names them."""

    def __init__(self, files: Files) -> None:
        self.by_path = {one.path: one for one in files.artifacts if isinstance(one.content, str)}
        self._by_name: dict[str, list[Artifact]] = {}
        for path, artifact in self.by_path.items():
            self._by_name.setdefault(posixpath.basename(path), []).append(artifact)

    def copied(self, name: str, one: StartedProgram) -> Artifact | None:
        """Find a file that an image is made of; None where several may be it."""
        beside = self._by_name.get(posixpath.basename(name), [])
        own = [file for file in beside if not one.folder or file.path.startswith(f"{one.folder}/")]
        return own[0] if len(own) == 1 else None
