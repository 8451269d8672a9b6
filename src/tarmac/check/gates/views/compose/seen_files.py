"""Files of the repository that a Compose service sees, by what is mounted into it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import ComposeFiles
from tarmac.check.gates.views.compose.mounted_files import mounted_configs
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.once import once

_MOUNT = re.compile(r"(\.{0,2}/?[^:$]+):(/[^:]*)(:.*)?")


def seen_files(
    files: Files, service: ComposeService, beside: ComposeFiles
) -> Iterator[tuple[Artifact, str]]:
    """Yield the files that are mounted, by themselves or in a folder, and where they are inside."""
    (by_place,) = _by_place(files)
    for source, target in _mounts(service, beside):
        for artifact in by_place.get(source, ()):
            yield artifact, posixpath.normpath(target + artifact.path[len(source) :])


@once
def _by_place(files: Files) -> Iterator[dict[str, list[Artifact]]]:
    """Yield one table: each path with its file, and each folder with all files below it."""
    found: dict[str, list[Artifact]] = {}
    for artifact in files.artifacts:
        steps = artifact.path.split("/")
        for number in range(1, len(steps) + 1):
            found.setdefault("/".join(steps[:number]), []).append(artifact)
    yield found


def _mounts(service: ComposeService, beside: ComposeFiles) -> Iterator[tuple[str, str]]:
    """Yield paths from where the judged files begin, and those inside."""
    folder = posixpath.dirname(service.artifact.path)
    for entry in listed(dig(service.data, "volumes")):
        is_bound = not isinstance(entry, Mapping) or entry.get("type") == "bind"
        found = _MOUNT.fullmatch(mount(entry)) if is_bound else None
        # Without a dot or a slash it is the name of a volume.
        if found and found[1].startswith((".", "/")):
            yield posixpath.normpath(posixpath.join(folder, found[1])), found[2]
    yield from (one for one in mounted_configs(service, beside) if one[0])
