"""Files that commands write: of scripts, Makefiles and workflows, which run before others read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once

SCRIPTS = (".sh", ".bash", ".mk", "Makefile", "Tiltfile", "justfile")
#: A line goes on behind a backslash.
_JOINED = re.compile(r"\\\n[ \t]*")
_PATH = r"[\"']?([^\s;|&<>()\"'`]+)"
_WRITES = (
    re.compile(rf"(?<![<>&=\d-])>{{1,2}}[ \t]*{_PATH}"),
    re.compile(rf"\btee[ \t]+(?:-\w+[ \t]+)*{_PATH}"),
    re.compile(rf"[ \t](?:-o|-O|--output(?:-document)?)[ \t=]{_PATH}"),
)
#: Programs that write the last of their arguments.
_COPIES = re.compile(r"(?<![\w./-])(?:cp|mv|ln|install)[ \t]+([^;&|<>()\n]+)")
_READ = re.compile(r"(?<![\w./${}-])[\w./${}-]+\.(?:ya?ml|json|tpl|tmpl|in)\b")
#: So many characters before it are of the same command.
_NEAR = 500
_ABOVE = (".", "..", "")


class WrittenFile(NamedTuple):
    """One path that a command writes."""

    path: str
    #: The files that it names before, of which it may be made.
    sources: tuple[str, ...]
    #: The folder that its script is in.
    folder: str

    def may_be(self, path: str) -> bool:
        """Tell whether it is a file, by the ends of both: what is above a variable is not known."""
        mine = self.path.split("/")
        own = path.split("/")
        for number, part in enumerate(reversed(mine)):
            if number and ("$" in part or part in _ABOVE):
                return number > 1 or "/".join(own[:-1]) == self.folder
            if number >= len(own) or part != own[-1 - number]:
                return False
        return len(mine) > 1 or "/".join(own[:-1]) == self.folder


def written_in(text: str, folder: str) -> Iterator[WrittenFile]:
    """Yield what the commands of a text write."""
    for line in _JOINED.sub(" ", text).splitlines():
        for pattern in _WRITES:
            for found in pattern.finditer(line):
                yield _written(found[1], line[: found.start(1)], folder)
        for found in _COPIES.finditer(line):
            *others, last = found[1].split() or [""]
            if others:
                yield _written(last, " ".join(others), folder)


def _written(path: str, before: str, folder: str) -> WrittenFile:
    return WrittenFile(path.strip("\"'"), tuple(_READ.findall(before[-_NEAR:])), folder)


@once
def written_files(files: Files) -> Iterator[WrittenFile]:
    """Yield what the scripts among the files write."""
    for artifact in files.artifacts:
        if isinstance(artifact.content, str) and artifact.path.endswith(SCRIPTS):
            yield from written_in(artifact.content, artifact.path.rpartition("/")[0])


def is_written(path: str, written: Iterable[WrittenFile]) -> bool:
    """Tell whether one of some commands may write a file."""
    return any(one.may_be(path) for one in written)
