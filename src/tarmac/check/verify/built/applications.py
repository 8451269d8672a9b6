"""What Argo CD and Flux install of a folder's files: kustomizations and charts, and where.

A path of an Application is one in a repository, of which the judged folder may be a part: the one
whose path ends as the Application's does is meant.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import takewhile
from pathlib import Path
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields, items, numbered, string
from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.argo.applications import App, applications, wave_of
from tarmac.check.gates.views.argo.sources import Source
from tarmac.check.gates.views.objects.metadata import group_of
from tarmac.check.gates.views.overlays.unlisted import left_out
from tarmac.check.verify.built.releases import destination_of, values_file
from tarmac.check.verify.built.sources import Sources

_FIELD = re.compile(r"\{\{-?\s*\.?([\w.]+|path\[\d+\])\s*-?\}\}")


@dataclass(frozen=True)
class Installation:
    """A folder that is installed."""

    folder: Path
    namespace: str | None
    #: A cluster and a namespace: what has the same one is installed side by side.
    destination: str
    #: Of a chart: what installs it, and how.
    app: App | None = None
    source: Source | None = None
    #: It is built with components that its kustomization does not name.
    adds: bool = False


def installations(
    files: Files, folders: Iterable[Path], sources: Sources
) -> Iterator[Installation]:
    """Yield the folders that are installed by an Application, or by Flux's Kustomization."""
    known = {folder: sources.shown(folder) for folder in folders}
    for app in (*applications(files), *_of_directories(files, known, sources.root)):
        for source in app.sources:
            for folder in _meant(source.path or "", known, app.artifact.path):
                yield Installation(folder, app.space or None, destination_of(app), app, source)
    skipped = left_out(files)
    for artifact in files.objects("Kustomization"):
        is_of_flux = group_of(artifact).startswith("kustomize.toolkit.fluxcd.io")
        if is_of_flux and artifact.path not in skipped:
            space = string(artifact.data, "spec", "targetNamespace") or None
            path = string(artifact.data, "spec", "path")
            for folder in _meant(path, known, artifact.path):
                adds = bool(items(artifact.data, "spec", "components"))
                yield Installation(folder, space, f"flux {space or ''}", adds=adds)


def remarks(installed: Iterable[Installation], sources: Sources, gate: str) -> Iterator[Finding]:
    """Yield what Applications say of an installation, and what is judged does not have."""
    for one in installed:
        if one.app is None or one.source is None:
            continue
        where, folder = one.app.at("spec", "source"), sources.shown(one.folder)
        if fields(one.source.data, "kustomize"):
            what = (
                f"{one.app.title} changes the objects of {folder} by its own "
                "`kustomize`, which was not judged; write it into an overlay"
            )
            yield Finding(where, what, gate, warning=True)
        is_chart = (one.folder / "Chart.yaml").is_file()
        for name in one.source.value_files if is_chart else ():
            if values_file(one.folder, name, sources) is None:
                what = f"{one.app.title} installs {folder} with {name}, which is not in this folder"
                yield Finding(where, f"{what}: judged without it", gate, warning=True)


def _meant(path: str, folders: Mapping[Path, str], by: str) -> list[Path]:
    """Find the folder of a path: the one that ends with the most of it, two parts at least.

    Args:
        folders: with their names in findings.
        by: the file that names it; of several folders the one next to it is meant.
    """
    parts = [part for part in posixpath.normpath(path).split("/") if part not in ("", ".")]
    for start in range(max(len(parts) - 1, 1)):
        end = tuple(parts[start:])
        if found := [folder for folder in folders if end and folder.parts[-len(end) :] == end]:
            return [max(found, key=lambda folder: _shared(folders[folder], by))]
    return []


def _shared(name: str, other: str) -> int:
    """Count the folders that two files have above both."""
    parts = zip(name.split("/"), other.split("/"), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], parts)))


def _of_directories(files: Files, folders: Iterable[Path], root: Path) -> Iterator[App]:
    """Yield the Applications that a set makes of the folders of a repository."""
    for artifact in files.objects("ApplicationSet"):
        for generator in items(artifact.data, "spec", "generators"):
            for _, item in numbered(generator, "git", "directories"):
                for folder in folders:
                    if not item.get("exclude") and _is_below(folder, str(item.get("path")), root):
                        yield _made(artifact, folder.relative_to(root).as_posix())


def _is_below(folder: Path, pattern: str, root: Path) -> bool:
    path = folder.relative_to(root).as_posix()
    parts = pattern.split("/")
    own = path.split("/")
    return len(own) == len(parts) and all(map(fnmatchcase, own, parts))


def _made(artifact: Artifact, path: str) -> App:
    """Fill a set's template with a folder."""
    values = {"path": path, "path.path": path, "path.basename": posixpath.basename(path)}
    values |= {f"path[{number}]": part for number, part in enumerate(path.split("/"))}

    def filled(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: filled(part) for key, part in value.items()}
        if isinstance(value, list):
            return [filled(part) for part in value]
        if isinstance(value, str):
            return _FIELD.sub(lambda found: values.get(found[1], found[0]), value)
        return value

    template = filled(fields(artifact.data, "spec", "template"))
    data = {"apiVersion": artifact.data.get("apiVersion"), "kind": "Application", **template}
    return App(artifact, data, wave_of(artifact.data))
