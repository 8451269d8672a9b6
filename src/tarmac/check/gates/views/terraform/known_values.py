"""Values of Terraform's locals and variables that are written as they stand."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping

from tarmac.base.artifact import Artifact

_LITERAL = r'(?:"(?:[^"\\$%\n]|\\.)+"|-?\d+(?:\.\d+)?|true|false)'
_BLOCK = re.compile(r'^(variable|locals|module)\b(?:\s+"([^"]*)")?\s*\{')
#: A name and its value in a line of their own.
ENTRY = re.compile(r"^[ \t]*\"?([\w-]+)\"?[ \t]*=(?![=>])[ \t]*(.*?)[ \t]*(?:(?:#|//).*)?$")
_DEFAULT = re.compile(rf"\bdefault[ \t]*=[ \t]*({_LITERAL})[ \t]*(?:[#}}/].*)?$")
_ONE = re.compile(_LITERAL)
#: A text, a comment, or a value by its name outside of both.
_PART = re.compile(
    r'"(?:\$\{[^}]*\}|[^"\\\n]|\\.)*"|(?:#|//).*|(?<![\w.])((?:local|var)\.[\w-]+)(?![\w.\[-])'
)
_INSIDE = re.compile(r"\$\{[ \t]*((?:local|var)\.[\w-]+)[ \t]*\}")
#: What sets variables of a folder by itself.
_READ = re.compile(r"terraform\.tfvars|.*\.auto\.tfvars")
#: Locals of locals are put in as often.
_DEPTH = 3


def filled(text: str, known: Mapping[str, str]) -> str:
    """Put known values into a text; each line stays where it is."""

    def inside(asked: re.Match[str]) -> str:
        value = known.get(asked[1])
        return asked[0] if value is None or not _ONE.fullmatch(value) else value.strip('"')

    def part(found: re.Match[str]) -> str:
        if found[1]:
            value = known.get(found[1], "")
            return value if _ONE.fullmatch(value) else found[0]
        return _INSIDE.sub(inside, found[0]) if found[0].startswith('"') else found[0]

    return _PART.sub(part, text)


def given(sources: Iterable[Artifact]) -> Iterator[str]:
    """Yield the names that are given to modules, or in a file that a command names."""
    for source in sources:
        if source.path.endswith(".tfvars"):
            if not _READ.fullmatch(posixpath.basename(source.path)):
                yield from _entries(str(source.content))
        elif "module" in str(source.content):
            kind = ""
            for line in str(source.content).splitlines():
                if found := _BLOCK.match(line):
                    kind = found[1]
                elif kind == "module" and (entry := ENTRY.match(line)):
                    yield entry[1]
                kind = "" if line.startswith("}") else kind


def known_values(
    own: Iterable[Artifact], given: Collection[str], arguments: Mapping[str, str]
) -> dict[str, str]:
    """Find the values of a folder's locals and variables that are written as they stand.

    Args:
        given: variables that are set from elsewhere, to what is not known.
        arguments: those that all calls of the folder set, and to what.
    """
    found: dict[str, str] = {}
    set_here: dict[str, str] = {}
    for source in own:
        if source.path.endswith(".tfvars"):
            set_here |= _entries(str(source.content)) if _is_read(source) else {}
        else:
            found |= defined(str(source.content))
    for name in [name for name in found if name.removeprefix("var.") in given]:
        del found[name]
    for name, value in set_here.items():
        known = _ONE.fullmatch(value)
        found.pop(f"var.{name}", None)
        found |= {f"var.{name}": value} if known and name not in given else {}
    found |= {f"var.{name}": value for name, value in arguments.items()}
    for _ in range(_DEPTH):
        found = {name: filled(value, found) for name, value in found.items()}
    return {name: value for name, value in found.items() if is_literal(value)}


def is_literal(value: str) -> bool:
    """Tell whether a value is a text, a number or a truth value as it stands."""
    return _ONE.fullmatch(value) is not None


def _is_read(source: Artifact) -> bool:
    return _READ.fullmatch(posixpath.basename(source.path)) is not None


def _entries(text: str) -> dict[str, str]:
    entries = (ENTRY.match(line) for line in text.splitlines() if line[:1].strip())
    return {one[1]: one[2] for one in entries if one}


def defined(text: str) -> dict[str, str]:
    """Read the entries of locals, and the defaults of variables."""
    found: dict[str, str] = {}
    kind, name, depth = "", "", 0
    for line in text.splitlines():
        opening = _BLOCK.match(line) if depth == 0 else None
        if opening:
            kind, name = opening[1], opening[2] or ""
        if kind == "variable" and depth <= 1 and (default := _DEFAULT.search(line)):
            found[f"var.{name}"] = default[1]
        elif kind == "locals" and depth == 1 and (entry := ENTRY.match(line)):
            found[f"local.{entry[1]}"] = entry[2]
        depth += sum(map(line.count, "{[(")) - sum(map(line.count, ")]}"))
        kind = kind if depth > 0 else ""
    return found
