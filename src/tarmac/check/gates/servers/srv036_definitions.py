"""A RabbitMQ that begins with definitions has the users that log in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.compose import ComposeService
from tarmac.check.gates.views.images.compose_files import ComposeFiles, compose_files
from tarmac.check.gates.views.images.mounted_files import mounted_files
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.scope import counted_in_files

_IMAGE = re.compile(r"(docker\.io/)?(library/)?rabbitmq(:.*|@.*)?")
_LOADS = re.compile(
    r"^[ \t]*(?:management\.)?(?:load_definitions|definitions\.local\.path)[ \t]*=[ \t]*(\S+)",
    re.MULTILINE,
)
_USER = ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS")


class LoadingServer(NamedTuple):
    """A server, what has it load definitions, and the definitions."""

    service: ComposeService
    where: str
    path: str
    definitions: Artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that have no user at all."""
    for one in _servers(files):
        found = json_object(str(one.definitions.content))
        if found is None or "users" in found:
            continue
        if items(found, "queues") or items(found, "exchanges") or items(found, "vhosts"):
            given = [name for name in _USER if name in one.service.variables]
            lost = f", and passes over {given[0]}" if given else ""
            what = f"an empty RabbitMQ that loads definitions makes no user of its own{lost}, and"
            said = f"{what} {one.path} has none: each login is refused; write users and permissions"
            yield Finding(one.where, f"{said} into it")


def _servers(files: Files) -> Iterator[LoadingServer]:
    by_path = {one.path: one for one in files.artifacts}
    for beside in compose_files(files):
        for service in beside.services:
            if _IMAGE.fullmatch(service.image or ""):
                yield from _loading(service, beside, by_path)


def _loading(
    service: ComposeService, beside: ComposeFiles, by_path: dict[str, Artifact]
) -> Iterator[LoadingServer]:
    mounted = {inside: path for path, inside in mounted_files(service, beside)}
    for inside, path in mounted.items():
        own = by_path.get(path)
        if own is None or not basename(inside).endswith(".conf") or "/rabbitmq/" not in inside:
            continue
        text = str(own.content)
        for found in _LOADS.finditer(text):
            definitions = by_path.get(mounted.get(found[1], ""))
            if definitions is not None:
                line = text.count("\n", 0, found.start()) + 1
                yield LoadingServer(service, f"{path}:{line}", definitions.path, definitions)


GATE = Gate(
    id="SRV036",
    title="A RabbitMQ that begins with definitions has the users that log in to it",
    phase="services",
    source="https://www.rabbitmq.com/docs/definitions#import-on-boot: an empty node that imports "
    "definitions does not create the default virtual host and user",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("servers that load definitions", _servers),
    targets=("compose",),
    reads="settings and definitions that Compose services of RabbitMQ mount from files here.",
)
