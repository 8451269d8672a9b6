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
    found = [one for one in files.artifacts if posixpath.basename(one.path) == "Chart.yaml"]
    for release in files.objects("HelmRelease") if found else ():
        source = string(release.data, "spec", "chart", "spec", "sourceRef", "kind")
        path = posixpath.normpath(string(release.data, "spec", "chart", "spec", "chart"))
        end = path.strip("/")
        own = [one for one in found if f"/{posixpath.dirname(one.path)}".endswith(f"/{end}")]
        if source not in ("GitRepository", "Bucket") or end in ("", ".") or len(own) != 1:
            continue
        space = string(release.data, "spec", "targetNamespace")
        named = f"{space}-{name_of(release)}" if space else name_of(release)
        name = string(release.data, "spec", "releaseName") or named
        for _, text in chart_texts(files, posixpath.dirname(own[0].path)):
            for document in re.split(r"^---[ \t]*$", text, flags=re.MULTILINE):
                written = _NAME.search(document) if _KIND.search(document) else None
                made = _filled(written[1], name, string(own[0].data, "name")) if written else ""
                if made:
                    yield ReleasedService(release, space or space_of(release), made)


def _filled(text: str, release: str, chart: str) -> str:
    """Fill in a name as Helm does; empty where it has more than the release's and chart's names."""
    full = release if chart in release else f"{release}-{chart}"
    known = {".Release.Name": release, "$.Release.Name": release, ".Chart.Name": chart}

    def value(found: re.Match[str]) -> str:
        return full if _FULL.fullmatch(found[1]) else known.get(found[1], "{{")

    made = _ACTION.sub(value, text.strip().strip("\"'"))
    return "" if "{{" in made else made
