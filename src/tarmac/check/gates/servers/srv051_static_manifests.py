"""Static files that a manifest names are collected before they are asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.dockerfiles import dockerfiles, stages
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_STORAGE = re.compile(r"\b(\w*Manifest\w*StaticFilesStorage|ManifestStaticFilesStorage)\b")
_SERVES = re.compile(r"\b(gunicorn|uvicorn|hypercorn|daphne|granian|uwsgi|runserver)\b")
_COLLECTS = "collectstatic"
#: Files that may run it: scripts, pipelines, hooks of platforms.
_RUNS = re.compile(
    r".*\.(sh|bash|ya?ml|toml|json|cfg|ini|mk|py|j2)|(.*/)?(Makefile|Procfile|justfile|Dockerfile.*)"
)
_MOST = 200_000
_MOST_FILES = 2_000


class ServedManifest(NamedTuple):
    """Settings that want a manifest, and an image that serves the application."""

    settings: Artifact
    line: int
    storage: str
    dockerfile: Artifact


def check(files: Files) -> Iterator[Finding]:
    """Yield settings whose manifest nothing writes: each page with a static file is a 500."""
    for one in _served(files):
        if not _is_collected(files):
            what = f"{one.storage} finds files by the manifest that collectstatic writes, and"
            why = f"neither {one.dockerfile.path} nor another file runs that: each page with one is"
            where = f"{one.settings.path}:{one.line}"
            yield Finding(where, f"{what} {why} a 500; add RUN python manage.py collectstatic")
        break


@once
def _served(files: Files) -> Iterator[ServedManifest]:
    images = {
        str(PurePosixPath(one.path).parent): one
        for one in dockerfiles(files)
        for stage in stages(str(one.content))[-1:]
        if any(i.word in ("CMD", "ENTRYPOINT") and _SERVES.search(i.rest) for i in stage.whole)
    }
    for artifact in files.artifacts:
        text = artifact.content if artifact.path.endswith(".py") and images else ""
        is_settings = "settings" in artifact.path and isinstance(text, str)
        found = _STORAGE.search(text) if is_settings and isinstance(text, str) else None
        if found is None or not isinstance(text, str):
            continue
        above = map(str, PurePosixPath(artifact.path).parents)
        near = next((images[one] for one in above if one in images), None)
        if near is not None and "INSTALLED_APPS" in text:
            line = text.count("\n", 0, found.start()) + 1
            yield ServedManifest(artifact, line, found[1], near)


def _is_collected(files: Files) -> bool:
    """Tell whether any file runs it, or may."""
    root = on_disk(files, "")
    if root is None:
        return True
    number = 0
    for place in root.rglob("*"):
        if not place.is_file() or not _RUNS.fullmatch(place.name) or ".git" in place.parts:
            continue
        number += 1
        if number > _MOST_FILES or place.stat().st_size > _MOST:
            return True
        if _COLLECTS in place.read_text("utf-8", "replace"):
            return True
    return False


GATE = Gate(
    id="SRV051",
    title="Static files that a manifest names are collected",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/ref/contrib/staticfiles/"
    "#manifeststaticfilesstorage: without staticfiles.json a name is a ValueError, without DEBUG",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("settings with a manifest of static files", _served),
    targets=("compose", "cluster"),
    reads="the storage of static files in Django's settings beside an image that serves them, and "
    "the word collectstatic in all scripts, pipelines and settings of these files.",
)
