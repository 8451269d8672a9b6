"""An archive of a database's changes is complete: what was not copied is not forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.foreign.reading import fields, places
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files

_COMMAND = re.compile(r"^[^#\n]*\barchive_command\s*[=:]\s*(\S.*?)\s*$", re.MULTILINE)
#: What makes a command succeed although its first part failed.
_ANYWAY = re.compile(
    r"(\|\|\s*(true|:|exit 0|/bin/true|echo\b[^|&;]*)|;\s*(true|exit 0|:))\s*['\"]?\s*$"
)
_NOTHING = re.compile(r"['\"]?(/bin/)?(true|:|echo\b.*|exit 0)['\"]?")


def check(files: Files) -> Iterator[Finding]:
    """Yield commands that succeed without a copy."""
    for where, command in _commands(files):
        if _ANYWAY.search(command):
            what = "archive_command succeeds when the copy fails, so PostgreSQL deletes what was"
            yield Finding(where, f"{what} not copied and the archive has a hole; let it fail")


@once
def _commands(files: Files) -> Iterator[tuple[str, str]]:
    """Yield each command of an archive with its place; one that keeps nothing is meant so."""
    for artifact in files.artifacts:
        if isinstance(artifact.content, str):
            if "archive_command" not in artifact.content:
                continue
            for found in _COMMAND.finditer(artifact.content):
                line = artifact.content.count("\n", 0, found.start(1)) + 1
                if not _NOTHING.fullmatch(found[1]):
                    yield f"{artifact.path}:{line}", found[1]
            continue
        data = artifact.data
        for key in ("data", "services", "spec"):
            for path, text in places(fields(data, key), (key,)):
                for found in _COMMAND.finditer(text) if "archive_command" in text else ():
                    yield artifact.at(*path), found[1]


GATE = Gate(
    id="DRP005",
    title="An archive of a database's changes is complete",
    phase="recovery",
    source="https://www.postgresql.org/docs/current/continuous-archiving.html: a command that "
    "ends with 0 says that the segment is safe, and the server removes its own",
    check=check,
    of_files=check,
    alone=True,
    scope=counted_in_files("commands of archives", _commands),
    targets=(),
    reads="archive_command in files of PostgreSQL, ConfigMaps, Compose services and objects. "
    "Judges files without a plan only.",
)
