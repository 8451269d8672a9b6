"""A volume of a Compose service is where its image keeps data."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname, normpath
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed, name_of
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.moved_data import moved_data
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.images.dockerfiles import Stage, dockerfiles, filled, stages, words
from tarmac.check.gates.views.images.scripts import scripts_of
from tarmac.check.gates.views.scope import counted_in_files

#: A variable that says where data is, and a volume that is there for it.
_PLACE = re.compile(
    r"(?:\w+_)?(?:DATA|STORAGE|STATE|DATABASE|DB)_?(?:DIR|DIRECTORY|PATH|HOME|ROOT|FOLDER|FILE)"
)
_HOLDS = re.compile(r"(?i)(^|[^a-z])(data|storage|state|database|db|sqlite)s?($|[^a-z])")
_SHORT_LIVED = re.compile(r"/(tmp|run|var/run|dev)(/|$)")
_PAIR = re.compile(r"([A-Za-z_]\w*)=(\"[^\"]*\"|'[^']*'|\S+)")


class Image(NamedTuple):
    """What a Dockerfile says of its last stage."""

    path: str
    text: str
    #: Where it keeps data, by what says so: a variable's name, or VOLUME.
    places: Mapping[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield volumes that are beside the place at which the image keeps data."""
    images, scripts = dict(_images(files)), _scripts(files)
    for beside in compose_files(files):
        mounted: dict[str, list[str]] = {}
        for one in beside.services:
            paths = [normpath(path) for path in one.mounted if path.startswith("/")]
            mounted.setdefault(one.name, []).extend(paths)
        for service in beside.services:
            yield from _moved(service, mounted[service.name])
            image = images.get(normpath(service.dockerfile or "-"))
            if image is not None and image.places and not _is_open(service):
                known = service.settings.given
                places = {how: path for how, path in image.places.items() if how not in known}
                lost = [
                    one for one in places.items() if not _is_kept(one[1], mounted[service.name])
                ]
                text = f"{image.text}\n{scripts.get(dirname(image.path), '')}"
                if lost and len(lost) == len(places):
                    yield from _beside(service, image, lost[0], text)


def _moved(service: ComposeService, mounted: list[str]) -> Iterator[Finding]:
    """Yield the volume of a store that a variable tells to keep its data elsewhere."""
    own = [normpath(path) for path in service.mounted]
    found = moved_data(service.image or "", service.environment, own)
    if found and moved_data(service.image or "", service.environment, [*own, *mounted]):
        what = f"service {service.name} has a volume at {own[found.volume]}, and keeps its data"
        said = f"{what} at {found.place} ({found.variable}), which ends with the container"
        where = service.at("environment", found.variable)
        yield Finding(where, f"{said}; write {own[found.volume]} there")


def _beside(
    service: ComposeService, image: Image, lost: tuple[str, str], text: str
) -> Iterator[Finding]:
    """Yield the first volume for data that nothing names."""
    how, path = lost
    text += str([dig(service.data, key) for key in ("command", "entrypoint", "environment")])
    for number, entry in enumerate(listed(dig(service.data, "volumes"))):
        if elsewhere := _unknown_volume(entry, text):
            what = f"service {service.name} has a volume at {elsewhere}, and its image keeps its"
            said = f"{what} data at {path} ({how} in {image.path}), which ends with the container"
            yield Finding(service.at("volumes", number), f"{said}; mount the volume there")
            return


def _is_open(service: ComposeService) -> bool:
    """Tell whether other files may say where its data is: they add to it, or are not here."""
    is_added = "extends" in service.data or "$" in str(dig(service.data, "volumes"))
    return is_added or service.settings.is_open


def _unknown_volume(entry: object, text: str) -> str:
    """Return where a volume for data is mounted that nothing else names; "" for others."""
    name = name_of("volumes", entry)
    path = str(dig(entry, "target") or "") if isinstance(entry, dict) else str(entry)
    path = path if isinstance(entry, dict) else path.partition(":")[2].partition(":")[0]
    last = basename(normpath(path))
    is_named = re.search(rf"(?<![\w.-]){re.escape(last)}(?![\w-])", text) is not None
    holds = _HOLDS.search(name) or _HOLDS.search(last)
    return path if name and holds and path.startswith("/") and not is_named else ""


def _is_kept(path: str, mounted: list[str]) -> bool:
    return any(
        path == one or path.startswith(f"{one}/") or one.startswith(f"{path}/") for one in mounted
    )


def _images(files: Files) -> Iterator[tuple[str, Image]]:
    for file in dockerfiles(files):
        text = str(file.content)
        if found := stages(text):
            places = {how: normpath(path) for how, path in _places(found[-1]) if _is_data(path)}
            yield normpath(file.path), Image(file.path, text, places)


def _is_data(path: str) -> bool:
    return path.startswith("/") and path != "/" and not _SHORT_LIVED.match(path)


def _places(stage: Stage) -> Iterator[tuple[str, str]]:
    """Yield where a stage keeps data, and how that is said."""
    known: dict[str, str] = {}
    for one in stage.instructions:
        if one.word == "ENV":
            for name, value in _PAIR.findall(one.rest):
                known[name] = filled(value.strip("\"'"), known)
                if _PLACE.fullmatch(name) and known[name].startswith("/"):
                    yield name, known[name]
        if one.word == "VOLUME":
            for path in words(one.rest):
                yield "VOLUME", filled(path, known)


def _scripts(files: Files) -> dict[str, str]:
    """Join the texts of the scripts in each folder."""
    found: dict[str, str] = {}
    for path, every in scripts_of(files).items():
        if not path.startswith("/"):
            texts = "\n".join(str(one.content) for one in every)
            found[dirname(path)] = f"{found.get(dirname(path), '')}\n{texts}"
    return found


def _judged(files: Files) -> Iterator[ComposeService]:
    for beside in compose_files(files):
        yield from (one for one in beside.services if one.dockerfile or one.environment)


GATE = Gate(
    id="IMG042",
    title="A volume of a Compose service is where its image keeps data",
    phase="containers",
    source="https://docs.docker.com/engine/storage: what a container writes beside its volumes "
    "ends with it; https://docs.docker.com/engine/storage/volumes: a VOLUME of an image without a "
    "name is another one for each container",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services that are built, or have variables", _judged),
    targets=("compose",),
    reads="named volumes of services that are built here, beside VOLUME and variables such as "
    "DATA_DIR of the last stage of their Dockerfile; volumes of stores beside the variables in "
    "`moved_data` of assets/published.yaml.",
)
