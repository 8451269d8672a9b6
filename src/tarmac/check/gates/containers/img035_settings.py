"""A file of settings that is mounted into a container is one that its program reads."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import listed
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.stores import is_server, words
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.pods.mounted_texts import mounted_texts
from tarmac.check.gates.views.pods.pods import SERVING, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

#: Options and files of settings in a command or a variable.
_NAMED = re.compile(r"(?i)conf|\.cfg\b|\.ya?ml\b")

#: Where databases have what they begin with.
_SCRIPTS = "/docker-entrypoint-initdb.d"


class Server(NamedTuple):
    """A server of an image whose settings are known, and the files that it is given."""

    where: str
    name: str
    settings: Mapping[str, Any]
    #: All that it is told: its command, and its variables.
    told: str
    paths: tuple[str, ...]


def check(files: Files) -> Iterator[Finding]:
    """Yield files of settings that no program reads, and scripts that no database does."""
    yield from _below(files)
    for server in _servers(files):
        reads = server.settings["reads"]
        # What is named may include the others.
        if _NAMED.search(server.told) or any(path in reads for path in server.paths):
            continue
        for path in server.paths:
            if re.fullmatch(server.settings["files"], path):
                what = f"{server.name} mounts {path}, which its image does not read by itself"
                is_moved = reads and not server.settings.get("only_by_name")
                instead = f"mount it to {reads[0]}, or " if is_moved else ""
                by = server.settings["name"].format(path)
                yield Finding(server.where, f"{what}; {instead}write the command `{by}`")


def _below(files: Files) -> Iterator[Finding]:
    """Yield folders of scripts below the one whose own files an image reads."""
    for beside in compose_files(files):
        for service in beside.services:
            for number, entry in enumerate(listed(dig(service.data, "volumes"))):
                target = str(dig(entry, "target") or str(entry).partition(":")[2].partition(":")[0])
                inside = target.rstrip("/").removeprefix(f"{_SCRIPTS}/")
                if inside != target.rstrip("/") and "." not in inside and "$" not in inside:
                    what = (
                        f"service {service.name} mounts a folder at {target}, and its image reads"
                    )
                    advice = f"the files of {_SCRIPTS} alone; mount it there, or each file"
                    yield Finding(service.at("volumes", number), f"{what} {advice}")


def _servers(files: Files) -> Iterator[Server]:
    for beside in compose_files(files):
        for service in beside.services:
            settings = _known(service.image or "")
            # An override may give it another command.
            same = [one for one in beside.services if one.name == service.name]
            if settings is None or not beside.is_whole:
                continue
            if not all(is_server(one, settings["programs"]) for one in same):
                continue
            if any(word.startswith("$") for one in same for word in words(one)):
                continue  # which may name any file
            told = " ".join(
                word for one in same for word in (*words(one), *one.environment.values())
            )
            paths = tuple(inside for _, inside in mounted_files(service, beside))
            where = service.at("volumes" if dig(service.data, "volumes") else "configs")
            yield Server(where, f"service {service.name}", settings, told, paths)
    for own in pods(files, *SERVING):
        for container in own.main_containers:
            settings = _known(container.image)
            if settings is None or (container.words and _is_other(container.words, settings)):
                continue
            values = [one.text for one in own.variables.of(container).values()]
            told = " ".join((*container.words, *values))
            # What another container mounts is its own.
            mounts = tuple(mount.path for mount in container.mounts)
            paths = tuple(p for p in mounted_texts(files, own) if p.startswith(mounts))
            where = container.at("volumeMounts")
            yield Server(where, title(own.artifact), settings, told, paths)


def _is_other(told: tuple[str, ...], settings: Mapping[str, Any]) -> bool:
    """Tell whether a container starts another program than its image's server."""
    first = posixpath.basename(told[0])
    return not first.startswith("-") and first not in settings["programs"]


def _known(image: str) -> Mapping[str, Any] | None:
    name = untagged(image)
    found = (one for one in published("settings")["images"] if re.fullmatch(one["image"], name))
    return next(found, None)


def _judged(files: Files) -> Iterator[object]:
    yield from _servers(files)
    for beside in compose_files(files):
        for service in beside.services:
            yield from (path for path in service.mounted if path.startswith(_SCRIPTS))


GATE = Gate(
    id="IMG035",
    title="A container's program reads the settings that are mounted for it",
    phase="containers",
    source="https://hub.docker.com/_/redis: a file of settings is read where the command names it; "
    "each image has its own place, or none",
    check=check,
    of_files=check,
    scope=counted_in_files("servers with settings, and folders of scripts", _judged),
    targets=("compose",),
    reads="files that Compose services and pods mount from the folder, from configs and from "
    "ConfigMaps, by their names, beside the images of assets/published.yaml and what the command "
    "names.",
)
