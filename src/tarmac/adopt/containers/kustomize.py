"""Kustomize: which manifests its files name, and the objects that they generate.

`cluster_manifests` reads it, as files: patches, components and what is elsewhere are left alone.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tarmac.adopt.containers.compose_parts import Texts
from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables import dotenv_files
from tarmac.base.foreign.data import from_yaml

NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_GENERATORS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}


@dataclass(frozen=True)
class Kustomization:
    """What one file says, with paths from the repository's root."""

    resources: tuple[str, ...]
    #: Values by the kind and name of the object.
    generated: dict[tuple[str, str], dict[str, str]]


def kustomizations(root: Folder) -> Iterator[Kustomization]:
    """Read every one of a repository, those that others build on first."""
    files = [file for file in root.files if posixpath.basename(file) in NAMES]
    read = []
    for file in files:
        content = root.mapping(file, lambda text: next(iter(from_yaml(text, Texts)), None))
        read.append((posixpath.dirname(file), content or {}))
    named = {path for folder, content in read for path in _resources(folder, content)}
    read.sort(key=lambda one: one[0] not in named)
    for folder, content in read:
        yield Kustomization(_resources(folder, content), _generated(root, folder, content))


def _resources(folder: str, content: dict[str, Any]) -> tuple[str, ...]:
    given = [*_texts(content.get("resources")), *_texts(content.get("bases"))]
    return tuple(posixpath.normpath(posixpath.join(folder, path)) for path in given)


def _generated(
    root: Folder, folder: str, content: dict[str, Any]
) -> dict[tuple[str, str], dict[str, str]]:
    found: dict[tuple[str, str], dict[str, str]] = {}
    for key, kind in _GENERATORS.items():
        listed = content.get(key)
        for entry in listed if isinstance(listed, list) else ():
            if not isinstance(entry, dict):
                continue
            values = found.setdefault((kind, str(entry.get("name"))), {})
            for file in (*_texts(entry.get("envs")), *_texts([entry.get("env")])):
                path = posixpath.normpath(posixpath.join(folder, file))
                values |= dotenv_files.entries(root.read(path))
            for literal in _texts(entry.get("literals")):
                name, _, value = literal.partition("=")
                values[name] = value.strip("\"'")
    return found


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
