"""Which charts there are, and as which releases they are installed: name, namespace, values.

An Application says all of that. Of a chart that none names each file of values is a release of its
own: what one service's values give has nothing to do with another's.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tarmac.base.errors import BadInput
from tarmac.base.foreign.reading import fields, numbered, string
from tarmac.check.gates.views.argo.applications import App
from tarmac.check.gates.views.argo.sources import Source
from tarmac.check.verify.built.sources import Document, Sources, documents, is_inside

#: Where files of values lie in a chart, and beside one that has a folder of charts for itself.
_OWN = ("values/*.yaml", "values-*.yaml", "ci/*-values.yaml")
_BESIDE = ("values/*.yaml", "values-*.yaml")


@dataclass(frozen=True)
class Release:
    """A chart as it is installed once."""

    chart: Path
    name: str
    #: None: not known, and its objects get none.
    namespace: str | None
    values: tuple[Path, ...] = ()
    #: Values that stand in an Application, after those of files.
    inline: tuple[Document, ...] = ()
    #: Where it is installed; empty where none says it.
    destination: str = ""

    @property
    def title(self) -> str:
        """What it is called among the charts of a folder."""
        return f"{self.chart.name} as {self.name}"


def charts(paths: Iterable[Path], sources: Sources) -> list[Path]:
    """List the folders of charts that are installed: no libraries, and no parts of other charts."""
    found: list[Path] = []
    for path in sorted({path.parent for path in paths if path.name == "Chart.yaml"}):
        if any(other in path.parents for other in found):
            continue
        try:
            library = "type: library" in sources.text(path / "Chart.yaml")
        except BadInput:  # it is said of the file itself
            continue
        if not library:
            found.append(path)
    return found


def releases(chart: Path, alone: bool, namespace: str | None = None) -> Iterator[Release]:
    """Yield a release of a chart by its own values, and one by each file of values.

    Args:
        alone: no other chart is in the folder above, so that values there are its own.
        namespace: where all of them are installed.
    """
    own, beside = _files(chart, _OWN), _files(chart.parent, _BESIDE) if alone else []
    if not beside:
        yield Release(chart, name_of(chart.resolve()), namespace)
    for path in (*own, *beside):
        yield Release(chart, name_of(_named_by(chart, path)), namespace, (path,))


def _named_by(chart: Path, values: Path) -> Path:
    """Choose what names a release: values of a chart's tests, or of a place, are all of the chart.

    `01-default-values` is not a name of a Service; only a name that is meant can be judged.
    """
    is_variant = values.parent.name == "ci" or values.name.startswith("values-")
    return chart.resolve() if is_variant else values


def _files(folder: Path, patterns: Iterable[str]) -> list[Path]:
    return sorted(p for pattern in patterns for p in folder.glob(pattern) if p.is_file())


def name_of(path: Path) -> str:
    """Name a release by what it is of: objects of most charts have its name.

    A folder that is called by a number is that of a version: what it is of is above.
    """
    path = path.parent if path.stem[:1].isdigit() and path.parent.name else path
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:53] or "release"


def named(app: App, source: Source, chart: Path, sources: Sources) -> Release:
    """Read how an Application installs a chart."""
    helm = fields(source.data, "helm")
    values = [values_file(chart, name, sources) for name in source.value_files]
    inline = []
    if written := string(helm, "values"):
        inline += _parsed(app, written)
    if isinstance(given := helm.get("valuesObject"), Mapping):
        inline.append(_placed(app, given))
    if parameters := {
        str(item.get("name")): item.get("value") for _, item in numbered(helm, "parameters")
    }:
        inline.append(_placed(app, _nested(parameters)))
    return Release(
        chart,
        source.release or app.name,
        app.space or None,
        tuple(path for path in values if path is not None),
        tuple(inline),
        destination_of(app),
    )


def destination_of(app: App) -> str:
    """Return where an Application puts its objects: a cluster, and a namespace of it."""
    given = fields(app.data, "spec", "destination")
    return f"{given.get('server') or given.get('name') or ''} {app.space}"


def values_file(chart: Path, name: str, sources: Sources) -> Path | None:
    """Find a file of values: from the chart's folder, or from the root of another source."""
    if not name.startswith("$"):
        path = Path(os.path.normpath(chart / name))
        return path if is_inside(path, sources.root) and path.is_file() else None
    parts = name.split("/")[1:]
    # The repository of that source may begin above the folder, or be a part of it.
    ends = ["/".join(parts[start:]) for start in range(len(parts))]
    found = (path for end in ends for path in sources.paths if path.as_posix().endswith(f"/{end}"))
    return next(found, None)


def _parsed(app: App, written: str) -> list[Document]:
    place = app.at("spec", "source", "helm", "values")
    file, _, line = place.rpartition(":")
    try:
        return documents(file or place, written, int(line) + 1 if line.isdecimal() else 1)
    except BadInput:  # helm says it
        return []


def _placed(app: App, data: Mapping[str, Any]) -> Document:
    file, _, line = app.at("spec", "source", "helm").rpartition(":")
    return Document(file, data, {(): int(line)} if line.isdecimal() else {})


def _nested(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Make values of parameters, whose names are paths: `image.tag`."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        at = found
        *steps, last = re.split(r"(?<!\\)\.", name)
        for step in steps:
            below = at.setdefault(step.replace("\\.", "."), {})
            at = below if isinstance(below, dict) else {}
        at[last.replace("\\.", ".")] = value
    return found
