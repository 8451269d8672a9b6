"""Where charts are on disk; their templates are not read here."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import string
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once


@dataclass(frozen=True)
class ChartPlace:
    """Where a chart with templates of its own is."""

    folder: str
    #: Its Chart.yaml, or the file that lists what it depends on.
    needing: Artifact
    #: Without any: a release gives all of them.
    values: Artifact
    templates: Path


@once
def chart_places(files: Files) -> Iterator[ChartPlace]:
    """Yield where the charts of a folder are; reads none of their templates."""
    by_path = {artifact.path: artifact for artifact in files.artifacts}
    for path, about in by_path.items():
        folder, name = posixpath.split(path)
        if name != "Chart.yaml":
            continue
        own = posixpath.join(folder, "values.yaml")
        values = by_path.get(own)
        if values is None or not values.data:
            values = Artifact(own, {})
        place = on_disk(files, posixpath.join(folder, "templates"))
        if place is not None and place.is_dir() and string(about.data, "type") != "library":
            old = by_path.get(posixpath.join(folder, "requirements.yaml"))
            yield ChartPlace(folder, old if old is not None else about, values, place)
