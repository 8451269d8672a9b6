"""Objects that HelmReleases of Flux install, of charts whose templates are here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.objects.metadata import name_of, space_of

_KIND = re.compile(r"^kind:[ \t]*(\w+)[ \t]*$", re.MULTILINE)
#: By these a part of a template may be left out.
_BLOCK = re.compile(r"\{\{-?[ \t]*(?:if|with|range)\b")
_NAME = re.compile(r"^[ ]{2}name:[ \t]*(\S.*)$", re.MULTILINE)
_ACTION = re.compile(r"\{\{-?[ \t]*([^{}]*?)[ \t]*-?\}\}")
_FULL = re.compile(r'(?:include|template)[ \t]+"[^"]*\.fullname"[ \t]+\.')


class ReleasedObject(NamedTuple):
    """An object that a release installs."""

    release: Artifact
    namespace: str
    name: str
    #: The template that it is of.
    template: str
    #: Whether no condition of the template may leave it out.
    is_always: bool


def released_objects(files: Files, kind: str) -> Iterator[ReleasedObject]:
    """Yield those of a kind by the names that their release gives them, where these are known."""
    by_end: dict[str, list[Artifact]] = {}
    for one in files.artifacts:
        folder, name = posixpath.split(one.path)
        steps = folder.split("/") if name == "Chart.yaml" else []
        for number in range(len(steps)):
            by_end.setdefault("/".join(steps[number:]), []).append(one)
    written: dict[str, list[WrittenName]] = {}
    for release in files.objects("HelmRelease") if by_end else ():
        source = string(release.data, "spec", "chart", "spec", "sourceRef", "kind")
        path = posixpath.normpath(string(release.data, "spec", "chart", "spec", "chart"))
        own = by_end.get(path.strip("/"), [])
        if source not in ("GitRepository", "Bucket") or path == "." or len(own) != 1:
            continue
        space = string(release.data, "spec", "targetNamespace")
        named = f"{space}-{name_of(release)}" if space else name_of(release)
        name = string(release.data, "spec", "releaseName") or named
        folder = posixpath.dirname(own[0].path)
        if folder not in written:
            written[folder] = list(written_names(files, folder, kind))
        inside = space or space_of(release)
        for given in written[folder]:
            if made := _filled(given.text, name, string(own[0].data, "name"), inside):
                yield ReleasedObject(release, inside, made, given.template, given.is_always)


class WrittenName(NamedTuple):
    """A name as a template has it."""

    text: str
    template: str
    is_always: bool


def written_names(files: Files, folder: str, kind: str) -> Iterator[WrittenName]:
    """Yield the names of a chart's objects of a kind."""
    for shown, text in chart_texts(files, folder):
        is_always = _BLOCK.search(text) is None
        for document in re.split(r"^---[ \t]*$", text, flags=re.MULTILINE):
            found = _NAME.search(document) if kind in _KIND.findall(document) else None
            if found:
                yield WrittenName(found[1], shown, is_always)


def _filled(text: str, release: str, chart: str, space: str) -> str:
    """Fill in a name as Helm does; empty where it has more than the names of what is installed."""
    full = release if chart in release else f"{release}-{chart}"
    known = {".Release.Name": release, "$.Release.Name": release, ".Chart.Name": chart}
    known |= {".Release.Namespace": space, "$.Release.Namespace": space}

    def value(found: re.Match[str]) -> str:
        return full if _FULL.fullmatch(found[1]) else known.get(found[1], "{{")

    made = _ACTION.sub(value, text.strip().strip("\"'"))
    return "" if "{{" in made else made
