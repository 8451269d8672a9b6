"""Files of objects that a script here completes by another program before they are applied."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once

#: Lines of one command: a pipe goes on behind a backslash, or behind its sign.
_JOINED = re.compile(r"\\\n[ \t]*|(?<=\|)[ \t]*\n[ \t]*")
_APPLIES = re.compile(r"\b(?:kubectl|oc)\b")
_COMPLETES = re.compile(r"(?<![\w-])(?:jq|yq|envsubst|sed|awk|perl|ytt|gomplate)(?![\w-])")
_SUBSTITUTES = re.compile(r"(?<![\w-])envsubst(?![\w-])")
_VARIABLE = re.compile(r"\$\{\w+\}|\$\w+")
_FILE = re.compile(r"(?<![\w./-])[\w./-]+\.(?:ya?ml|json)(?![\w-])")
_ABOVE = re.compile(r"(?:\.{0,2}/)*")
_SCRIPTS = (".sh", ".bash", ".mk", "Makefile")


def is_completed(files: Files, artifact: Artifact) -> bool:
    """Tell whether a script here sends a file through jq, sed or the like to kubectl."""
    sent = _sent(files)[0]
    if not sent or artifact.built_by:
        return False
    parts = artifact.path.split("/")
    folders = ("/".join(parts[:end]) for end in range(len(parts)))
    tails = ("/".join(parts[begin:]) for begin in range(len(parts)))
    is_near = any((folder, parts[-1]) in sent for folder in folders)
    return is_near or any((None, tail) in sent for tail in tails)


def is_substituted(files: Files, path: str) -> bool:
    """Tell whether a script here has envsubst fill in a file: keys and all."""
    return path.rpartition("/")[2] in _substituted(files)[0]


@once
def _substituted(files: Files) -> Iterator[frozenset[str]]:
    """List the names of files in lines with envsubst."""
    yield frozenset(
        name.rpartition("/")[2]
        for artifact in files.artifacts
        if isinstance(artifact.content, str) and artifact.path.endswith(_SCRIPTS)
        for line in artifact.content.splitlines()
        if _SUBSTITUTES.search(line)
        for name in _FILE.findall(line)
    )


@once
def _sent(files: Files) -> Iterator[frozenset[tuple[str | None, str]]]:
    """List the folders at or below which such files are, and names; None: the end of a path."""
    yield frozenset(_places(files))


def _places(files: Files) -> Iterator[tuple[str | None, str]]:
    for artifact in files.artifacts:
        text = artifact.content
        if isinstance(text, str) and artifact.path.endswith(_SCRIPTS) and "|" in text:
            for path in _names(text):
                end = _ABOVE.sub("", path, count=1)
                is_placed = path != end or "/" in end
                yield None if is_placed else posixpath.dirname(artifact.path), end


def _names(text: str) -> Iterator[str]:
    for line in _JOINED.sub(" ", text).splitlines():
        if "|" in line and _APPLIES.search(line) and _COMPLETES.search(line):
            yield from _FILE.findall(_VARIABLE.sub("", line))
