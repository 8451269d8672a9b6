"""Variables of a server are those that its image reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.marks import is_mark
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
#: What is mounted there may read any variable.
_SETTINGS = re.compile(r"conf|/etc|\.sh\b|initdb|\$")


class Server(NamedTuple):
    """A server of an image whose variables are known."""

    title: str
    image: str
    #: Where it sets each of its variables.
    variables: Mapping[str, str]
    #: What its commands say, which may read any of them.
    told: str
    unread: Mapping[str, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield variables that nothing reads, and that have another name or place in this image."""
    for server in _servers(files):
        for name, where in server.variables.items():
            instead = next(
                (say for key, say in server.unread.items() if re.fullmatch(key, name)), ""
            )
            option = instead.rpartition(" ")[2]
            is_told = name in server.told or (option.startswith("--") and option in server.told)
            if instead and not is_told and instead not in server.variables:
                what = f"{server.title} sets {name}, which {server.image} does not read, so it is"
                yield Finding(where, f"{what} without it; write {instead}")


@once
def _servers(files: Files) -> Iterator[Server]:
    for beside in compose_files(files):
        for service in beside.services:
            unread = _known(service.image or "")
            if unread is not None and not _is_open(service, beside):
                same = [one.data for one in beside.services if one.name == service.name]
                told = str([dig(one, key) for one in same for key in ("command", "healthcheck")])
                name = untagged(service.image or "")
                yield Server(f"service {service.name}", name, _places(service), told, unread)
    for own in pods(files):
        for container in own.main_containers:
            unread = _known(container.image)
            mounts = " ".join(mount.path for mount in container.mounts)
            is_open = bool(items(container.data, "command")) or _SETTINGS.search(mounts)
            if unread is not None and not is_open:
                told = f"{container.words} {[dig(container.data, key) for key in _PROBES]}"
                places = {
                    str(one.name): container.at("env", number)
                    for number, one in enumerate(container.variables)
                }
                places |= {name: one.where for name, one in own.variables.of(container).items()}
                yield Server(title(own.artifact), untagged(container.image), places, told, unread)


def _is_open(service: ComposeService, beside: ComposeFiles) -> bool:
    """Tell whether a service may read more: it starts in another way, or has a file of its own."""
    same = [one.data for one in beside.services if one.name == service.name]
    keys = ("entrypoint", "volumes_from", "extends")
    is_changed = any(dig(one, key) is not None for one in same for key in keys)
    is_changed = is_changed or any(is_mark(dig(one, "command")) for one in same)
    return is_changed or any(_SETTINGS.search(path) for path in service.mounted)


def _places(service: ComposeService) -> dict[str, str]:
    """Return where each variable of a service is set."""
    return {name: service.at("environment", name) for name in service.environment}


def _known(image: str) -> Mapping[str, str] | None:
    name = untagged(image)
    images = published("variables")["images"]
    return next((one["unread"] for one in images if re.fullmatch(one["image"], name)), None)


GATE = Gate(
    id="IMG039",
    title="Variables of a server are those that its image reads",
    phase="containers",
    source="https://hub.docker.com/_/redis: each image has variables of its own, or none, and "
    "passes over those of another",
    check=check,
    of_files=check,
    scope=counted_in_files("servers with variables", _servers),
    targets=("compose",),
    reads="variables of Compose services and pods whose image is one of assets/published.yaml, "
    "where no command names them and no settings are mounted.",
)
