"""Services of Compose files: their images, ports and variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig
from tarmac.check.gates.subject import Files


class ComposeService:
    """One service of a Compose file, which is as it was written: of any shape."""

    def __init__(self, artifact: Artifact, name: str, data: Any) -> None:
        self.artifact = artifact
        self.name = name
        self.data = data

    def at(self, *path: str | int) -> str:
        """Say where a part of it is."""
        return self.artifact.at("services", self.name, *path)

    @property
    def image(self) -> str | None:
        """The image that it runs, where it is not built in place; None without one."""
        if isinstance(self.data, Mapping) and "image" in self.data and "build" not in self.data:
            return str(self.data["image"])
        return None

    @property
    def dockerfile(self) -> str | None:
        """The path of the Dockerfile that it is built of; None: it is not built here."""
        build = dig(self.data, "build")
        given = build if isinstance(build, Mapping) else {"context": build}
        if not (context := str(given.get("context") or "")):
            return None
        folder = PurePosixPath(self.artifact.path).parent / context
        return str(folder / str(given.get("dockerfile") or "Dockerfile"))

    @property
    def variables(self) -> frozenset[str]:
        """The names of its environment variables."""
        written = dig(self.data, "environment")
        if isinstance(written, Mapping):
            return frozenset(map(str, written))
        return frozenset(_variable(entry) for entry in _listed(written))

    @property
    def ports(self) -> tuple[Any, ...]:
        """The ports of its container that are forwarded to; None where that is not known."""
        return tuple(
            port.get("target") if isinstance(port, Mapping) else _inner(str(port))
            for port in _listed(dig(self.data, "ports"))
        )


def compose_services(files: Files) -> Iterator[ComposeService]:
    """Yield the services of all Compose files."""
    for artifact in files.artifacts:
        if not artifact.is_object and isinstance(found := dig(artifact.data, "services"), Mapping):
            yield from (ComposeService(artifact, name, data) for name, data in found.items())


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _variable(entry: Any) -> str:
    return str(entry.get("name") if isinstance(entry, Mapping) else str(entry).partition("=")[0])


def _inner(written: str) -> int | None:
    last = written.partition("/")[0].rpartition(":")[2]
    return int(last) if last.isdecimal() and len(last) < 6 else None
