"""The catalogue of external images, charts and actions: versions and their end of life.

A leaf: renderers take a version from it, the gate VER001 compares what was rendered with it. The
data and their sources are in assets/versions.yaml.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from tarmac.base.errors import TarmacError, did_you_mean

#: Where a Dockerfile begins a stage or copies out of another image.
_FROM = re.compile(
    r"^(?:FROM |COPY --from=)(?:--platform=\S+ )?(\S+)(?!\S| import\b)(?: AS (\S+))?",
    re.MULTILINE | re.IGNORECASE,
)

#: What stands for an image there, where no other one is given.
_ARG = re.compile(r"^ARG (\w+)=(\S+)", re.MULTILINE | re.IGNORECASE)
_GIVEN = re.compile(r"\$(?:\{(\w+)(?::-([^}]*))?\}|(\w+))")

FILE = files("tarmac") / "assets" / "versions.yaml"


class UnknownVersion(TarmacError):
    """Something is to be rendered whose version the catalogue does not have."""


@dataclass(frozen=True)
class Version:
    """One version of an external image, chart or action."""

    #: `image`, `chart`, `action` or `Kubernetes`.
    what: str
    name: str
    version: str
    #: None where it was not found.
    released: date | None
    #: None where it is unknown; `why` says the reason.
    end_of_life: date | None
    source: str
    why: str = ""
    successor: str = ""
    #: The commit that an action's version is of: what a workflow names, since a tag can be moved.
    digest: str = ""

    @property
    def label(self) -> str:
        """For a reader: `image postgres:18`."""
        sign = ":" if self.what == "image" else " "
        return f"{self.what} {self.name}{sign}{self.version}".replace("Kubernetes  ", "Kubernetes ")


@dataclass(frozen=True)
class Api:
    """An apiVersion."""

    name: str
    source: str
    #: The chart whose version brings it; empty for Kubernetes' own.
    chart: str = ""
    #: The version that no longer has it.
    removed: str = ""
    successor: str = ""


@dataclass(frozen=True)
class Catalogue:
    """All that may be rendered."""

    kubernetes: Mapping[str, Version]
    images: Mapping[str, Version]
    charts: Mapping[str, Version]
    actions: Mapping[str, Version]
    apis: Mapping[str, Api]
    #: What roadmaps name and is gone: name -> what is rendered instead.
    retired: Mapping[str, str]

    def default(self) -> Version:
        """Give the Kubernetes that objects are checked for."""
        return next(iter(self.kubernetes.values()))

    def image(self, name: str) -> str:
        """Name an image with its version: `postgres:18`.

        Raises:
            UnknownVersion: the catalogue has no such image.
        """
        if name not in self.images:
            hint = did_you_mean(name, self.images)
            raise UnknownVersion(f"assets/versions.yaml: no image {name}; add it, or {hint}")
        return f"{name}:{self.images[name].version}"


@cache
def read() -> Catalogue:
    """Read the catalogue that this version of Tarmac came with."""
    data = yaml.load(FILE.read_text(encoding="utf-8"), yaml.CSafeLoader)
    return Catalogue(
        {number: _version("Kubernetes", "", number, e) for number, e in data["kubernetes"].items()},
        dict(_versions("image", data["images"])),
        dict(_versions("chart", data["charts"])),
        dict(_versions("action", data["actions"])),
        {name: Api(name, **api) for name, api in data["apis"].items()},
        {name: api["successor"] for name, api in data["retired"].items()},
    )


def _versions(what: str, found: Mapping[str, Any]) -> Iterator[tuple[str, Version]]:
    for name, entry in found.items():
        yield name, _version(what, name, entry["version"], entry)


def _version(what: str, name: str, version: str, entry: Mapping[str, Any]) -> Version:
    return Version(
        what,
        name,
        version,
        _day(entry["released"]),
        _day(entry["end_of_life"]),
        entry["source"],
        entry.get("why", ""),
        entry.get("successor", ""),
        entry.get("digest", ""),
    )


def _day(value: date | str) -> date | None:
    return value if isinstance(value, date) else None


def named(content: Any) -> Iterator[tuple[str, str]]:
    """Yield the external images and actions of a file: `image` or `action`, and its text.

    Args:
        content: an object, a Compose file or a workflow as data, or a Dockerfile's text.
    """
    if isinstance(content, str):
        stages = set[str]()
        given = {name: value.strip("\"'") for name, value in _ARG.findall(content)}
        for written, stage in _FROM.findall(content):
            image = _GIVEN.sub(lambda m: given.get(m[1] or m[3]) or m[2] or m[0], written)
            if image not in stages and "$" not in image and image != "scratch":
                yield "image", image
            stages.add(stage)
    elif isinstance(content, Mapping):
        for key, value in content.items():
            if key == "image" and isinstance(value, str):
                if not value.startswith("$"):  # given elsewhere: a matrix, a variable
                    yield "image", value
            elif key == "uses" and isinstance(value, str) and not value.startswith("./"):
                yield "action", value
            elif not isinstance(value, str):
                yield from named(value)
    elif isinstance(content, list | tuple):
        for part in content:
            if not isinstance(part, str):
                yield from named(part)
