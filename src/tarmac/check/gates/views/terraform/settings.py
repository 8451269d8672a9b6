"""Terraform's files as gates read them: each setting by its path, with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.terraform.filled import filled_sources, sources
from tarmac.check.gates.views.terraform.tree import tree

#: What Jinja, ERB or a reader fills in.
_TEMPLATE = re.compile(
    r"\{\{|\{%(?!~?[ ]*(?:if|for|else|end))|<%|<[A-Z_ ]+>|^[ \t]*@", re.MULTILINE
)


@dataclass(frozen=True)
class Setting:
    """One argument, or one element of an object."""

    file: str
    line: int
    #: `("module", "eks", "node_groups", "general", "min_size")`.
    path: tuple[str, ...]
    #: As it is written; None for what is computed.
    value: str | None

    @property
    def where(self) -> str:
        """Where it stands."""
        return f"{self.file}:{self.line}"

    @property
    def name(self) -> str:
        """The last word of its path."""
        return self.path[-1]


@once
def settings(files: Files) -> Iterator[Setting]:
    """Yield every setting of every file, with the values that are known put in.

    Those of a file that is not HCL are left out.
    """
    for source in filled_sources(files):
        yield from settings_of(source.path, source.filled)


@once
def written_settings(files: Files) -> Iterator[Setting]:
    """Yield every setting of every file as it is written."""
    for source in filled_sources(files):
        yield from settings_of(source.path, source.text)


def settings_of(path: str, text: str) -> tuple[Setting, ...]:
    """List the settings of one file of HCL, of any program; none of what is not HCL."""
    found = _parsed(path, text)
    return () if isinstance(found, Finding) else found


def unreadable(files: Files) -> Iterator[Finding]:
    """Yield the files that are not HCL; what another program makes them of is a warning."""
    for source in sources(files):
        found = _parsed(source.path, text := str(source.content))
        if isinstance(found, Finding):
            yield replace(found, warning=_TEMPLATE.search(text) is not None)


@lru_cache(maxsize=512)
def _parsed(path: str, text: str) -> tuple[Setting, ...] | Finding:
    found = tree(path, text)
    return found if isinstance(found, Finding) else tuple(_walk(found, (), path))


def _walk(node: Any, above: tuple[str, ...], file: str) -> Iterator[Setting]:
    for child in getattr(node, "children", ()):
        kind = getattr(child, "data", "")
        if kind == "block":
            names = [_text(c) or "" for c in child.children if _kind(c) in ("identifier", "string")]
            yield from _walk(child, (*above, *names), file)
        elif kind in ("attribute", "object_elem"):
            parts = [c for c in child.children if hasattr(c, "children")]
            own = (*above, _text(parts[0]) or "")
            yield Setting(file, _line(parts[0]), own, _text(parts[-1]))
            yield from _walk(parts[-1], own, file)
        elif kind:
            yield from _walk(child, above, file)


def _kind(node: Any) -> str:
    return str(getattr(node, "data", getattr(node, "type", "")))


def _line(node: Any) -> int:
    while hasattr(node, "children"):
        node = node.children[0]
    return int(getattr(node, "line", 0) or 0)


def _text(node: Any) -> str | None:
    """Read a name or a literal; None for what is computed."""
    if not hasattr(node, "children"):
        return str(node)
    kind = _kind(node)
    if kind in ("identifier", "int_lit", "float_lit", "string_part", "literal_value"):
        return str(node.children[0]) if not hasattr(node.children[0], "children") else None
    if kind == "unary_op":
        below = _text(node.children[-1])
        return None if below is None else f"{node.children[0]}{below}"
    if kind == "string":
        parts = [_text(child) for child in node.children if hasattr(child, "children")]
        return None if None in parts else "".join(filter(None, parts))
    if kind in ("expr_term", "object_elem_key", "literal", "keyword"):
        inner = [child for child in node.children if _kind(child) != "new_line_or_comment"]
        return _text(inner[0]) if len(inner) == 1 else None
    return None
