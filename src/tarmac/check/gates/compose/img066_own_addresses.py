"""Programs in containers listen for others, and look for a database where it is."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, items
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.files import compose_files
from tarmac.check.gates.views.compose.lookups import official
from tarmac.check.gates.views.compose.services import ComposeService
from tarmac.check.gates.views.compose.stores import words
from tarmac.check.gates.views.images.dockerfiles import stages
from tarmac.check.gates.views.images.dockerfiles import words as words_of
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_listeners import HOSTS, own_listeners, parsed

_BACKENDS = {
    "postgresql": ("postgres", "postgis/postgis", "timescale/timescaledb"),
    "postgis": ("postgis/postgis", "postgres"),
    "mysql": ("mysql", "mariadb"),
}
_SELF = ("localhost", "127.0.0.1")


class Built(NamedTuple):
    """A service that is built here, the folder of its files, and the other services."""

    service: ComposeService
    folder: str
    command: str
    #: The text of its Dockerfile, "" without one here.
    dockerfile: str
    others: tuple[ComposeService, ...]


class SelfHost(NamedTuple):
    """A database that settings look for at localhost."""

    where: str
    name: str
    backend: str


def check(files: Files) -> Iterator[Finding]:
    """Yield programs that nothing outside reaches, or that look for a database in themselves."""
    python = _python(files)
    settings = _settings(python)
    for one in _built(files):
        if items(one.service.data, "ports") and not {*HOSTS} & one.service.variables:
            yield from _unreached(one, python)
        yield from _lost(one, settings)


def _unreached(one: Built, python: Mapping[str, Artifact]) -> Iterator[Finding]:
    name = one.service.name
    if any(host in one.dockerfile for host in HOSTS):
        return
    for own in own_listeners(one.command, one.folder, python):
        if not own.where:
            what = f"service {name} publishes a port, and `{own.by}` without --host listens on"
            said = f"{what} 127.0.0.1 inside its container; write --host 0.0.0.0"
            yield Finding(one.service.at("ports"), said)
        else:
            what = f"{own.by} without host listens on 127.0.0.1, and service {name} publishes a"
            said = f"{what} port of its container: nothing outside reaches it; write"
            yield Finding(own.where, f'{said} host="0.0.0.0"')


def _lost(one: Built, settings: Mapping[str, list[SelfHost]]) -> Iterator[Finding]:
    """Yield settings of Django that look for a database in the container itself."""
    for host in settings.get(one.folder, ()):
        kinds = _BACKENDS.get(host.backend, ())
        there = [other.name for other in one.others if official(other) in kinds]
        if len(there) == 1 and there[0] in one.service.waited_for:
            what = f"the settings look for the database at {host.name}, which is service"
            said = f"{what} {one.service.name} itself, and it is service {there[0]}"
            yield Finding(host.where, f"{said}; write {there[0]}")


def _settings(python: Mapping[str, Artifact]) -> dict[str, list[SelfHost]]:
    """List the databases that settings look for in their own host, by each folder above these."""
    found: dict[str, list[SelfHost]] = {}
    for path, artifact in python.items():
        if "DATABASES" not in str(artifact.content) or _is_of_this(artifact):
            continue
        for host in _hosts(artifact):
            for above in _folders(path):
                found.setdefault(above, []).append(host)
    return found


def _folders(path: str) -> list[str]:
    """List the folders that a file is in, "" as the last."""
    parts = path.split("/")[:-1]
    return ["/".join(parts[:number]) for number in range(len(parts), -1, -1)]


def _hosts(artifact: Artifact) -> Iterator[SelfHost]:
    for node in ast.walk(parsed(artifact)):
        if not isinstance(node, ast.Dict):
            continue
        said = {
            key.value: value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant) and isinstance(value, ast.Constant)
        }
        host = said.get("HOST")
        if host is not None and host.value in _SELF:
            backend = str(getattr(said.get("ENGINE"), "value", "")).rpartition(".")[2]
            yield SelfHost(f"{artifact.path}:{host.lineno}", str(host.value), backend)


def _is_of_this(artifact: Artifact) -> bool:
    """Tell whether settings are by their name for the machine of a developer."""
    return re.search(r"(local|dev|test)\w*\.py$", artifact.path) is not None


def _python(files: Files) -> dict[str, Artifact]:
    return {one.path: one for one in files.artifacts if one.path.endswith(".py")}


@once
def _built(files: Files) -> Iterator[Built]:
    by_path = {one.path: one for one in files.artifacts}
    for beside in compose_files(files):
        for service in beside.services:
            if service.dockerfile is None or dig(service.data, "network_mode"):
                continue
            path = posixpath.normpath(service.dockerfile)
            artifact = by_path.get(path)
            told = [*words(service, "entrypoint"), *words(service)] or _started(artifact)
            others = tuple(one for one in beside.services if one is not service)
            text = str(artifact.content) if artifact else ""
            yield Built(service, posixpath.dirname(path), " ".join(told), text, others)


def _started(dockerfile: Artifact | None) -> list[str]:
    found = stages(str(dockerfile.content)) if dockerfile else []
    own = found[-1].instructions if found else ()
    for word in ("ENTRYPOINT", "CMD"):
        given = [one for one in own if one.word == word]
        if given:
            return words_of(given[-1].rest)
    return []


GATE = Gate(
    id="IMG066",
    title="Programs in containers listen for others, and look for a database where it is",
    phase="containers",
    source="https://www.uvicorn.org/settings/#socket-binding: 127.0.0.1 by default; "
    "https://docs.docker.com/compose/how-tos/networking: localhost is the container itself",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("services that are built", _built),
    targets=("compose",),
    reads="commands of Compose services that are built here and publish ports, main.py and others "
    "that these start, and DATABASES of Django's settings; files of Python are parsed, not run.",
)
