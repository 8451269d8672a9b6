"""What an Application applies: the files in the folders that it follows."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import first
from tarmac.check.gates.subject import Files, Subject
from tarmac.check.gates.views.argo.applications import App
from tarmac.check.gates.views.argo.sources import Source
from tarmac.check.gates.views.objects.metadata import NAME, metadata
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomizations import Kustomization


def below(files: Files, app: App) -> tuple[Artifact, ...]:
    """List what lies in the folders that an Application follows, where no plan says which.

    The folder may be a part of the repository: the last two parts of a path match, too.
    """
    found: list[Artifact] = []
    for source in app.sources:
        path = (source.path or "").strip("/")
        for end in (path, "/".join(path.split("/")[-2:])) if path else ():
            if here := files.below(end):
                found += here
                break
    return tuple(found)


def home(subject: Subject) -> str:
    """Return where the environment's tree is in the repository."""
    settings = subject.plan.settings.gitops
    return (settings.path if settings else None) or f"environments/{subject.plan.environment}"


def in_tree(subject: Subject, source: Source) -> str | None:
    """Give the folder of the tree that a source names; None where it is outside of it."""
    path, top = posixpath.normpath(source.path or "."), home(subject)
    return path.removeprefix(f"{top}/") if path.startswith(f"{top}/") else None


def files(subject: Subject, source: Source) -> tuple[Artifact, ...]:
    """List the files of the tree that say what a source applies: objects, or a chart's values."""
    folder = in_tree(subject, source)
    if folder is None:
        return ()
    by_path = _by_path(subject)[0]
    if f"{folder}/kustomization.yaml" in by_path:
        return tuple(_kustomized(by_path, folder))
    if f"{folder}/Chart.yaml" in by_path:
        paths = [posixpath.normpath(posixpath.join(folder, name)) for name in source.value_files]
        return tuple(by_path[path] for path in paths if path in by_path)
    there = (one for one in subject.below(folder) if not one.built_by)
    return tuple(_plain(there, folder, source))


@once
def _by_path(files: Files) -> Iterator[Mapping[str, Artifact]]:
    yield {one.path: one for one in files.artifacts if not one.built_by}


def _plain(artifacts: Iterable[Artifact], folder: str, source: Source) -> Iterator[Artifact]:
    for artifact in artifacts:
        if not artifact.path.startswith(f"{folder}/") or not artifact.is_object:
            continue
        below = artifact.path.removeprefix(f"{folder}/")
        if "/" in below and not source.recursive:
            continue
        if source.takes(below):
            yield artifact


def _kustomized(by_path: Mapping[str, Artifact], folder: str) -> Iterator[Artifact]:
    """Yield what a kustomization names, and what those that it names do; half objects are text."""
    top = by_path.get(f"{folder}/kustomization.yaml")
    for name in Kustomization(_read(top)).resources if top else ():
        path = posixpath.normpath(posixpath.join(folder, name))
        if path in by_path:
            yield _read(by_path[path])
        else:
            yield from _kustomized(by_path, path)


def _read(artifact: Artifact) -> Artifact:
    if not isinstance(artifact.content, str):
        return artifact
    return replace(artifact, content=_data(artifact.content))


@lru_cache(maxsize=512)  # several Applications name the same files, and several gates ask
def _data(text: str) -> Mapping[str, Any]:
    read = first(text)
    return read if isinstance(read, dict) else {}


def service_of(subject: Subject, app: App) -> str | None:
    """Find the service that an Application is of, by the files that it applies."""
    names = {service.name for service in subject.plan.services}
    for source in app.sources:
        for name in (source.release, posixpath.basename(source.path or "")):
            if name in names:
                return name
    return None


def objects(subject: Subject, app: App) -> Iterator[Artifact]:
    """List the objects of an Application as the plain tree says them, in whichever form it is."""
    service = service_of(subject, app)
    if service is None:
        for source in app.sources:
            yield from files(subject, source)
        return
    for artifact in subject.objects():
        if metadata(artifact).labels.get(NAME) == service:
            yield artifact
