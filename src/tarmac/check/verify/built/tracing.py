"""Follows a kustomization's layers in kustomize's order: resources, generators, patches, the rest.

Called for each kustomization that is built, to give the parts of its objects their places.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput
from tarmac.base.foreign.reading import dig, fields, items, numbered, string
from tarmac.check.verify.built.layers import Layer
from tarmac.check.verify.built.origins import ObjectOrigin, begin, matching, merge
from tarmac.check.verify.built.paths import Key, dotted, named, pointed, steps
from tarmac.check.verify.built.sources import Document, Sources, documents

_TEMPLATE = ("spec", "template", "metadata", "labels")
_SELECTORS = (("spec", "selector"), ("spec", "selector", "matchLabels"))


def trace(layer: Layer, layers: Mapping[Path, Layer], sources: Sources) -> list[ObjectOrigin]:
    """Find where the parts of a kustomization's objects are written."""
    origins: list[ObjectOrigin] = []
    _apply(layer, layers, sources, origins, frozenset())
    return origins


def _apply(
    layer: Layer,
    layers: Mapping[Path, Layer],
    sources: Sources,
    above: list[ObjectOrigin],
    including: frozenset[Path],
) -> None:
    """Follow one layer; a component patches what its parent has, another only its own."""
    if layer.folder in including:
        return
    own = above if layer.data.get("kind") == "Component" else []
    for name in (*items(layer.data, "resources"), *items(layer.data, "bases")):
        path = _path(layer, str(name))
        if path in layers:
            _apply(layers[path], layers, sources, own, including | {layer.folder})
        else:
            own += begin(path, sources)
    own += _generated(layer, sources, own)
    for name in items(layer.data, "components"):
        if (path := _path(layer, str(name))) in layers:
            _apply(layers[path], layers, sources, own, including | {layer.folder})
    _patch(layer, sources, own)
    _transform(layer, own)
    _replace(layer, own)
    if own is not above:
        above += own


def _path(layer: Layer, name: str) -> Path:
    return Path(os.path.normpath(layer.folder / name))


def _generated(layer: Layer, sources: Sources, known: list[ObjectOrigin]) -> Iterator[ObjectOrigin]:
    """Yield the ConfigMaps and Secrets that a layer generates; one that it merges is there."""
    for field, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for number, item in numbered(layer.data, field):
            place = layer.document.at(field, number)
            name = str(item.get("name") or "")
            before = next((o for o in known if o.kind == kind and name in o.names), None)
            space = str(item.get("namespace") or "")
            origin = before or ObjectOrigin(kind, [name], space, {}, layer.document.file)
            if before is None or item.get("behavior") == "replace":
                keys: tuple[Key, ...] = ((), ("metadata",), ("metadata", "name"), ("data",))
                for key in keys:
                    origin.put(key, None, place)
            origin.is_generated = True
            for entry, where in _entries(layer, sources, field, number, item):
                origin.put(("data", entry), None, where)
            if before is None:
                yield origin


