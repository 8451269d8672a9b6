"""The Compose files of a folder, and what they declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, fields
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import included
from tarmac.check.gates.views.compose.folders import compose_folders
from tarmac.check.gates.views.compose.services import DECLARED, ComposeService, compose_services
from tarmac.check.gates.views.once import once

#: So many services without an image get it of another file.
_MANY = 3


@dataclass(frozen=True)
class ComposeFiles:
    """The Compose files of one folder, which are read together: later ones add to the first."""

    artifacts: tuple[Artifact, ...]
    services: tuple[ComposeService, ...]
    #: The services that files of the folders above run, to which these may be added; those that any
    #: file runs, where these run none.
    above: frozenset[str] = frozenset()
    #: Those of all other files: Compose reads them too where `-f` or another file names them.
    others: frozenset[str] = frozenset()
    #: Volumes and the like, by `volumes` and their names: what files of the folders above declare,
    #: and what services of the folders below name.
    given: frozenset[tuple[str, str]] = frozenset()
    taken: frozenset[tuple[str, str]] = frozenset()

    def declared(self, key: str) -> dict[str, tuple[Artifact, Any]]:
        """Find what is declared beside the services, by name."""
        return {
            str(name): (artifact, value)
            for artifact in self.artifacts
            for name, value in fields(artifact.data, key).items()
        }

    def is_empty(self, key: str, name: str) -> bool:
        """Tell whether a secret or config is declared without a content."""
        given = {"file", "environment", "external", "content", "driver", "name"}
        _, value = self.declared(key)[name]
        return key in ("secrets", "configs") and not given & fields(value).keys()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is read from elsewhere, and nothing added to what is elsewhere."""
        is_added = all(".override." in artifact.path for artifact in self.artifacts)
        own = {one.name for one in self.services}
        lacking = own - {one.name for one in self.services if runs(one)}
        is_part = is_added or len(lacking) >= _MANY or bool(lacking & self.above)
        waited = {name for one in self.services for name in one.waited_for} - own
        named = {(key, name) for one in self.services for _, key, name in one.named}
        lacks = {(key, name) for key, name in named & self.given if name not in self.declared(key)}
        is_part = is_part or bool(waited & self.others) or bool(lacks)
        here = {one.path for one in self.artifacts}
        return not is_part and all(
            here.issuperset(included(one.path, one.data)) for one in self.artifacts
        )

    def networks(self, service: ComposeService) -> set[str]:
        """List the networks that a service may have: its own, and what files beside it give."""
        given = [dig(one.data, "networks") for one in self.services if one.name == service.name]
        written = [one for one in given if isinstance(one, list | Mapping) and one]
        own = set() if dig(service.data, "networks") else {"default"}
        return own | {str(network) for one in written for network in one}


@once
def compose_files(files: Files) -> Iterator[ComposeFiles]:
    """Yield the Compose files of each folder."""
    by_folder: dict[PurePosixPath, list[Artifact]] = {}
    folders = compose_folders(files)
    for artifact in files.artifacts:
        if artifact.path in folders and isinstance(artifact.content, Mapping):
            by_folder.setdefault(folders[artifact.path], []).append(artifact)
    own: dict[PurePosixPath, list[ComposeService]] = {}
    for one in compose_services(files) if by_folder else ():
        path = one.artifact.path
        own.setdefault(folders.get(path, PurePosixPath(path).parent), []).append(one)
    running = {folder: {one.name for one in found if runs(one)} for folder, found in own.items()}
    declared = {
        folder: {
            (key, str(name)) for one in found for key in DECLARED for name in fields(one.data, key)
        }
        for folder, found in by_folder.items()
    }
    taken: dict[PurePosixPath, set[tuple[str, str]]] = {}
    for folder, found in own.items():
        for place in folder.parents:
            taken.setdefault(place, set()).update(
                one[1:] for service in found for one in service.named
            )
    everywhere = frozenset(one.name for found in own.values() for one in found)
    for folder, artifacts in by_folder.items():
        # A service may be of a file whose name is not one of Compose's.
        read = {id(artifact) for artifact in artifacts}
        services = tuple(one for one in own.get(folder, ()) if id(one.artifact) in read)
        places = folder.parents if running.get(folder) else running
        above = frozenset(name for place in places for name in running.get(place, set[str]()))
        given = {one for place in folder.parents for one in declared.get(place, set())}
        below = frozenset(taken.get(folder, set()))
        own_files = tuple(artifacts)
        yield ComposeFiles(own_files, services, above, everywhere, frozenset(given), below)


def runs(service: ComposeService) -> bool:
    """Tell whether a service says what it runs; without, it adds to one of another file."""
    return bool({"image", "build", "extends"} & fields(service.data).keys())


def waited(name: str, beside: ComposeFiles) -> set[str]:
    """List the services for which one waits, by whatever is between them."""
    others = {one.name: one for one in beside.services}
    found, todo = set[str](), [name]
    while todo:
        own = others.get(todo.pop())
        more = set(own.waited_for) - found if own else set[str]()
        found |= more
        todo += more
    return found
