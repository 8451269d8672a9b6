"""Compose files: what their services name, and what of it the files declare."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig, fields, places
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose import ComposeService, compose_services

_NAME = re.compile(r"(docker-)?compose([.-][\w.-]+)?\.ya?ml")
_VOLUME = re.compile(r"([A-Za-z0-9][\w.-]*):(/\S*)")
_HOST = re.compile(r"\b\w+://(?:[^\s/@]*@)?([a-z][\w-]*):\d+")
#: Of what a service may have several, declared beside the services.
DECLARED = ("volumes", "networks", "secrets", "configs")


@dataclass(frozen=True)
class ComposeFiles:
    """The Compose files of one folder, which are read together: later ones add to the first."""

    artifacts: tuple[Artifact, ...]
    services: tuple[ComposeService, ...]

    def declared(self, key: str) -> dict[str, tuple[Artifact, Any]]:
        """Find what is declared beside the services, by name."""
        return {
            str(name): (artifact, value)
            for artifact in self.artifacts
            for name, value in fields(artifact.data, key).items()
        }

    def is_empty(self, key: str, name: str) -> bool:
        """Tell whether a secret or config is declared without a content."""
        given = {"file", "environment", "external", "content", "driver", "name"}
        _, value = self.declared(key)[name]
        return key in ("secrets", "configs") and not given & fields(value).keys()

    @property
    def is_whole(self) -> bool:
        """Whether nothing is read from elsewhere."""
        return not any("include" in artifact.data for artifact in self.artifacts)


def compose_files(files: Files) -> Iterator[ComposeFiles]:
    """Yield the Compose files of each folder."""
    by_folder: dict[str, list[Artifact]] = {}
    for artifact in files.artifacts:
        path = PurePosixPath(artifact.path)
        if _NAME.fullmatch(path.name) and isinstance(artifact.content, Mapping):
            by_folder.setdefault(str(path.parent), []).append(artifact)
    services = list(compose_services(files)) if by_folder else []
    for artifacts in by_folder.values():
        own = tuple(one for one in services if any(one.artifact is file for file in artifacts))
        yield ComposeFiles(tuple(artifacts), own)


def named(service: ComposeService) -> Iterator[tuple[Path, str, str]]:
    """Yield what a service names of the declared: where, of what, and the name."""
    for key in DECLARED:
        given = dig(service.data, key)
        listed: list[Any] = list(given) if isinstance(given, list | Mapping) else []
        for number, entry in enumerate(listed):
            name = _name(key, entry)
            if name and "$" not in name and "{" not in name:
                yield (key, number if isinstance(given, list) else name), key, name


def _name(key: str, entry: Any) -> str:
    if isinstance(entry, Mapping):
        is_bound = key == "volumes" and entry.get("type") != "volume"
        return "" if is_bound else str(entry.get("source") or "")
    if key != "volumes":
        return str(entry)
    found = _VOLUME.match(str(entry))
    return found[1] if found else ""


def mounted(service: ComposeService) -> Iterator[str]:
    """Yield the paths of a service's container that outlive it."""
    given = dig(service.data, "volumes")
    for entry in given if isinstance(given, list) else ():
        if isinstance(entry, Mapping):
            yield str(entry.get("target") or "")
        else:
            parts = str(entry).split(":")
            yield parts[1] if len(parts) > 1 else parts[0]


def waited_for(service: ComposeService) -> Fields:
    """Find the services that one waits for, with the condition of each."""
    given = dig(service.data, "depends_on")
    if isinstance(given, list):
        return {str(name): {"condition": "service_started"} for name in given}
    return given if isinstance(given, Mapping) else {}


def called(service: ComposeService) -> Iterator[tuple[Path, str]]:
    """Yield the hosts without a domain in addresses that a service's variables hold."""
    for path, text in places(dig(service.data, "environment"), ("environment",)):
        yield from ((path, host) for host in _HOST.findall(text) if host != "localhost")
