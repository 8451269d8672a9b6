"""TypeORM looks for migrations where the program that runs them is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import basename, dirname
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.foreign.reading import fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.json_files import json_object
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_SOURCE = re.compile(r"(.*/)?((\w+[.-])?data-?source|ormconfig|typeorm[\w.-]*)\.[cm]?ts")
#: Migrations that are listed as they are written, from the folder where the program starts.
_LISTED = re.compile(r"\bmigrations\s*:\s*\[([^\]]*)\]")
_PATTERN = re.compile(r"[\"'`]([^\"'`\n]+)[\"'`]")
_WRITTEN = re.compile(r"[\w./*-]+\.ts")
_RUNS = re.compile(r"\btypeorm(?:-ts-node-\w+)?\b.*\bmigration:run\b.*")
#: The same of what a compiler made.
_COMPILED = re.compile(r"(?:-d|--dataSource)[= ]\s*(?:\./)?((?:dist|build|lib|out)/\S+\.[cm]?js)\b")
_TYPES = re.compile(r"ts-node|tsx\b|typeorm-ts-node|@swc-node|bun\b")


class CompiledSource(NamedTuple):
    """A source of data whose migrations are run as they are compiled."""

    artifact: Artifact
    line: int
    patterns: tuple[str, ...]
    compiled: str


def check(files: Files) -> Iterator[Finding]:
    """Yield patterns by which compiled programs find no migration."""
    for one in _sources(files):
        if not all(map(_WRITTEN.fullmatch, one.patterns)):
            continue
        folder = one.compiled.split("/")[0]
        what = (
            f"migrations are looked for in {one.patterns[0]}, and are run by {one.compiled}, where"
        )
        said = f"{what} they are compiled: none is found, or it cannot be read; write"
        advice = f"{folder}/.../*.js, or a path from __dirname"
        yield Finding(f"{one.artifact.path}:{one.line}", f"{said} {advice}")


@once
def _sources(files: Files) -> Iterator[CompiledSource]:
    """Yield sources of data that list patterns of migrations and are run as they are compiled."""
    compiled = dict(_scripts(files))
    every = (one.path for one in files.artifacts if basename(one.path) == "package.json")
    packages = {dirname(path) for path in every}
    for artifact in files.artifacts if compiled else ():
        text = artifact.content
        if not _SOURCE.fullmatch(artifact.path) or not isinstance(text, str):
            continue
        name = basename(artifact.path).rpartition(".")[0]
        listed = _LISTED.search(text)
        patterns = _PATTERN.findall(listed[1]) if listed else []
        script = compiled.get(_package(artifact.path, packages), "")
        if listed and patterns and basename(script).startswith(f"{name}."):
            line = text.count("\n", 0, listed.start()) + 1
            yield CompiledSource(artifact, line, tuple(patterns), script)


def _package(path: str, packages: set[str]) -> str:
    """Return the folder of the package that a file is a part of."""
    while path:
        path = dirname(path)
        if path in packages:
            break
    return path


def _scripts(files: Files) -> Iterator[tuple[str, str]]:
    """Yield the folders of packages that run compiled migrations, and what these are run by."""
    for artifact in files.artifacts:
        if basename(artifact.path) == "package.json" and isinstance(artifact.content, str):
            scripts = fields(json_object(artifact.content) or {}, "scripts").values()
            for script in map(str, scripts):
                run, found = _RUNS.search(script), _COMPILED.search(script)
                if run and found and not _TYPES.search(script):
                    yield dirname(artifact.path), found[1]


GATE = Gate(
    id="SQL022",
    title="TypeORM looks for migrations where the program that runs them is",
    phase="services",
    source="https://typeorm.io/docs/migrations/setup: migrations are files that are run as they "
    "are, so a compiled source of data finds compiled ones",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("sources of data that are compiled", _sources),
    targets=(),
    reads="data-source.ts and its like, whose migrations are all patterns of .ts, beside scripts "
    "of a package.json that run them from dist, build, lib or out. Judges files without "
    "a plan only.",
)
