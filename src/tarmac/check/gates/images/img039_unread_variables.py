"""Variables of a server are those that its image reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.foreign.reading import dig
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose_files import compose_files
from tarmac.check.gates.views.images.untagged import untagged
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.pods import pods
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files


class Server(NamedTuple):
    """A server of an image whose variables are known."""

    title: str
    image: str
    #: Where each of its variables is set.
    variables: Mapping[str, str]
    #: Where its commands are, which may read any of them.
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


def _servers(files: Files) -> Iterator[Server]:
    for beside in compose_files(files):
        for service in beside.services:
            unread = _known(service.image or "")
            same = [one.data for one in beside.services if one.name == service.name]
            # With a file of its own, or another start, it may read more.
            is_open = any(
                dig(one, key) for one in same for key in ("entrypoint", "volumes_from", "extends")
            )
            if unread is None or is_open or any(_SETTINGS.search(p) for p in service.mounted):
                continue
            told = str([dig(one, key) for one in same for key in ("command", "healthcheck")])
            where = {name: service.at("environment") for name in service.environment}
            for number, entry in enumerate(dig(service.data, "environment") or ()):
                key = str(entry).partition("=")[0]
                is_list = isinstance(dig(service.data, "environment"), list)
                where[key] = service.at("environment", number if is_list else key)
            name = untagged(service.image or "")
            yield Server(f"service {service.name}", name, where, told, unread)
    for own in pods(files):
        for container in own.main_containers:
            unread = _known(container.image)
            mounts = " ".join(mount.path for mount in container.mounts)
            if unread is not None and not dig(container.data, "command"):
                where = {
                    str(one.name): container.at("env", number)
                    for number, one in enumerate(container.variables)
                }
                told = f"{container.words} {[dig(container.data, p) for p in _PROBES]}"
                if not _SETTINGS.search(mounts):
                    name = untagged(container.image)
                    yield Server(title(own.artifact), name, where, told, unread)


_PROBES = ("livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
#: What is mounted there may read any variable.
_SETTINGS = re.compile(r"conf|/etc|\.sh\b|initdb|\$")


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
