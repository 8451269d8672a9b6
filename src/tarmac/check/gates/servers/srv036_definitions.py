"""A RabbitMQ that begins with definitions has the users that log in to it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from posixpath import basename, dirname, join, normpath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import ComposeFiles, compose_files
from tarmac.check.gates.views.compose.mounted_files import mounted_files
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_IMAGE = re.compile(r"(docker\.io/)?(library/)?rabbitmq(:.*|@.*)?")
_LOADS = re.compile(
    r"^[ \t]*(?:management\.)?(?:load_definitions|definitions\.local\.path)[ \t]*=[ \t]*(\S+)",
    re.MULTILINE,
)
#: The same in a variable, and what makes users later.
_OPTION = re.compile(r"load_definitions[\\\"'\s]+([\w./-]+)")
_MAKES = re.compile(r"rabbitmqctl\b[^\n]*\badd_user\b|/api/users/")
_USER = ("RABBITMQ_DEFAULT_USER", "RABBITMQ_DEFAULT_PASS")


class LoadingServer(NamedTuple):
    """A server, what has it load definitions, and the definitions."""

    #: The variables that it is given.
    variables: frozenset[str]
    where: str
    path: str
    definitions: Artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield servers that have no user at all."""
    servers = [*_servers(files)]
    if servers and any(_MAKES.search(text) for text in _scripts(files)):
        return
    for one in servers:
        found = json_object(str(one.definitions.content))
        if found is None or items(found, "users"):
            continue
        if items(found, "queues") or items(found, "exchanges") or items(found, "vhosts"):
            given = [name for name in _USER if name in one.variables]
            lost = f", and passes over {given[0]}" if given else ""
            what = f"an empty RabbitMQ that loads definitions makes no user of its own{lost}, and"
            said = f"{what} {one.path} has none: each login is refused; write users and permissions"
            yield Finding(one.where, f"{said} into it")


@once
def _servers(files: Files) -> Iterator[LoadingServer]:
    by_path = {one.path: one for one in files.artifacts}
    for beside in compose_files(files):
        for service in beside.services:
            if _IMAGE.fullmatch(service.image or ""):
                yield from _loading(service, beside, by_path)
    yield from _built(files, by_path)


def _loading(
    service: ComposeService, beside: ComposeFiles, by_path: dict[str, Artifact]
) -> Iterator[LoadingServer]:
    mounted = {inside: path for path, inside in mounted_files(service, beside)}
    for name, value in service.environment.items():
        option = _OPTION.search(value)
        definitions = by_path.get(mounted.get(option[1], "")) if option else None
        if definitions is not None:
            where = service.at("environment", name)
            yield LoadingServer(service.variables, where, definitions.path, definitions)
    yield from _told(mounted, by_path, service.variables)


def _built(files: Files, by_path: dict[str, Artifact]) -> Iterator[LoadingServer]:
    """Yield images of RabbitMQ that are built here with settings and definitions."""
    for dockerfile in dockerfiles(files):
        found = stages(str(dockerfile.content))
        if not found or not _IMAGE.fullmatch(found[-1].image):
            continue
        copied: dict[str, str] = {}
        for one in found[-1].instructions:
            named = one.operands
            if one.copies_context and len(named) == 2:
                is_folder = named[1].endswith("/")
                inside = join(named[1], basename(named[0])) if is_folder else named[1]
                copied[inside] = normpath(join(dirname(dockerfile.path), named[0]))
        given = (one.rest for one in found[-1].instructions if one.word == "ENV")
        variables = frozenset(name for one in given for name in re.findall(r"(\w+)[= ]", one))
        yield from _told(copied, by_path, variables)


def _told(
    mounted: Mapping[str, str], by_path: Mapping[str, Artifact], variables: frozenset[str]
) -> Iterator[LoadingServer]:
    """Yield the definitions that a file of settings has a server load."""
    for inside, path in mounted.items():
        own = by_path.get(path)
        if own is None or not basename(inside).endswith(".conf") or "/rabbitmq/" not in inside:
            continue
        text = str(own.content)
        for found in _LOADS.finditer(text):
            definitions = by_path.get(mounted.get(found[1], ""))
            if definitions is not None:
                line = text.count("\n", 0, found.start()) + 1
                yield LoadingServer(variables, f"{path}:{line}", definitions.path, definitions)


def _scripts(files: Files) -> Iterator[str]:
    """Yield what may make users: scripts, and commands of services."""
    for artifact in files.artifacts:
        if artifact.path.endswith((".sh", "Makefile")) and isinstance(artifact.content, str):
            yield artifact.content
    yield from (str(service.data) for beside in compose_files(files) for service in beside.services)


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
    reads="settings and definitions that Compose services of RabbitMQ mount from files here, or "
    "Dockerfiles copy, and variables that name these, where no script adds a user.",
)
