"""What proposes updates finds its configuration, and that finds what it is to update."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import dig, mappings, numbered, texts
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pipelines.workflows import FOLDER
from tarmac.check.gates.views.scope import counted_in_files

_DEPENDABOT = re.compile(r"(^|.*/)\.github/dependabot\.ya?ml")
_RENOVATE = re.compile(r"(^|.*/)(\.(github|gitlab)/)?(renovate|\.renovaterc)(\.json)?")
#: By which Renovate knows a manager of regular expressions, by its names of the years.
_EXPRESSIONS = ("customManagers", "regexManagers")
#: Names of groups and what is written in their place, of which each manager has one.
_WANTED = (("currentValue",), ("datasource",), ("depName", "packageName"))
#: Groups whose names are near to these.
_INSTEAD = {"currentValue": ("version", "value", "current", "currentVersion", "tag")}
_FILE = re.compile(
    r".*\.(txt|toml|json|lock|ya?ml|mod|xml|gradle|cfg|py)|Dockerfile|Gemfile|Pipfile"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield configurations that are read by nothing, or that ask for what is not there."""
    for artifact in _configurations(files):
        if _RENOVATE.fullmatch(artifact.path):
            yield from _expressions(artifact)
        elif _DEPENDABOT.fullmatch(artifact.path):
            yield from _folders(files, artifact)
        else:
            what = "is a configuration of Dependabot, which reads .github/dependabot.yml alone, and"
            said = f"{what} GitHub takes this file for a workflow and refuses it; move it there"
            yield Finding(artifact.at("updates"), said)


def _folders(files: Files, artifact: Artifact) -> Iterator[Finding]:
    """Yield folders to update that are files."""
    above = artifact.path.rpartition(".github/")[0]
    for number, entry in numbered(artifact.data, "updates"):
        given = dig(entry, "directory")
        every = [given] if isinstance(given, str) else list(texts(dig(entry, "directories")))
        for written in every:
            path = posixpath.normpath(above + written.strip("/"))
            place = on_disk(files, path)
            is_file = _FILE.fullmatch(posixpath.basename(path)) and "*" not in path
            if is_file and (place is None or not place.is_dir()):
                key = "directory" if isinstance(given, str) else "directories"
                what = f"Dependabot looks for files in the folder {written}, which is a file, so it"
                said = f"{what} proposes no updates; write {posixpath.dirname(written) or '/'}"
                yield Finding(artifact.at("updates", number, key), said)


def _expressions(artifact: Artifact) -> Iterator[Finding]:
    data = artifact.content if isinstance(artifact.content, Mapping) else None
    data = json_object(str(artifact.content)) if data is None else data
    for key in _EXPRESSIONS:
        for given in mappings(dig(data, key)):
            if dig(given, "customType") in (None, "regex") and (missing := _missing(given)):
                names = " or ".join(missing)
                what = f"a manager of {key} has no group {names} in its matchStrings, and Renovate"
                own = _near(given, missing)
                advice = f"write (?<{missing[0]}>...)" + (f" for (?<{own}>...)" if own else "")
                said = f"{what} refuses the configuration; {advice}, or {missing[0]}Template"
                yield Finding(_line(artifact, given, key), said)


def _missing(given: Mapping[Any, Any]) -> tuple[str, ...]:
    """Name the groups of which one is to be there, and is not."""
    told = "".join(texts(given.get("matchStrings")))
    for names in _WANTED if told else ():
        is_there = any(f"(?<{name}>" in told or f"{name}Template" in given for name in names)
        if not is_there:
            return names
    return ()


def _near(given: Mapping[Any, Any], missing: tuple[str, ...]) -> str:
    told = "".join(texts(given.get("matchStrings")))
    near = _INSTEAD.get(missing[0], ())
    return next((name for name in near if f"(?<{name}>" in told), "")


def _line(artifact: Artifact, given: Mapping[Any, Any], key: str) -> str:
    if not isinstance(artifact.content, str):
        return artifact.at(key)
    first = next(texts(given.get("matchStrings")), "")[:12]
    lines = artifact.content.splitlines()
    found = [n for n, line in enumerate(lines, 1) if first and first in line]
    return f"{artifact.path}:{found[0]}" if found else artifact.path


@once
def _configurations(files: Files) -> Iterator[Artifact]:
    for artifact in files.artifacts:
        is_ours = _DEPENDABOT.fullmatch(artifact.path) or _RENOVATE.fullmatch(artifact.path)
        if is_ours or (FOLDER in artifact.path and _is_misplaced(artifact)):
            yield artifact


def _is_misplaced(artifact: Artifact) -> bool:
    data = artifact.content
    if not isinstance(data, Mapping) or "jobs" in data:
        return False
    return any("package-ecosystem" in one for one in mappings(data.get("updates")))


GATE = Gate(
    id="PIP043",
    title="What proposes updates finds its configuration and what it is to update",
    phase="delivery",
    source="https://docs.github.com/en/code-security/dependabot/working-with-dependabot/dependabot-"
    "options-reference: the file is .github/dependabot.yml, `directory` a folder; https://docs."
    "renovatebot.com/modules/manager/regex: each manager has currentValue, datasource, depName",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("configurations of updates", _configurations),
    targets=("repository",),
    reads="dependabot.yml, and renovate.json with its managers of regular expressions. Presets "
    "that Renovate extends are not read.",
)
