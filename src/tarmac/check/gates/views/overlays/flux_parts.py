"""What the Kustomizations of Flux apply, as far as their folders are here."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.overlays.kustomized import as_written
from tarmac.check.gates.views.overlays.kustomized_parts import parts_of

_API = "kustomize.toolkit.fluxcd.io/"


def applying(files: Files) -> Iterator[Artifact]:
    """Yield the Kustomizations of Flux."""
    for one in files.objects("Kustomization"):
        is_flux = str(one.data.get("apiVersion")).startswith(_API)
        if is_flux and string(one.data, "spec", "path"):
            yield one


@once
def flux_parts(files: Files) -> Iterator[tuple[Artifact, str, Mapping[str, Any]]]:
    """Yield each of them with the objects that it applies, and the file of each."""
    flux = list(applying(files))
    own, by_path = as_written(files) if flux else ({}, {})
    beside: dict[str, list[str]] = {}
    for path in by_path:
        beside.setdefault(posixpath.dirname(path), []).append(path)
    by_end = _by_end({*own, *beside})
    for artifact in flux:
        asked = posixpath.normpath(string(artifact.data, "spec", "path")).strip("/")
        for folder in by_end.get(asked, []) if len(by_end.get(asked, [])) == 1 else ():
            if folder in own:
                parts = [(one.path, one.data) for one in parts_of(files, folder, own, by_path)]
            else:
                parts = [(path, one) for path in beside[folder] for one in by_path[path]]
            for path, data in parts:
                yield artifact, path, data


def _by_end(folders: set[str]) -> dict[str, list[str]]:
    """Find folders by each end of their paths: where the repository begins is not known."""
    found: dict[str, list[str]] = {}
    for folder in folders:
        steps = folder.split("/")
        for number in range(len(steps) if folder else 0):
            found.setdefault("/".join(steps[number:]), []).append(folder)
    return found