def _entries(
    layer: Layer, sources: Sources, field: str, number: int, item: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for index, literal in enumerate(items(item, "literals")):
        yield str(literal).partition("=")[0], layer.document.at(field, number, "literals", index)
    for entry in items(item, "files"):
        key, _, name = str(entry).rpartition("=")
        yield key or Path(name).name, f"{sources.shown(_path(layer, name))}:1"
    for name in (*items(item, "envs"), *filter(None, [string(item, "env")])):
        path = _path(layer, str(name))
        try:
            lines = sources.text(path).splitlines()
        except BadInput:  # kustomize says it
            continue
        for line, content in enumerate(lines, 1):
            if "=" in content and not content.lstrip().startswith("#"):
                yield content.partition("=")[0].strip(), f"{sources.shown(path)}:{line}"


def _patch(layer: Layer, sources: Sources, origins: list[ObjectOrigin]) -> None:
    for field in ("patchesStrategicMerge", "patches", "patchesJson6902"):
        for number, item in enumerate(items(layer.data, field)):
            inline = string(item, "patch")
            written = item if isinstance(item, str) else inline or string(item, "path")
            key = (field, number) if isinstance(item, str) else (field, number, "patch")
            for document in _documents(layer, sources, written, key, inline=bool(inline)):
                target = fields(item, "target") if isinstance(item, Mapping) else {}
                _patched(document, target, origins)


def _documents(
    layer: Layer, sources: Sources, written: str, key: Key, *, inline: bool
) -> list[Document]:
    """Read a patch, which is a file or text in the kustomization itself."""
    try:
        if not inline and "\n" not in written.strip():
            return sources.documents(_path(layer, written))
        place = layer.document.at(*key)
        line = place.rpartition(":")[2]
        # A block's text begins in the line after its key's.
        first = int(line) + 1 if line.isdecimal() else 1
        return documents(layer.document.file, written, first)
    except BadInput:  # kustomize says it
        return []


def _patched(document: Document, target: Mapping[str, Any], origins: list[ObjectOrigin]) -> None:
    if isinstance(document.data, list):
        for origin in matching(origins, target):
            _operate(origin, document)
        return
    own = {"kind": dig(document.data, "kind"), "name": dig(document.data, "metadata", "name")}
    found = matching(origins, target) if target else matching(origins, own, by_pattern=False)
    for origin in found:
        if dig(document.data, "$patch") == "delete":
            origin.deleted_at = document.at("$patch")
        else:
            merge(origin, document)


def _operate(origin: ObjectOrigin, document: Document) -> None:
    """Follow a JSON patch: the place of what it sets is its value's."""
    for number, operation in enumerate(document.data):
        if not isinstance(operation, Mapping):
            continue
        key = pointed(origin.data, str(operation.get("path") or ""))
        place = document.at(number, "value" if "value" in operation else "path")
        if operation.get("op") == "remove":
            origin.drop(key, place)
        elif operation.get("op") in ("add", "replace", "copy", "move"):
            value = operation.get("value")
            if key and key[-1] == "-":  # at the end of a list, by the name that it has
                key = (*key[:-1], next(step for step, _ in named([value])))
            above = key[:-1]
            while origin.touch(above, place):
                above = above[:-1]
            for index, below, set_value in steps(value, (number, "value"), key):
                where = document.at(*index) if "value" in operation else place
                origin.put(below, set_value, where)


def _transform(layer: Layer, origins: list[ObjectOrigin]) -> None:
    data, at = layer.data, layer.document.at
    for origin in origins:
        if space := data.get("namespace"):
            origin.namespace = str(space)
            origin.put(("metadata", "namespace"), space, at("namespace"))
        for field in ("namePrefix", "nameSuffix"):
            if more := data.get(field):
                name = origin.names[-1]
                origin.names.append(f"{more}{name}" if field == "namePrefix" else f"{name}{more}")
                origin.put(("metadata", "name"), origin.names[-1], at(field))
        _label(layer, origin)
    for number, item in numbered(data, "replicas"):
        for origin in origins:
            if item.get("name") in origin.names and ("spec",) in origin.places:
                origin.put(("spec", "replicas"), item.get("count"), at("replicas", number, "count"))
    for number, item in numbered(data, "images"):
        said = next((p for p in ("digest", "newTag", "newName") if item.get(p) is not None), "name")
        for origin in origins:
            _image(origin, item, at("images", number, said))


def _label(layer: Layer, origin: ObjectOrigin) -> None:
    at = layer.document.at
    for name, value in fields(layer.data, "commonLabels").items():
        everywhere: tuple[Key, ...] = (("metadata", "labels"), _TEMPLATE, *_SELECTORS)
        for below in everywhere:
            origin.put((*below, name), value, at("commonLabels", name))
    for name, value in fields(layer.data, "commonAnnotations").items():
        origin.put(("metadata", "annotations", name), value, at("commonAnnotations", name))
    for number, item in numbered(layer.data, "labels"):
        selected: list[Key] = [("metadata", "labels")]
        if item.get("includeSelectors") or item.get("includeTemplates"):
            selected.append(_TEMPLATE)
        if item.get("includeSelectors"):
            selected += _SELECTORS
        selected += [tuple(str(f.get("path")).split("/")) for _, f in numbered(item, "fields")]
        for name, value in fields(item, "pairs").items():
            for below in selected:
                origin.put((*below, name), value, at("labels", number, "pairs", name))


def _image(origin: ObjectOrigin, item: Mapping[str, Any], place: str) -> None:
    for key, value in list(origin.values.items()):
        if not key or key[-1] != "image" or not isinstance(value, str):
            continue
        name, tag = _parts(value)
        if name == item.get("name"):
            renamed = str(item.get("newName") or name)
            origin.put(key, f"{renamed}:{item.get('newTag') or tag}", place)


def _parts(image: str) -> tuple[str, str]:
    """Take an image's name and its tag apart; a registry's port is not a tag."""
    name, _, tag = image.partition("@")[0].rpartition(":")
    return (name, tag) if name and "/" not in tag else (image.partition("@")[0], "")


def _replace(layer: Layer, origins: list[ObjectOrigin]) -> None:
    for number, item in numbered(layer.data, "replacements"):
        for index, target in numbered(item, "targets"):
            paths: Iterable[Any] = items(target, "fieldPaths")
            for origin in matching(origins, fields(target, "select"), by_pattern=False):
                for path in paths:
                    place = layer.document.at("replacements", number, "targets", index)
                    origin.put(dotted(str(path)), None, place)
