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

from tarmac.artifact import Artifact
from tarmac.foreign.data import first
from tarmac.gates.gate import Files, Subject
from tarmac.gates.views.objects import NAME, dig, name_of

WAVE = "argocd.argoproj.io/sync-wave"
NAMESPACE = "argocd"
UPDATER = "argocd-image-updater.argoproj.io/"
RESPECT = "RespectIgnoreDifferences=true"
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

    @property
    def heals(self) -> bool:
        """Whether it reverts changes that were not made in git."""
        return dig(self.spec, "syncPolicy", "automated", "selfHeal") is True

    def lacks(self, pointer: str, kind: str, name: str) -> str:
        """Say what it lacks to leave a field to others; nothing where it does.

        Args:
            pointer: e.g. `/spec/replicas`.
            name: of the object; empty where that is not known.
        """
        for ignored in self.spec.get("ignoreDifferences") or ():
            paths = (
                *(ignored.get("jsonPointers") or ()),
                *(ignored.get("jqPathExpressions") or ()),
            )
            meant = ignored.get("kind") in (kind, "*") and (
                not name or ignored.get("name") in (name, "", None)
            )
            if meant and pointer in (str(path).replace(".", "/") for path in paths):
                # Without it the next sync, whatever that is for, writes the field again.
                options = dig(self.spec, "syncPolicy", "syncOptions") or ()
                return "" if RESPECT in options else RESPECT
        return f"ignoreDifferences of {pointer}"

    def at(self, *path: str | int) -> str:
        """Say where a part of it stands; of one that a set makes, in the set's template."""
        whole = ("spec", "template") if self.artifact.data["kind"] == "ApplicationSet" else ()
        return self.artifact.at(*whole, *path)


@dataclass(frozen=True)
class Rule:
    """How the image updater is to move one image of an Application on."""

    app: App
    #: Its name without registry and tag, and the word that its annotations begin with.
    image: str
    alias: str
    strategy: str
    #: Which tags it may take, as it is written.
    allowed: str
    #: Where it writes what it finds.
    written: str
    #: The line of its strategy, or of the list of images.
    where: str


def rules(app: App) -> Iterator[Rule]:
    """Yield the image updater's rules for an Application, what it takes without among them."""
    annotations = dig(app.data, "metadata", "annotations") or {}
    own = [key for key in annotations if key.startswith(UPDATER)]
    said = {key.removeprefix(UPDATER): str(annotations[key] or "") for key in own}
    for entry in said.get("image-list", "").split(","):
        alias, equals, image = entry.strip().partition("=")
        name = re.split("[@:]", (image if equals else alias).rpartition("/")[2])[0]
        keys = [key for key in (f"{alias}.update-strategy", "update-strategy") if key in said]
        if name:
            yield Rule(
                app=app,
                image=name,
                alias=alias,
                strategy=said[keys[0]] if keys else "semver",
                allowed=said.get(f"{alias}.allow-tags", said.get("allow-tags", "")),
                written=said.get("write-back-method", "argocd"),
                where=app.at("metadata", "annotations", UPDATER + [*keys, "image-list"][0]),
            )


def applications(files: Files) -> tuple[App, ...]:
    """List all of Argo CD's Applications, those that sets make among them."""
    found = []
    for artifact in files.objects("Application", "ApplicationSet"):
        if str(artifact.data["apiVersion"]).startswith(
            "argoproj.io/"
        ):  # others have such a kind, too
            made = (
                expanded(artifact.data)
                if artifact.data["kind"] == "ApplicationSet"
                else (artifact.data,)
            )
            found += [App(artifact, data, wave_of(artifact.data)) for data in made]
    return tuple(found)


def below(files: Files, app: App) -> tuple[Artifact, ...]:
    """List what lies in the folders that an Application follows, where no plan says which.

    The folder may be a part of the repository: the last two parts of a path match, too.
    """
    found: list[Artifact] = []
    for source in app.sources:
        path = str(source.get("path") or "").strip("/")
        for end in (path, "/".join(path.split("/")[-2:])) if path else ():
            here = [e for e in files.artifacts if f"/{end}/" in f"/{posixpath.dirname(e.path)}/"]
            if here:
                found += here
                break
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
            if not isinstance(element, Mapping):
                continue
            made = _filled(spec.get("template") or {}, element)
            made = {"apiVersion": data.get("apiVersion"), "kind": "Application", **made}
            patch = spec.get("templatePatch") or ""
            if field := re.fullmatch(r"\s*\{\{\s*toJson \.(\w+)\s*\}\}\s*", patch):
                more = element.get(field[1])
                made = _merged(made, more) if isinstance(more, Mapping) else made
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
    by_path = {artifact.path: artifact for artifact in subject.artifacts}
    if f"{folder}/kustomization.yaml" in by_path:
        return tuple(_kustomized(by_path, folder))
    if f"{folder}/Chart.yaml" in by_path:
        names = dig(source, "helm", "valueFiles") or ()
        paths = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
        return tuple(by_path[path] for path in paths if path in by_path)
    return tuple(_plain(by_path.values(), folder, source.get("directory") or {}))


def _plain(artifacts: Iterable[Artifact], folder: str, directory: Object) -> Iterator[Artifact]:
    for artifact in artifacts:
        if not artifact.path.startswith(f"{folder}/") or not artifact.is_object:
            continue
        below = artifact.path.removeprefix(f"{folder}/")
        if "/" in below and not directory.get("recurse"):
            continue
        include, exclude = directory.get("include"), directory.get("exclude")
        if (include and not _matches(below, include)) or (exclude and _matches(below, exclude)):
            continue
        yield artifact


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
    read = first(artifact.content)
    return replace(artifact, content=read if isinstance(read, dict) else {})


def project_of(subject: Subject, app: App) -> Artifact | None:
    """Find the AppProject of an Application."""
    wanted = app.spec.get("project")
    return next((e for e in subject.objects("AppProject") if name_of(e) == wanted), None)


def service_of(subject: Subject, app: App) -> str | None:
    """Find the service that an Application is of, by the files that it applies."""
    names = {service.name for service in subject.plan.services}
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
    for artifact in subject.objects():
        if dig(artifact.data, "metadata", "labels", NAME) == service:
            yield artifact
