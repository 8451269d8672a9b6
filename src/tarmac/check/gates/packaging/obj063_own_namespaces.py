"""The namespace of a release is made once: by Helm, or by the chart itself."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, string
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.flux_charts import (
    ReleasedObject,
    released_objects,
    written_names,
)
from tarmac.check.gates.views.pipelines.shell import Command, commands
from tarmac.check.gates.views.scope import counted_in_files

_HELM = re.compile(r"\bhelm\b[^|;&]*[ \t](?:install|upgrade)[ \t]")
_MADE = re.compile(r"[ \t]--create-namespace(?![\w=-])")
_OWN = re.compile(
    r"[\"']?\{\{-?[ \t]*\$?\.Release\.Namespace[ \t]*(?:\|[ \t]*quote[ \t]*)?-?\}\}[\"']?"
)


class OwnNamespace(NamedTuple):
    """A chart with its own namespace among its templates."""

    folder: str
    template: str


def check(files: Files) -> Iterator[Finding]:
    """Yield releases whose namespace is there before the chart is to make it."""
    for one in _released(files):
        how = ("spec", "install", "createNamespace")
        is_made = dig(one.release.data, *how) is True
        if not is_made and string(one.release.data, "spec", "targetNamespace"):
            continue
        said = f"{title(one.release)} has Namespace {one.name} made by Helm (createNamespace), and"
        if not is_made:
            said = f"{title(one.release)} is in Namespace {one.name} itself, and"
        where = one.release.at(*how) if is_made else one.release.at("spec")
        yield Finding(where, f"{said} {_fails(one.template)}")
    own: dict[str, OwnNamespace] = {}
    for chart in _own(files):
        own.setdefault(posixpath.basename(chart.folder), chart)
    for command in _commands(files) if own else ():
        words = [posixpath.normpath(word) for word in command.text.split() if "/" in word]
        found = (own.get(posixpath.basename(word)) for word in words)
        if named := next(filter(None, found), None):
            what = f"`helm --create-namespace` makes the namespace of {named.folder}, and"
            yield Finding(command.where, f"{what} {_fails(named.template)}", warning=True)


def _fails(template: str) -> str:
    why = "makes the same one: it is there already, so the first installation fails; keep one"
    return f"{template} {why}"


def _released(files: Files) -> Iterator[ReleasedObject]:
    for one in released_objects(files, "Namespace"):
        if one.is_always and one.name == one.namespace:
            yield one


@once
def _charts(files: Files) -> Iterator[Artifact]:
    for one in files.artifacts:
        if posixpath.basename(one.path) == "Chart.yaml":
            yield one


def _own(files: Files) -> list[OwnNamespace]:
    """List the charts that make the namespace which they are installed in."""
    folders = [posixpath.dirname(one.path) for one in _charts(files)]
    return [
        OwnNamespace(folder, name.template)
        for folder in folders
        for name in written_names(files, folder, "Namespace")
        if name.is_always and _OWN.fullmatch(name.text.strip())
    ]


def _commands(files: Files) -> Iterator[Command]:
    for one in commands(files):
        if _HELM.search(one.text) and _MADE.search(one.text):
            yield one


GATE = Gate(
    id="OBJ063",
    title="The namespace of a release is made once",
    phase="kubernetes",
    source="https://fluxcd.io/flux/components/helm/helmreleases/#install-configuration and "
    "https://github.com/istio/istio/issues/32084: Helm makes the namespace before the objects of "
    "the chart, and refuses to make one that is there",
    check=check,
    of_files=check,
    scope=counted_in_files("charts", _charts),
    targets=("cluster",),
    reads="templates of charts on disk whose Namespace no condition leaves out, beside "
    "createNamespace of HelmReleases and --create-namespace of commands that name the chart's "
    "folder. Of a command no more is known than the folder's name: a warning.",
)
