"""A server is told what it does not start without."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import SERVING, pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_NUMBER = re.compile(r"\d+")


class Server(NamedTuple):
    """A server of an image of which it is known what it needs."""

    title: str
    where: str
    image: str
    #: Its command, its variables and the files that are mounted into it.
    told: str


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that end for want of a setting."""
    for server in _servers(files):
        version = [int(one) for one in _NUMBER.findall(server.image.rpartition(":")[2])[:2]]
        for one in _known(server.image)["settings"]:
            is_meant = not version or version >= one["from"]
            is_meant = is_meant and (not version or version < one.get("below", [10**6]))
            is_meant = is_meant and bool(version or "below" not in one)
            is_asked = re.search(one.get("when", ""), server.told)
            if is_meant and is_asked and not re.search(one["unless"], server.told):
                what = f"{server.title} starts {server.image} without {one['lacks']}: {one['says']}"
                yield Finding(server.where, f"{what}, so it ends at once; {one['instead']}")


@once
def _servers(files: Files) -> Iterator[Server]:
    for beside in compose_files(files):
        by_name: dict[str, list[ComposeService]] = {}
        for service in beside.services if beside.is_whole else ():
            by_name.setdefault(service.name, []).append(service)
        for same in by_name.values():
            if _known(same[0].image or "") and all(map(_is_plain, same)):
                yield _of_service(same[0], same)
    for own in pods(files, *SERVING):
        for container in own.main_containers:
            is_own = not items(container.data, "command") and bool(_known(container.image))
            # What a Secret or a ConfigMap that is not here gives may be what it needs.
            if is_own and own.variables.are_known(container) and _starts(
                container.words, container.image
            ):  # fmt: skip
                given = [f"{name}={one.text}" for name, one in own.variables.of(container).items()]
                given += [f"{name}=?" for name in own.variables.names(container)]
                mounts = [mount.path for mount in container.mounts]
                told = " ".join((*container.words, *given, *mounts))
                yield Server(title(own.artifact), container.at("image"), container.image, told)


def _of_service(service: ComposeService, same: list[ComposeService]) -> Server:
    told = [word for one in same for word in words(one)]
    given = [f"{name}={value}" for one in same for name, value in one.environment.items()]
    mounts = [path for one in same for path in one.mounted]
    mounts += [str(dig(one.data, key)) for one in same for key in ("configs", "secrets")]
    where = service.at("command" if dig(service.data, "command") else "image")
    return Server(
        f"service {service.name}", where, service.image or "", " ".join((*told, *given, *mounts))
    )


def _is_plain(service: ComposeService) -> bool:
    """Tell whether a service starts its image's server, and all its variables are known."""
    data = service.data
    keys = ("entrypoint", "volumes_from", "extends", "build")
    is_changed = any(dig(data, key) is not None for key in keys) or is_mark(dig(data, "command"))
    is_known = not service.settings.is_open and not is_mark(dig(data, "environment"))
    return not is_changed and is_known and _starts(words(service), service.image or "")


def _starts(told: Any, image: str) -> bool:
    """Tell whether words start the server of an image, and not another program in it."""
    first = next(iter(told), "-")
    known = _known(image)
    programs = known["programs"] if known else ()
    return first.startswith("-") or first in programs or first.rpartition("/")[2] in programs


def _known(image: str) -> Mapping[str, Any]:
    found = published("needed_settings")["images"]
    return next((one for one in found if re.fullmatch(one["image"], untagged(image))), {})


GATE = Gate(
    id="IMG114",
    title="Servers are told what they do not start without",
    phase="containers",
    source="https://www.keycloak.org/server/hostname, and the pages of the others in "
    "`needed_settings` of assets/published.yaml: a server ends where a setting is missing",
    check=check,
    of_files=check,
    scope=counted_in_files("servers with settings that they need", _servers),
    targets=("compose", "cluster"),
    reads="the command, the variables and the mounts of Compose services and pods whose image is "
    "one of assets/published.yaml and starts its own server; not those whose variables are in a "
    "file or an object that is not here.",
)
