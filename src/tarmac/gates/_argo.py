"""Argo CD's Applications as gates read them: those of sets expanded, each with what it applies."""

from __future__ import annotations

import fnmatch
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import yaml

from tarmac.artifact import Artifact
from tarmac.gates._gate import Subject
from tarmac.gates._objects import NAME, dig, name_of

WAVE = "argocd.argoproj.io/sync-wave"
NAMESPACE = "argocd"
_FIELD = re.compile(r"\{\{-?\s*\.(\w+)\s*-?\}\}")
Object = Mapping[str, Any]


@dataclass(frozen=True)
class App:
    """One Application, or one that a set makes."""

    #: The file that says it.
    artifact: Artifact
    data: Object
    wave: int

    @property
    def name(self) -> str:
        """Its name."""
        return str(dig(self.data, "metadata", "name") or "")

    @property
    def spec(self) -> Object:
        """What it says."""
        return dig(self.data, "spec") or {}

    @property
    def sources(self) -> tuple[Object, ...]:
        """Where its objects come from."""
        one = self.spec.get("source")
        return (one,) if one else tuple(self.spec.get("sources") or ())

    @property
    def space(self) -> str:
        """The namespace that it fills."""
        return str(dig(self.spec, "destination", "namespace") or "")

    @property
    def title(self) -> str:
        """For a reader."""
        return f"Application {self.name}"


def applications(subject: Subject) -> tuple[App, ...]:
    """List all Applications, those that sets make among them."""
    found = [App(each, each.data, wave_of(each.data)) for each in subject.objects("Application")]
    for each in subject.objects("ApplicationSet"):
        found += [App(each, data, wave_of(each.data)) for data in expanded(each.data)]
    return tuple(found)


def wave_of(data: Object) -> int:
    """Read an object's wave; 0 where it says none."""
    text = str((dig(data, "metadata", "annotations") or {}).get(WAVE, "0"))
    return int(text) if re.fullmatch(r"-?\d+", text) else 0


def expanded(data: Object) -> Iterator[dict[str, Any]]:
    """Make a set's Applications: its template with the fields of each element of its lists."""
    spec = dig(data, "spec") or {}
    for generator in spec.get("generators") or ():
        for element in dig(generator, "list", "elements") or ():
            made = _filled(spec.get("template") or {}, element)
            made = {"apiVersion": data.get("apiVersion"), "kind": "Application", **made}
            patch = spec.get("templatePatch") or ""
            if field := re.fullmatch(r"\s*\{\{\s*toJson \.(\w+)\s*\}\}\s*", patch):
                made = _merged(made, element.get(field[1]) or {})
            yield made


def _filled(template: Object, element: Object) -> dict[str, Any]:
    def value(found: re.Match[str]) -> str:
        return json.dumps(str(element.get(found[1], "")))[1:-1]

    filled: dict[str, Any] = json.loads(_FIELD.sub(value, json.dumps(template)))
    return filled


def _merged(data: dict[str, Any], patch: Object) -> dict[str, Any]:
    made = deepcopy(data)
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(made.get(key), dict):
            made[key] = _merged(made[key], value)
        else:
            made[key] = value
    return made


def home(subject: Subject) -> str:
    """Say where the environment's tree is in the repository."""
    settings = subject.plan.settings.gitops
    return (settings.path if settings else None) or f"environments/{subject.plan.environment}"


def in_tree(subject: Subject, source: Object) -> str | None:
    """Give the folder of the tree that a source names; None where it is outside of it."""
    path, top = posixpath.normpath(str(source.get("path") or ".")), home(subject)
    return path.removeprefix(f"{top}/") if path.startswith(f"{top}/") else None


def files(subject: Subject, source: Object) -> tuple[Artifact, ...]:
    """List the files of the tree that say what a source applies: objects, or a chart's values."""
    folder = in_tree(subject, source)
    if folder is None:
        return ()
    by_path = {each.path: each for each in subject.artifacts}
    if f"{folder}/kustomization.yaml" in by_path:
        return tuple(_kustomized(by_path, folder))
    if f"{folder}/Chart.yaml" in by_path:
        names = dig(source, "helm", "valueFiles") or ()
        paths = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
        return tuple(by_path[path] for path in paths if path in by_path)
    return tuple(_plain(by_path.values(), folder, source.get("directory") or {}))


def _plain(artifacts: Iterable[Artifact], folder: str, directory: Object) -> Iterator[Artifact]:
    for each in artifacts:
        if not each.path.startswith(f"{folder}/") or "apiVersion" not in each.data:
            continue
        below = each.path.removeprefix(f"{folder}/")
        if "/" in below and not directory.get("recurse"):
            continue
        include, exclude = directory.get("include"), directory.get("exclude")
        if (include and not _matches(below, include)) or (exclude and _matches(below, exclude)):
            continue
        yield each


def _matches(name: str, pattern: str) -> bool:
    """Tell whether Argo CD's glob takes a name: `{a,b}` is either, `*` is anything."""
    inner = pattern[1:-1] if pattern.startswith("{") and pattern.endswith("}") else pattern
    parts = inner.split(",") if inner != pattern else [pattern]
    return any(fnmatch.fnmatchcase(name, part.strip()) for part in parts)


def _kustomized(by_path: Mapping[str, Artifact], folder: str) -> Iterator[Artifact]:
    """Yield what a kustomization names, and what those that it names do; half objects are text."""
    top = by_path.get(f"{folder}/kustomization.yaml")
    for name in (_read(top).data.get("resources") or ()) if top else ():
        path = posixpath.normpath(posixpath.join(folder, name))
        if path in by_path:
            yield _read(by_path[path])
        else:
            yield from _kustomized(by_path, path)


def _read(artifact: Artifact) -> Artifact:
    if not isinstance(artifact.content, str):
        return artifact
    read = yaml.load(artifact.content, yaml.CSafeLoader)
    return replace(artifact, content=read if isinstance(read, dict) else {})


def project_of(subject: Subject, app: App) -> Artifact | None:
    """Find the AppProject of an Application."""
    wanted = app.spec.get("project")
    return next((e for e in subject.objects("AppProject") if name_of(e) == wanted), None)


def service_of(subject: Subject, app: App) -> str | None:
    """Find the service that an Application is of, by the files that it applies."""
    names = {each.name for each in subject.plan.services}
    for source in app.sources:
        release = dig(source, "helm", "releaseName")
        last = posixpath.basename(str(source.get("path") or ""))
        for name in (release, last):
            if name in names:
                return str(name)
    return None


def objects(subject: Subject, app: App) -> Iterator[Artifact]:
    """List the objects of an Application as the plain tree says them, in whichever form it is."""
    service = service_of(subject, app)
    if service is None:
        for source in app.sources:
            yield from files(subject, source)
        return
    for each in subject.objects():
        if dig(each.data, "metadata", "labels", NAME) == service:
            yield each
