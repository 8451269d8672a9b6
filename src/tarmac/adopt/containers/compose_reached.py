"""What others say of a container: where they reach it, and which servers a program is told of.

`compose` asks, for what a container does not say of itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tarmac.adopt.containers.compose_parts import listed
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder, Service, Survey, port_number

#: Files that say which servers a program uses.
_SETTINGS = (".toml", ".yml", ".yaml", ".json", ".ini", ".cfg", ".conf", ".env", ".properties")
_OF_COMPOSE = re.compile(r"(?:docker-)?compose[\w.-]*\.ya?ml$")
#: A name that only a container has: one word may be anything.
_IS_NAME = re.compile(r"\w+(?:[._-]\w+)+")


def with_ports(found: Survey) -> Survey:
    """Give a program that says no port of its own the one at which the others reach it.

    `USER_URL: http://users:8081` says where the container `users` listens.
    """
    services = (s if s.ports or s.aside else _reached(s, found.services) for s in found.services)
    return replace(found, services=tuple(services))


def _reached(service: Service, services: tuple[Service, ...]) -> Service:
    numbers = dict.fromkeys(
        number for other in services if other is not service for number in _said(service, other)
    )
    if not numbers:
        return service
    first, *others = numbers
    ports = {"http": first, **{f"port-{number}": number for number in others}}
    return replace(service, ports=ports, known_as={n: key for key, n in ports.items()})


def _said(service: Service, other: Service) -> Iterator[int]:
    """Yield the numbers at which a program is told to reach another one, those of pages first."""
    name = re.escape(service.name).replace(r"\-", "[-_]")
    values = "\n".join((*other.env.values(), *other.container_command))
    for begin in (r"https?://", r"(?:^|//|[@,;=\s])"):
        for match in re.finditer(rf"(?m){begin}{name}:(\d{{2,5}})(?!\d)", values):
            if number := port_number(match[1]):
                yield number


def named_profiles(shapes: Mapping[str, Mapping[str, Any]], root: Folder) -> frozenset[str]:
    """List the profiles of servers that a file of settings names by their containers' own names."""
    asked = {
        str(name): listed(spec.get("profiles"))
        for spec in shapes.values()
        if spec.get("profiles") and servers.of_image(str(spec.get("image") or ""))
        for name in (spec.get("container_name"), spec.get("hostname"))
        if name and _IS_NAME.fullmatch(str(name))
    }
    if not asked:
        return frozenset()
    pattern = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, asked))})(?![\w-]|\.\w)")
    files = (f for f in root.files if f.endswith(_SETTINGS) and not _is_composes(f))
    said = {name for file in files for name in pattern.findall(root.read(file))}
    return frozenset(profile for name in said for profile in asked[name])


def _is_composes(file: str) -> bool:
    return _OF_COMPOSE.search(posixpath.basename(file)) is not None
