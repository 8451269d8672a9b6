"""Files of a chart that its templates read by `.Files`: what they make of them is applied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import translate
from pathlib import Path

from tarmac.base.errors import BadInput
from tarmac.check.verify.built.sources import Sources

_ASKS = re.compile(r"\.Files\.(?:Get|Glob|Lines|AsConfig|AsSecrets)\b")
#: Paths in texts of templates, with what `printf` fills in.
_PATH = re.compile(r"[\"`]([A-Za-z_][\w.-]*(?:/[\w.*%{},-]+)*)[\"`]")
_ENDS = (".yaml", ".yml", ".json")
_TEMPLATES = (".tpl", ".yaml", ".yml", ".txt", ".json")
_FILLED = re.compile(r"%[a-z]|\{[^}]*\}|\*\*/?")


def inputs(places: Iterable[Path], sources: Sources) -> Iterator[Path]:
    """Yield the files of charts, beside their templates, that these name.

    Args:
        places: the folders of the charts.
    """
    below: dict[Path, list[Path]] = {place: [] for place in places}
    for path in sources.paths:
        if (chart := next((one for one in path.parents if one in below), None)) is not None:
            below[chart].append(path)
    for chart, own in below.items():
        texts = list(_texts(chart / "templates", sources))
        if not any(map(_ASKS.search, texts)):
            continue
        found = {path for text in texts for path in _PATH.findall(text)}
        named = sorted(path for path in found if "/" in path or path.endswith(_ENDS))
        pattern = re.compile("|".join(map(_pattern, named)) or "$.")
        for path in own:
            if pattern.fullmatch(path.relative_to(chart).as_posix()):
                yield path


def _pattern(named: str) -> str:
    return translate(_FILLED.sub("*", named))


def _texts(templates: Path, sources: Sources) -> Iterator[str]:
    for path in sorted(templates.rglob("*")):
        if path.name.endswith(_TEMPLATES):
            with suppress(BadInput):  # helm says so
                yield sources.text(path)
