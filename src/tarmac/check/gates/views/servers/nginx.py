"""Configurations of nginx, in files and in ConfigMaps."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.objects.stored_data import ConfigMap

#: Words with their quotes, what ends a directive, and comments, which are left out.
_TOKEN = re.compile(
    r"#[^\n]*|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|[;{}]"
    r"|(?:\$\{[^}]*\}|\\.|[^\s;{}#])(?:\$\{[^}]*\}|\\.|[^\s;{}])*",
    re.DOTALL,
)
_IS_NGINX = re.compile(r"^[ \t]*(server|location|upstream|http)\b[^;\n]*\{", re.MULTILINE)


class Directive(NamedTuple):
    """A directive with its words; a block has those in it."""

    words: tuple[str, ...]
    #: The line of the text that it begins in, from 1.
    line: int
    body: tuple[Directive, ...]
    is_block: bool = False


class Configuration(NamedTuple):
    """A text that a server reads, and where it is."""

    artifact: Artifact
    name: str
    text: str
    #: The line of the file before its first; None where the lines of the file are others.
    above: int | None
    at: str

    def where(self, line: int) -> str:
        """Return where a line of it is."""
        if self.above is None:
            return self.at
        return f"{self.at.partition(':')[0]}:{self.above + line}"


def configurations(files: Files) -> Iterator[Configuration]:
    """Yield the configurations of nginx in files and in ConfigMaps."""
    yield from written(files, lambda path: path.endswith((".conf", ".conf.template")), _IS_NGINX)


def written(
    files: Files, is_named: Callable[[str], bool], said: re.Pattern[str]
) -> Iterator[Configuration]:
    """Yield the files of a name and the keys of ConfigMaps with a text that says something."""
    for artifact in files.artifacts:
        text = artifact.content
        if is_named(artifact.path) and isinstance(text, str) and said.search(text):
            yield Configuration(artifact, artifact.path, text, 0, artifact.path)
    for artifact in files.objects("ConfigMap"):
        for key, text in ConfigMap(artifact).data.items():
            if isinstance(text, str) and "\n" in text and said.search(text):
                at = artifact.at("data", str(key))
                line = at.split(":")[1:2]
                above = int(line[0]) if line and line[0].isdecimal() else None
                above = None if artifact.built_by else above
                yield Configuration(artifact, f"{key} of {title(artifact)}", text, above, at)


@lru_cache(maxsize=512)  # a file is part of each tree of a folder, and several gates ask
def directives(text: str) -> tuple[Directive, ...]:
    """Read the directives of a configuration; what does not end is left out."""
    return _block(iter(tokens(text)))


def tokens(text: str) -> list[tuple[str, int]]:
    """List the words of a configuration and the signs that end directives, with their lines."""
    found, line, read = [], 1, 0
    for sign in _TOKEN.finditer(text):
        line, read = line + text.count("\n", read, sign.start()), sign.start()
        if not sign[0].startswith("#"):
            found.append((sign[0], line))
    return found


def _block(signs: Iterator[tuple[str, int]]) -> tuple[Directive, ...]:
    found, words, begun = [], list[str](), 0
    for sign, line in signs:
        if sign == "}":
            break
        if sign in (";", "{"):
            body = _block(signs) if sign == "{" else ()
            found.append(Directive(tuple(words), begun or line, body, sign == "{"))
            words, begun = [], 0
        else:
            words.append(sign.strip("\"'"))
            begun = begun or line
    return tuple(found)


def locations(own: tuple[Directive, ...]) -> Iterator[Directive]:
    """Yield the locations of a configuration, those in others among them."""
    for one in own:
        if one.words[:1] == ("location",):
            yield one
        yield from locations(one.body)
