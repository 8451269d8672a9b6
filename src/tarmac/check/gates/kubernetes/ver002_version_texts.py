"""A version is a text: 1.10 without quotes is the number 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import Path
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files

#: Keys whose value is a version.
_KEY = re.compile(r"(.*[-_.])?(version|tag)s?|.*[a-z](Version|Tag)s?", re.IGNORECASE)
_FILE = re.compile(
    r"(.*/)?(\.github/workflows/[^/]+|action|Chart|kustomization|values[-._]?[^/]*|[^/]*[-._]values"
    r"|\.gitlab-ci)\.ya?ml"
)
_NUMBER = re.compile(r"(?<![\w.\"'+-])(\d+\.\d+|\d{7,})(?![\w.\"'+-])")
#: From so large a number on Helm writes it with an exponent.
_LARGE = 1_000_000


def check(files: Files) -> Iterator[Finding]:
    """Yield versions that are read as another number than is written."""
    for artifact, path, value in _judged(files):
        for where, text in _written(files, artifact, path, value):
            read = f"{value:g}" if isinstance(value, float) else f"{float(value):.15e}"
            how = "YAML" if isinstance(value, float) else "Helm"
            name = str(next((s for s in reversed(path) if isinstance(s, str)), ""))
            what = f"{name} is {text}, which {how} reads as the number {_short(read)}"
            yield Finding(where, f'{what}; write "{text}"')


def _short(number: str) -> str:
    return re.sub(r"0+e", "e", number)


def _judged(files: Files) -> Iterator[tuple[Artifact, Path, Any]]:
    """Yield the numbers where versions are written."""
    for artifact in files.raw:
        if not artifact.built_by and _FILE.fullmatch(artifact.path):
            for path, value in _numbers(artifact.content, (), is_version=False):
                yield artifact, path, value


def _numbers(value: Any, path: Path, *, is_version: bool) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            own = _KEY.fullmatch(str(key)) is not None
            yield from _numbers(below, (*path, str(key)), is_version=own)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _numbers(below, (*path, number), is_version=is_version)
    elif is_version and _is_other(value):
        yield path, value


def _is_other(value: Any) -> bool:
    """Tell whether a value may be written in another way than it is read."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, float) or (is_whole and value >= _LARGE)


def _written(files: Files, artifact: Artifact, path: Path, value: Any) -> Iterator[tuple[str, str]]:
    """Find the number as it is written, where that is not what is read."""
    where = artifact.at(*path)
    place, _, line = where.rpartition(":")
    source = files.folder / artifact.path if files.folder is not None else None
    if place != artifact.path or not line.isdecimal() or source is None or not source.is_file():
        return
    lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    text = lines[int(line) - 1] if int(line) <= len(lines) else ""
    is_of_helm = "values" in artifact.path.rpartition("/")[2]
    for found in _NUMBER.findall(text.partition(" #")[0]):
        if "." in found and float(found) == value and found != repr(value):
            yield where, found
            return
        if "." not in found and is_of_helm and int(found) == value:
            yield where, found
            return


GATE = Gate(
    id="VER002",
    title="Versions are written as texts",
    phase="kubernetes",
    source="https://yaml.org/spec/1.2.2/#103-core-schema: 1.10 is a number, and the same as 1.1; "
    "Helm writes a large number with an exponent",
    check=check,
    of_files=check,
    scope=counted_in_files("numbers where a version belongs", _judged),
    targets=(),
    reads="keys that are called version or tag in workflows, actions, charts, values, "
    "kustomizations and pipelines of GitLab. Judges files without a plan only.",
)
