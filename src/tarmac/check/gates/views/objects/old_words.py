"""Words that YAML 1.1 takes for a boolean, and Kustomize for a text: `off`, `yes`."""

from __future__ import annotations

import re

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path, dig, text
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.flux_patches import GROUP
from tarmac.check.gates.views.on_disk import on_disk

_WORD = re.compile(r".*:[ \t]*(on|off|yes|no|y|n)[ \t]*(#.*)?", re.IGNORECASE)


def is_text_for_flux(files: Files, artifact: Artifact, path: Path) -> bool:
    """Tell whether a boolean is a word that Flux hands on as a text: it builds by Kustomize."""
    if not isinstance(dig(artifact.data, *path), bool) or not _is_by_flux(files):
        return False
    place, number = on_disk(files, artifact.path), artifact.at(*path).rpartition(":")[2]
    if place is None or not place.is_file() or not number.isdigit():
        return False
    lines = place.read_text(encoding="utf-8", errors="replace").splitlines()
    return any(map(_WORD.fullmatch, lines[int(number) - 1 : int(number)]))


def _is_by_flux(files: Files) -> bool:
    kustomizations = files.objects("Kustomization")
    return any((text(one.data, "apiVersion") or "").startswith(GROUP) for one in kustomizations)
