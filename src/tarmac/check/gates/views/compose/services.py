"""Compose files: their services, and what those name of the declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Fields, Path, dig
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.entries import inner_port, listed, name_of
from tarmac.check.gates.views.compose.variables import ComposeVariables
from tarmac.check.gates.views.images.image_names import plain

_HOST = re.compile(r"\b\w+://(?:[^\s/@]*@)?([a-z][\w-]*):\d+")
#: A colon that parts a mount, and not the default of a variable: `${A:-/a}:/b`.
_COLON = re.compile(r":(?![^{]*\})")
#: Of what a service may have several, declared beside the services.
DECLARED = ("volumes", "networks", "secrets", "configs")


class ComposeService:
    """One service of a Compose file, which is as it was written: of any shape."""

    def __init__(self, artifact: Artifact, name: str, data: Any, files: Files) -> None:
        self.artifact = artifact
        self.name = name
        self.data = data
        self.settings = ComposeVariables(files, artifact, name, data)

    def at(self, *path: str | int) -> str:
        """Return where a part of it is; a variable, by its name, may be in a file of its own."""
        if len(path) == 2 and path[0] == "environment" and path[1] in self.settings.given:
            return self.settings.place_of(str(path[1]))
        return self.artifact.at("services", self.name, *path)

    @cached_property
    def written_image(self) -> str | None:
        """The image that it runs, where it is not built in place; None without one.

        Variables are filled in as far as their values are known.
        """
        if isinstance(self.data, Mapping) and "image" in self.data and "build" not in self.data:
            return self.settings.filled(str(self.data["image"]))
        return None

    @cached_property
    def image(self) -> str | None:
        """That image by its maker's name."""
        return self.written_image and plain(self.written_image)

    @property
    def dockerfile(self) -> str | None:
        """The path of the Dockerfile that it is built of; None: it is not built here."""
        build = dig(self.data, "build")
        given = build if isinstance(build, Mapping) else {"context": build}
        if not (context := str(given.get("context") or "")):
            return None
        folder = PurePosixPath(self.artifact.path).parent / context
        return str(folder / str(given.get("dockerfile") or "Dockerfile"))

    @cached_property
    def environment(self) -> Mapping[str, str]:
        """The values of its variables."""
        return {name: one.value for name, one in self.settings.given.items()}

    @property
    def variables(self) -> frozenset[str]:
        """The names of its environment variables."""
        return frozenset(self.environment)

    @property
    def ports(self) -> tuple[Any, ...]:
        """The ports of its container that are forwarded to; None where that is not known."""
        return tuple(
            port.get("target") if isinstance(port, Mapping) else inner_port(str(port))
            for port in listed(dig(self.data, "ports"))
        )

    @property
    def named(self) -> Iterator[tuple[Path, str, str]]:
        """What it names of the declared: where, of what, and the name."""
        for key in DECLARED:
            given = dig(self.data, key)
            every: list[Any] = list(given) if isinstance(given, list | Mapping) else []
            for number, entry in enumerate(every):
                name = name_of(key, entry)
                if name and "$" not in name and "{" not in name:
                    yield (key, number if isinstance(given, list) else name), key, name

    @property
    def mounted(self) -> Iterator[str]:
        """The paths of its container that outlive it."""
        for entry in listed(dig(self.data, "volumes")):
            if isinstance(entry, Mapping):
                yield str(entry.get("target") or "")
            else:
                parts = _COLON.split(str(entry))
                yield parts[1] if len(parts) > 1 else parts[0]

    @property
    def waited_for(self) -> Fields:
        """The services that it waits for, with the condition of each."""
        given = dig(self.data, "depends_on")
        if isinstance(given, list):
            return {str(name): {"condition": "service_started"} for name in given}
        return given if isinstance(given, Mapping) else {}

    @property
    def texts(self) -> Iterator[tuple[Path, str]]:
        """The values of its variables, with their paths."""
        yield from ((("environment", name), text) for name, text in self.environment.items())

    @property
    def called(self) -> Iterator[tuple[Path, str]]:
        """The hosts without a domain in addresses that its variables hold."""
        for path, text in self.texts:
            yield from ((path, host) for host in _HOST.findall(text) if host != "localhost")


def compose_services(files: Files) -> Iterator[ComposeService]:
    """Yield the services of all Compose files."""
    for artifact in files.artifacts:
        if not artifact.is_object and isinstance(found := dig(artifact.data, "services"), Mapping):
            for name, data in found.items():
                yield ComposeService(artifact, name, data, files)
