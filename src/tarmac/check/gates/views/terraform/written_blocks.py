"""Blocks of Terraform with the names of what is in them, however deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.terraform.filled import filled_sources, sources
from tarmac.check.gates.views.terraform.tree import children, line_of, tree

#: A block that makes others of its name, one for each of a list; they are below `content`.
_DYNAMIC, _CONTENT = "dynamic", "content"


class WrittenArgument(NamedTuple):
    """An argument of a block."""

    line: int
    #: The tree of what is written for it.
    value: Any


class WrittenBlock(NamedTuple):
    """A block, and what is directly in it."""

    #: `("resource", "aws_subnet", "public")`; of `dynamic "rule"`, `("rule",)`.
    words: tuple[str, ...]
    file: str
    line: int
    arguments: Mapping[str, WrittenArgument]
    below: tuple[WrittenBlock, ...]
    #: Arguments that are there again, with their lines.
    repeated: tuple[tuple[str, int], ...] = ()
    #: It stands for as many as a list has.
    is_dynamic: bool = False


@once
def written(files: Files) -> Iterator[WrittenBlock]:
    """Yield the blocks at the top of each file that is HCL."""
    for source in sources(files):
        yield from _of_file(source.path, str(source.content))


@once
def filled_blocks(files: Files) -> Iterator[WrittenBlock]:
    """Yield the same with the values of locals and variables put in, where these are known."""
    for source in filled_sources(files):
        yield from _of_file(source.path, source.filled)


@lru_cache(maxsize=512)
def _of_file(path: str, text: str) -> tuple[WrittenBlock, ...]:
    found = tree(path, text)
    if isinstance(found, Finding):
        return ()
    bodies = [one for one in children(found) if one.data == "body"] or [found]
    return tuple(_block(one, path) for body in bodies for one in _of(body, "block"))


def _block(node: Any, path: str) -> WrittenBlock:
    words = tuple(
        "".join(str(token) for token in one.scan_values(lambda _: True)).strip('"')
        for one in children(node)
        if one.data in ("identifier", "string")
    )
    inside = [one for body in _of(node, "body") for one in _of(body, "block")]
    given: dict[str, WrittenArgument] = {}
    repeated: list[tuple[str, int]] = []
    for one in (one for body in _of(node, "body") for one in _of(body, "attribute")):
        name = str(next(one.scan_values(lambda _: True)))
        if name in given:
            repeated.append((name, line_of(one)))
        given[name] = WrittenArgument(line_of(one), one.children[-1])
    below = tuple(_block(one, path) for one in inside)
    if words[:1] == (_DYNAMIC,):
        made = next((one for one in below if one.words == (_CONTENT,)), None)
        inner, below = (made.arguments, made.below) if made else ({}, ())
        again = made.repeated if made else ()
        return WrittenBlock(words[1:], path, line_of(node), inner, below, again, is_dynamic=True)
    return WrittenBlock(words, path, line_of(node), given, below, tuple(repeated))


def _of(node: Any, kind: str) -> Iterator[Any]:
    yield from (child for child in children(node) if child.data == kind)
