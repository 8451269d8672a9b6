"""Services that HelmReleases of Flux install, of charts whose templates are here."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.chart_texts import chart_texts
from tarmac.check.gates.views.objects.metadata import name_of, space_of

_KIND = re.compile(r"^kind:[ \t]*Service[ \t]*$", re.MULTILINE)
_NAME = re.compile(r"^[ ]{2}name:[ \t]*(\S.*)$", re.MULTILINE)
_ACTION = re.compile(r"\{\{-?[ \t]*([^{}]*?)[ \t]*-?\}\}")
_FULL = re.compile(r'(?:include|template)[ \t]+"[^"]*\.fullname"[ \t]+\.')


class ReleasedService(NamedTuple):
    """A Service that a release installs."""

    release: Artifact
    namespace: str
    name: str


def released_services(files: Files) -> Iterator[ReleasedService]:
    """Yield them by the names that their release gives them, as far as these are known."""
    by_end: dict[str, list[Artifact]] = {}
    for one in files.artifacts:
        folder, name = posixpath.split(one.path)
        steps = folder.split("/") if name == "Chart.yaml" else []
        for number in range(len(steps)):
            by_end.setdefault("/".join(steps[number:]), []).append(one)
    written: dict[str, list[str]] = {}
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
            written[folder] = list(_names(files, folder))
        for text in written[folder]:
            if made := _filled(text, name, string(own[0].data, "name")):
                yield ReleasedService(release, space or space_of(release), made)


def _names(files: Files, folder: str) -> Iterator[str]:
    """Yield the names of a chart's Services, as its templates write them."""
    for _, text in chart_texts(files, folder):
        for document in re.split(r"^---[ \t]*$", text, flags=re.MULTILINE):
            found = _NAME.search(document) if _KIND.search(document) else None
            if found:
                yield found[1]


def _filled(text: str, release: str, chart: str) -> str:
    """Fill in a name as Helm does; empty where it has more than the release's and chart's names."""
    full = release if chart in release else f"{release}-{chart}"
    known = {".Release.Name": release, "$.Release.Name": release, ".Chart.Name": chart}

    def value(found: re.Match[str]) -> str:
        return full if _FULL.fullmatch(found[1]) else known.get(found[1], "{{")

    made = _ACTION.sub(value, text.strip().strip("\"'"))
    return "" if "{{" in made else made
