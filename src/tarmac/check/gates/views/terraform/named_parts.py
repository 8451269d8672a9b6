"""What expressions of Terraform name: `local.a`, `module.b.c`, `aws_d.e`, with their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.check.gates.views.terraform.tree import children, line_of

#: What ends a name: of a list one element, or all of them.
_INDEX = "index_expr_term"
_PICKS = (_INDEX, "full_splat_expr_term", "attr_splat_expr_term")
_READS = ("get_attr_expr_term", *_PICKS)
_HEREDOCS = ("heredoc_template", "heredoc_template_trim")
_IN_TEXT = re.compile(r"(?<!\$)\$\{\s*((?:[a-z_]\w*\.)[\w.-]*\w)")


class NamedPart(NamedTuple):
    """A name in an expression."""

    names: tuple[str, ...]
    line: int
    #: One of several, or all of them, are taken of it.
    is_picked: bool
    #: It is one, by its number or key.
    is_indexed: bool = False


def named_parts(node: Any) -> Iterator[NamedPart]:
    """Yield the names in an expression or a block, however deep."""
    kind = str(node.data)
    if kind in _READS and (chain := _chain(node)) is not None:
        names, pick, inside = chain
        yield NamedPart(names, line_of(node), bool(pick), pick == _INDEX)
        for one in inside:
            yield from named_parts(one)
    elif kind == "object_elem_key" and _is_name(node):
        return  # of a provider of a module: `aws.second = aws`
    elif kind in _HEREDOCS:
        text = "".join(map(str, node.children))
        for found in _IN_TEXT.finditer(text):
            line = line_of(node) + text.count("\n", 0, found.start())
            yield NamedPart(tuple(found[1].split(".")), line, is_picked=True)
    else:
        for one in children(node):
            yield from named_parts(one)


def _is_name(key: Any) -> bool:
    inside = [one for part in children(key) for one in children(part)]
    return len(inside) == 1 and inside[0].data == "get_attr_expr_term"


def loop_names(node: Any) -> set[str]:
    """List the names that loops in a block give to what they are at."""
    found = set[str]()
    for one in node.iter_subtrees():
        if one.data == "for_intro":
            found |= {str(part.children[0]) for part in children(one) if part.data == "identifier"}
        elif one.data == "block" and str(next(one.scan_values(lambda _: True))) == "dynamic":
            words = [word for part in children(one) for word in _words(part)]
            found |= set(words[1:2])
        elif one.data == "attribute" and _words(one.children[0]) == ["iterator"]:
            found |= set(_words(one.children[-1]))
    return found


def _words(node: Any) -> list[str]:
    found = "".join(str(token) for token in node.scan_values(lambda _: True)).strip('"')
    return [found] if node.data in ("identifier", "string", "expr_term", "keyword") else []


def _chain(node: Any) -> tuple[tuple[str, ...], str, list[Any]] | None:
    """Read `a.b[0].c`: the names before the first pick, what kind that is, and what picks."""
    kind, parts = str(node.data), list(children(node))
    if kind == "identifier":
        return (str(node.children[0]),), "", []
    if kind == "expr_term" and len(node.children) == 1 and parts:
        return _chain(parts[0])
    if kind not in _READS or (below := _chain(parts[0])) is None:
        return None
    names, pick, inside = below
    if kind in _PICKS:
        return names, pick or kind, [*inside, *parts[1:]]
    word = str(next(parts[-1].scan_values(lambda one: str(one) != ".")))
    return (names if pick else (*names, word)), pick, inside
