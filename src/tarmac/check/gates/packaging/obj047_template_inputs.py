"""Templates of a chart get what they read: files that are packed, and a context."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.charts.files import Chart, charts
from tarmac.check.gates.views.charts.texts import chart_texts
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_FILE = re.compile(r"\.Files\.(?:Get|GetBytes|Lines|Glob)\s+\"([^\"]+)\"")
_BARE = re.compile(r"\{\{-?\s*template\s+\"([^\"]+)\"\s*-?\}\}")
_DEFINED = re.compile(
    r"\{\{-?\s*define\s+\"([^\"]+)\"\s*-?\}\}(.*?)\{\{-?\s*end\s*-?\}\}", re.DOTALL
)
_CONTEXT = re.compile(r"\.(Values|Release|Chart|Capabilities|Files|Template)\b")


class Input(NamedTuple):
    """Something that a template reads, and what is wrong with it; empty: nothing."""

    where: str
    fault: str


def check(files: Files) -> Iterator[Finding]:
    """Yield files that .helmignore leaves out, and named templates that get no context."""
    yield from (Finding(one.where, one.fault) for one in _inputs(files) if one.fault)


@once
def _inputs(files: Files) -> Iterator[Input]:
    for chart in charts(files):
        ignored = _ignored(files, chart)
        texts = list(chart_texts(files, chart.folder))
        needing = {
            found[1]
            for _, text in texts
            for found in _DEFINED.finditer(text)
            if _CONTEXT.search(found[2])
        }
        for where, text in texts:
            for found in _FILE.finditer(text):
                yield Input(_at(where, text, found.start()), _left_out(found[1], ignored))
            for found in _BARE.finditer(text):
                yield Input(_at(where, text, found.start()), _contextless(found[1], needing))


def _at(where: str, text: str, place: int) -> str:
    return f"{where}:{text.count(chr(10), 0, place) + 1}"


def _contextless(name: str, needing: set[str]) -> str:
    if name not in needing:
        return ""
    what = f'takes the template "{name}" without a context, so .Release and .Values are empty'
    return f"{what} in it; write a dot behind it"


def _left_out(name: str, ignored: list[str]) -> str:
    for pattern in ignored:
        plain = pattern.strip("/")
        parts = posixpath.normpath(name).split("/")
        folders = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
        is_file = pattern.endswith("/")
        seen = folders[:-1] if is_file else folders
        names = seen if "/" in plain or pattern.startswith("/") else [*seen, *parts[: len(seen)]]
        if any(fnmatchcase(one, plain) for one in names):
            what = f"reads {name}, which .helmignore leaves out by {pattern}: it is empty"
            return f"{what}; remove the line"
    return ""


def _ignored(files: Files, chart: Chart) -> list[str]:
    """List the patterns of a chart's .helmignore; none where some are taken back."""
    place = on_disk(files, posixpath.join(chart.folder, ".helmignore"))
    if place is None or not place.is_file():
        return []
    lines = [line.strip() for line in place.read_text(errors="replace").splitlines()]
    kept = [line for line in lines if line and not line.startswith("#")]
    return [] if any(line.startswith("!") for line in kept) else kept


GATE = Gate(
    id="OBJ047",
    title="Templates of a chart get what they read",
    phase="kubernetes",
    source="https://helm.sh/docs/chart_template_guide/accessing_files: what .helmignore names is "
    "not there; https://helm.sh/docs/chart_template_guide/named_templates: a named template has "
    "the context that it is given",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("files and named templates that templates read", _inputs),
    targets=(),
    reads=".Files in templates beside .helmignore, and `template` without a context. "
    "Judges files without a plan only.",
)
