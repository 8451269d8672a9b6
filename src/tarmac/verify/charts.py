"""Renders the Helm charts of a folder, so that gates see objects where there are templates.

Once with the chart's own values, and once for each file of values that lies in it: a team's shared
chart has one for each service. No cluster is asked, and nothing is fetched.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from tarmac.artifact import Artifact, Format
from tarmac.errors import BadInput, TarmacError
from tarmac.foreign import files
from tarmac.foreign.data import from_yaml
from tarmac.gates.views import programs
from tarmac.report import Finding, Skip

_SOURCE = re.compile(r"^# Source: [^/\n]+/(\S+)$", re.MULTILINE)
_VALUES = ("values/*.yaml", "values-*.yaml", "ci/*-values.yaml")


def read(charts: Iterable[Path], root: Path, gate: str) -> Iterator[tuple[Artifact, ...] | Finding]:
    """Yield the objects of each chart by each of its values; a warning where there are none.

    Args:
        root: the folder that they are in.
        gate: what a warning is of.
    """
    for chart in charts:
        try:
            library = "type: library" in files.text(chart / "Chart.yaml", root=root)
        except BadInput:  # it is said of the file itself
            continue
        own = sorted(path for pattern in _VALUES for path in chart.glob(pattern) if path.is_file())
        for values in () if library else (None, *own):
            try:
                yield tuple(_objects(chart, values))
            except (Skip, TarmacError, yaml.YAMLError) as error:
                said = " ".join(str(error).split())
                what = f"is a chart, and its objects were not judged: {said}"
                yield Finding(str(values or chart / "templates"), what, gate, warning=True)


def _objects(chart: Path, values: Path | None) -> Iterator[Artifact]:
    """Yield what a chart gives: named by its template, or by the values that are not its own."""
    options = ["--values", str(values.resolve())] if values else []
    argv = [programs.find("helm"), "template", _release(values or chart.resolve()), ".", *options]
    text = programs.run(argv, chart, codes=(0,))
    for document in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        source = _SOURCE.search(document)
        data = next(iter(from_yaml(document)), None)
        if source and isinstance(data, dict):
            path = (values or chart / source[1]).as_posix()
            yield Artifact(path, data, format=Format.OBJECT)


def _release(path: Path) -> str:
    """Name a release by what it is of: objects of most charts have its name."""
    return re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-")[:53] or "release"
