"""Charts that depend on others which are not here: what is missing, and the chart without it.

Called by `charts`. Nothing is fetched: without this one absent part would hide all of a chart.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tarmac.base.artifact import dump
from tarmac.base.errors import BadInput
from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import fields, items, string
from tarmac.check.verify.built.sources import Sources

#: Where a chart names those that it depends on: today, and in charts of Helm 2.
FILES = ("Chart.yaml", "requirements.yaml")


def missing(chart: Path, sources: Sources) -> tuple[str, ...]:
    """List the charts that one depends on and that are not among its own."""
    names: list[str] = []
    for path in (chart / name for name in FILES):
        if path.is_file():
            try:
                names += [string(one, "name") for one in _needed(first(sources.text(path)))]
            except BadInput:  # helm says it
                continue
    there = {path.name for path in (chart / "charts").glob("*")}
    return tuple(
        name
        for name in dict.fromkeys(names)
        if not any(own == name or own.startswith(f"{name}-") for own in there)
    )


def _needed(data: object) -> Sequence[Mapping[str, object]]:
    return [fields(one) for one in items(data, "dependencies")]


@contextmanager
def without(chart: Path, names: Sequence[str]) -> Iterator[Path]:
    """Give a copy of a chart that does not depend on some others, for as long as it is read."""
    with TemporaryDirectory() as folder:
        copy = Path(folder) / chart.resolve().name
        shutil.copytree(chart, copy, symlinks=True)
        for path in (copy / name for name in FILES):
            data = fields(first(path.read_text(encoding="utf-8"))) if path.is_file() else {}
            kept = [one for one in _needed(data) if string(one, "name") not in names]
            if data.get("dependencies"):
                path.unlink()
                path.write_text(dump({**data, "dependencies": kept}), encoding="utf-8")
        (copy / "Chart.lock").unlink(missing_ok=True)
        yield copy
