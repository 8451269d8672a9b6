"""A version is a text: 1.10 without quotes is the number 1.1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.data import first
from tarmac.base.foreign.reading import Path
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

#: Keys whose value is a version.
_KEY = re.compile(r"(.*[-_.])?(version|tag)s?|.*[a-z](Version|Tag)s?", re.IGNORECASE)
_FILE = re.compile(
    r"(.*/)?(\.github/workflows/[^/]+|action|Chart|kustomization|values[-._]?[^/]*|[^/]*[-._]values"
    r"|\.gitlab-ci)\.ya?ml"
)
_NUMBER = re.compile(
    r"(?<![\w.\"'+-])(\d+\.\d+|\d+[eE]\d{1,2}|0[0-7]+|\d{7,}|[oO]n|[oO]ff|[yY]es|[nN]o|ON|OFF|YES|NO)"
    r"(?![\w.\"'+-])"
)
#: GitHub reads YAML 1.2, which has neither numbers to the base of eight nor `on` for true.
_OF_GITHUB = re.compile(r"(.*/)?(\.github/workflows/[^/]+|action)\.ya?ml")
#: What stands beside the tag of an image, which is never true or false.
_BESIDE = ("repository", "image", "newName")
#: From so large a number on Helm writes it with an exponent.
_LARGE = 1_000_000


def check(files: Files) -> Iterator[Finding]:
    """Yield versions that are read as another number, or a word, than is written."""
    for artifact, path, value in _judged(files):
        for where, text in _written(files, artifact, path, value):
            name = str(next((s for s in reversed(path) if isinstance(s, str)), ""))
            yield Finding(where, f'{name} is {text}, which {_read(text, value)}; write "{text}"')


def _read(text: str, value: Any) -> str:
    """Tell as what a version is read."""
    if isinstance(value, bool):
        return f"YAML reads as {str(value).lower()}"
    if isinstance(value, float):
        return f"YAML reads as the number {value:g}"
    if "e" in text.lower() or text.startswith("0"):
        return f"YAML reads as the number {value}"
    return f"Helm reads as the number {re.sub('0+e', 'e', f'{float(value):.15e}')}"


@once
def _judged(files: Files) -> Iterator[tuple[Artifact, Path, Any]]:
    """Yield the numbers and words where versions are written."""
    for artifact in files.raw:
        if not artifact.built_by and _FILE.fullmatch(artifact.path):
            for path, value in _numbers(artifact.content, (), is_version=False):
                yield artifact, path, value


def _numbers(value: Any, path: Path, *, is_version: bool) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            own = _KEY.fullmatch(str(key)) is not None
            if isinstance(below, bool):
                own = key == "appVersion" or (
                    key in ("tag", "newTag") and any(map(value.get, _BESIDE))
                )
            yield from _numbers(below, (*path, str(key)), is_version=own)
    elif isinstance(value, list):
        for number, below in enumerate(value):
            yield from _numbers(below, (*path, number), is_version=is_version)
    elif is_version and _is_other(value):
        yield path, value


def _is_other(value: Any) -> bool:
    """Tell whether a value may be written in another way than it is read."""
    return isinstance(value, (float, int))


def _written(files: Files, artifact: Artifact, path: Path, value: Any) -> Iterator[tuple[str, str]]:
    """Find the number as it is written, where that is not what is read."""
    where = artifact.at(*path)
    place, _, line = where.rpartition(":")
    source = on_disk(files, artifact.path)
    if place != artifact.path or not line.isdecimal() or source is None or not source.is_file():
        return
    lines = source.read_text(encoding="utf-8", errors="replace").splitlines()
    text = lines[int(line) - 1] if int(line) <= len(lines) else ""
    is_of_helm = "values" in artifact.path.rpartition("/")[2]
    is_old = _OF_GITHUB.fullmatch(artifact.path) is None
    for found in _NUMBER.findall(text.partition(" #")[0]):
        is_large = is_of_helm and found == str(value) and value >= _LARGE
        is_other = (
            found != repr(value) and first(found) == value and type(first(found)) is type(value)
        )
        is_read = is_old or found[0] in "123456789" or "." in found
        if is_large or (is_other and is_read):
            yield where, found
            return


GATE = Gate(
    id="VER002",
    title="Versions are written as texts",
    phase="kubernetes",
    source="https://yaml.org/spec/1.2.2/#103-core-schema: 1.10 is a number, and the same as 1.1; "
    "Helm writes a large number with an exponent; by YAML 1.1, which Go's programs read, 0123 is "
    "to the base of eight, and `off` is false",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("numbers where a version belongs", _judged),
    targets=(),
    reads="keys that are called version or tag in workflows, actions, charts, values, "
    "kustomizations and pipelines of GitLab. Judges files without a plan only.",
)
