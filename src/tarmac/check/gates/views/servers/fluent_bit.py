"""Classic configurations of Fluent Bit: sections in files, ConfigMaps and its chart's values."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.foreign.reading import fields, string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.servers.nginx import Configuration, written

_SECTION = re.compile(
    r"^[ \t]*\[(SERVICE|INPUT|FILTER|OUTPUT|PARSER|MULTILINE_PARSER)\]",
    re.MULTILINE | re.IGNORECASE,
)
_HEAD = re.compile(r"[ \t]*\[([A-Za-z_]+)\][ \t]*")
_INCLUDES = re.compile(r"[ \t]*@include[ \t]+(\S+)", re.IGNORECASE)


class Entry(NamedTuple):
    """A line of a section: a key in lower case, and its value."""

    key: str
    value: str
    line: int


class Section(NamedTuple):
    """A section: its name in capitals, the line of that, and its entries."""

    name: str
    line: int
    entries: tuple[Entry, ...]

    def values(self, key: str) -> list[str]:
        """List the values of a key, which may be there several times."""
        return [one.value for one in self.entries if one.key == key]


class FluentBit(NamedTuple):
    """A whole configuration: what has [SERVICE], with all that it includes."""

    title: str
    #: Where its section [SERVICE] is.
    where: str
    sections: tuple[Section, ...]
    #: What it includes and is not here.
    lacking: tuple[str, ...]
    #: The sections of the files beside it, by their names.
    beside: Mapping[str, tuple[Section, ...]]

    def parsers(self, name: str) -> set[str]:
        """List the parsers that a file beside it defines."""
        return parsers(self.beside.get(name, ()))


def parsers(sections: tuple[Section, ...]) -> set[str]:
    """List the names of the parsers that sections define."""
    return {name for one in sections if one.name.endswith("PARSER") for name in one.values("name")}


def fluent_bits(files: Files) -> Iterator[FluentBit]:
    """Yield the whole configurations of Fluent Bit."""
    folders: dict[tuple[str, str], list[Configuration]] = {}
    for own in written(files, lambda path: path.endswith(".conf"), _SECTION):
        is_file = own.name == own.artifact.path
        key = posixpath.dirname(own.name) if is_file else own.name.partition(" of ")[2]
        folders.setdefault(("" if is_file else own.artifact.path, key), []).append(own)
    for found in folders.values():
        texts = {_name(own): own for own in found}
        beside = {name: sections(own.text) for name, own in texts.items()}
        for name, own in texts.items():
            service = next((one for one in beside[name] if one.name == "SERVICE"), None)
            if service is not None:
                every, lacking = _with_included(own.text, beside)
                yield FluentBit(own.name, own.where(service.line), every, lacking, beside)
    yield from _of_charts(files)


def _name(own: Configuration) -> str:
    """Return the name of its file, as Fluent Bit sees it."""
    is_file = own.name == own.artifact.path
    return posixpath.basename(own.name) if is_file else own.name.partition(" of ")[0]


def _with_included(
    text: str, beside: Mapping[str, tuple[Section, ...]]
) -> tuple[tuple[Section, ...], tuple[str, ...]]:
    every, lacking = list(sections(text)), list[str]()
    for line in text.splitlines():
        if found := _INCLUDES.match(line):
            asked = posixpath.basename(found[1])
            names = [name for name in beside if fnmatchcase(name, asked)]
            every += [one for name in names for one in beside[name]]
            lacking += [] if names else [asked]
    return tuple(every), tuple(lacking)


def _of_charts(files: Files) -> Iterator[FluentBit]:
    """Yield what values of the chart fluent-bit say, by themselves or below its name."""
    for artifact in files.artifacts:
        if artifact.is_object:
            continue
        for path in (("config",), ("fluent-bit", "config")):
            config = fields(artifact.data, *path)
            service = string(config, "service")
            if "[SERVICE]" in service and ("inputs" in config or "filters" in config):
                parts = (service, *(string(config, key) for key in ("inputs", "filters")))
                own = sections(string(config, "customParsers"))
                where = artifact.at(*path, "service")
                every = sections("\n".join(parts))
                beside = {"custom_parsers.conf": own} if own else {}
                yield FluentBit(artifact.path, where, every, (), beside)


def sections(text: str) -> tuple[Section, ...]:
    """Read the sections of a configuration."""
    found: list[tuple[str, int, list[Entry]]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split(None, 1)
        if head := _HEAD.fullmatch(line):
            found.append((head[1].upper(), number, []))
        elif found and len(words) == 2 and not words[0].startswith(("#", "@", "{")):
            found[-1][2].append(Entry(words[0].lower(), words[1].strip(), number))
    return tuple(Section(name, line, tuple(entries)) for name, line, entries in found)
