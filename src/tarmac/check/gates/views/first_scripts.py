"""Scripts with which an image of a database fills an empty volume."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, mount
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.images.instructions import Instruction
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.on_disk import on_disk, text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import pods

_FOLDER = "/docker-entrypoint-initdb.d"
_ENDINGS = (".sql", ".sh", ".js")
_LARGEST = 500_000


class FirstScript(NamedTuple):
    """A script that an image runs on an empty volume."""

    where: str
    name: str
    #: None: it is not here.
    text: str | None
    #: Its file; empty: it is in an object.
    path: str


class FirstScripts(NamedTuple):
    """All scripts of one server."""

    owner: str
    scripts: tuple[FirstScript, ...]
    #: What runs them, as far as that is known.
    images: tuple[str, ...]


@once
def first_scripts(files: Files) -> Iterator[FirstScripts]:
    """Yield the scripts of each service, pod and image that has some."""
    for beside in compose_files(files):
        for service in beside.services:
            same = [one for one in beside.services if one.name == service.name]
            if len(same) == 1 and (found := tuple(_of_service(files, service))):
                run = (service.image,) if service.image else ()
                yield FirstScripts(f"service {service.name}", found, run)
    for own in pods(files):
        texts = mounted_texts(files, own)
        found = tuple(
            FirstScript(own.at(), posixpath.basename(path), text, "")
            for path, text in texts.items()
            if posixpath.dirname(path) == _FOLDER and path.endswith(_ENDINGS)
        )
        if found:
            images = tuple(one.image for one in own.main_containers)
            yield FirstScripts(title(own.artifact), found, images)
    for artifact in dockerfiles(files):
        if _FOLDER in str(artifact.content):
            for stage in stages(str(artifact.content))[-1:]:
                found = tuple(
                    script
                    for one in stage.instructions
                    if one.copies_context
                    for script in _copied(files, artifact.path, one)
                )
                if found:
                    yield FirstScripts("the image", found, (stage.image,))


def _of_service(files: Files, service: ComposeService) -> Iterator[FirstScript]:
    folder = posixpath.dirname(service.artifact.path)
    for number, entry in enumerate(listed(dig(service.data, "volumes"))):
        source, _, target = mount(entry).partition(":")
        target = target.partition(":")[0].rstrip("/")
        path = posixpath.normpath(posixpath.join(folder, source))
        where = service.at("volumes", number)
        if target == _FOLDER:
            yield from _in_folder(files, path, where)
        elif posixpath.dirname(target) == _FOLDER and target.endswith(_ENDINGS):
            yield _script(files, where, posixpath.basename(target), path)


def _copied(files: Files, dockerfile: str, one: Instruction) -> Iterator[FirstScript]:
    """Yield what an instruction copies into the folder, where its context is that of the file."""
    *sources, target = one.operands or [""]
    where = f"{dockerfile}:{one.line}"
    if target.rstrip("/") != _FOLDER and posixpath.dirname(target) != _FOLDER:
        return
    for source in sources:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(dockerfile), source))
        if target.rstrip("/") == _FOLDER and not source.endswith(_ENDINGS):
            yield from _in_folder(files, path.removesuffix("/*"), where)
        elif "*" in posixpath.basename(path):
            for script in _in_folder(files, posixpath.dirname(path), where):
                if fnmatchcase(script.name, posixpath.basename(path)):
                    yield script
        elif "*" not in source:
            name = source if target.rstrip("/") == _FOLDER else target
            yield _script(files, where, posixpath.basename(name), path)


def _in_folder(files: Files, path: str, where: str) -> Iterator[FirstScript]:
    place = on_disk(files, path)
    for one in sorted(place.iterdir()) if place is not None and place.is_dir() else ():
        if one.name.endswith(_ENDINGS) and one.is_file():
            yield _script(files, where, one.name, posixpath.join(path, one.name))


def _script(files: Files, where: str, name: str, path: str) -> FirstScript:
    return FirstScript(where, name, text_on_disk(files, path, _LARGEST), path)
