"""One YAML file as plain data plus the place of every key and value in it.

Called by the loader. Scalars follow YAML 1.2's core schema: `no` is a string, not false.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType
from typing import Any

from tarmac.base.errors import BadInput, Problem
from tarmac.base.foreign.files import decoded
from tarmac.base.written import WrittenFloat, WrittenInt
from tarmac.model.location import Location, Path
from tarmac.model.yaml_nodes import (
    MAX_DEPTH,
    MAX_VALUES,
    Node,
    YamlMapping,
    YamlScalar,
    YamlSequence,
    compose,
)

#: A system's file is kilobytes, so more than this is a mistake.
MAX_BYTES = 1_000_000
#: As many as can be corrected in one go; the rest of a file of junk is only counted.
MAX_PROBLEMS = 50

_NULL = re.compile(r"(null|~|)$")
_BOOL = re.compile(r"(true|false)$")
_INT = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_TEXT = ("!", "tag:yaml.org,2002:str")


class Document:
    """A parsed file: `data` is dicts, tuples and scalars; `locate` finds a path's place.

    Of a file that includes others, `elsewhere` says what stands in which: by a path's beginning,
    the file and the beginning there.
    """

    def __init__(
        self,
        file: str,
        root: Node,
        data: Any,
        elsewhere: Mapping[Path, tuple[Document, Path]] = MappingProxyType({}),
    ) -> None:
        self.file = file
        self.data = data
        self._root = root
        self._elsewhere = elsewhere

    def joined(self, elsewhere: Mapping[Path, tuple[Document, Path]]) -> Document:
        """Return it as a file that includes others."""
        return Document(self.file, self._root, self.data, elsewhere)

    def locate(self, path: Path, *, key: bool = False) -> Location:
        """Find the place of a value (or of its key); the nearest known place above if absent.

        A name may also stand for an element of a list: `calls: [a, {b: {...}}]` has ("calls", "b").
        """
        for size in range(len(path), 0, -1) if self._elsewhere else ():
            if there := self._elsewhere.get(path[:size]):
                other, beginning = there
                return other.locate((*beginning, *path[size:]), key=key)
        node, found = self._root, self._root
        for index, step in enumerate(path):
            last = index == len(path) - 1
            pair = _child(node, step)
            if pair is None:
                break
            name, node = pair
            found = name if (key and last) else node
        return _location(self.file, found)


def parse(raw: bytes, file: str) -> Document:
    """Parse one YAML document.

    Raises:
        BadInput: not UTF-8, not YAML, over a limit, duplicate keys, alias bombs; all with places.
    """
    if len(raw) > MAX_BYTES:
        raise _bad(Location(file), f"{len(raw)} bytes; the limit is {MAX_BYTES}, shorten it")
    root = compose(decoded(raw, file), file)
    if root is None:
        raise _bad(Location(file), "the file is empty; `tarmac schema` prints its format")
    reader = _Reader(file)
    data = reader.plain(root, 0)
    if reader.problems:
        raise BadInput(capped(reader.problems, file))
    return Document(file, root, data)


def capped(problems: Iterable[Problem], file: str) -> list[Problem]:
    """Take a readable number of problems, and say where there are more."""
    first = list(islice(problems, MAX_PROBLEMS + 1))
    if len(first) > MAX_PROBLEMS:
        first[-1] = Problem(file, "more of the same; correct these first")
    return list(dict.fromkeys(first))


def _bad(place: Location, what: str) -> BadInput:
    return BadInput([Problem(str(place), what)])


def _location(file: str, node: Node) -> Location:
    return Location(file, node.line, node.column)


def _is_merge(name: Node) -> bool:
    return isinstance(name, YamlScalar) and name.text == "<<" and name.plain


def _child(node: Node, step: str | int) -> tuple[Node, Node] | None:
    if isinstance(node, YamlScalar):
        return None
    if isinstance(node, YamlSequence) and isinstance(step, int):
        return (node.items[step], node.items[step]) if step < len(node.items) else None
    if node.names is None:
        node.names = dict(_named(node))
    return node.names.get(str(step))


def _named(node: YamlSequence | YamlMapping) -> Iterator[tuple[str, tuple[Node, Node]]]:
    """Yield what can be found by a name in a node, what counts most at the end."""
    if isinstance(node, YamlMapping):
        for name, value in node.pairs:
            if _is_merge(name):
                bases = value.items if isinstance(value, YamlSequence) else [value]
                for base in reversed(bases):
                    if isinstance(base, YamlMapping):
                        yield from _named(base)
        own = [(name, value) for name, value in node.pairs if isinstance(name, YamlScalar)]
        yield from ((name.text, (name, value)) for name, value in reversed(own))
    else:
        for item in reversed(node.items):
            if isinstance(item, YamlScalar):
                yield item.text, (item, item)
            elif isinstance(item, YamlMapping):
                yield from _named(item)


class _Reader:
    """Turns nodes into plain data; collects every problem instead of stopping at the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._values = 0
        self._open: set[int] = set()
        self._over = False

    def plain(self, node: Node, depth: int) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or depth > MAX_DEPTH or id(node) in self._open:
            if not self._over:
                self._over = True
                self._complain(
                    node,
                    f"aliases expand to over {MAX_VALUES} values or to themselves; write it out",
                )
            return None
        if isinstance(node, YamlScalar):
            return self._scalar(node)
        if node.tag is not None:
            self._complain(node, f"tag '{_short(node.tag)}' is not known; remove it")
        self._open.add(id(node))
        try:
            if isinstance(node, YamlSequence):
                return tuple(self.plain(item, depth + 1) for item in node.items if not self._over)
            return self._mapping(node, depth)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: YamlMapping, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for name, value in node.pairs:
            if self._over:
                break
            if not isinstance(name, YamlScalar):
                self._complain(
                    name, "a list or mapping cannot be a key; put it in quotes if it is a name"
                )
            elif _is_merge(name):
                base = self.plain(value, depth + 1)
                for part in base if isinstance(base, tuple) else (base,):
                    if isinstance(part, dict):
                        merged = {**part, **merged}
                    elif not self._over:
                        self._complain(
                            value, "'<<' takes an alias of a mapping, e.g. '<<: *base'; correct it"
                        )
            elif name.text in own:
                self._complain(name, f"key '{name.text}' occurs twice; remove one of the two")
            else:
                own[name.text] = self.plain(value, depth + 1)
        return {**merged, **own}

    def _scalar(self, node: YamlScalar) -> Any:
        if node.tag is not None and node.tag not in _TEXT:
            self._complain(node, f"tag '{_short(node.tag)}' is not known; remove it")
        value = node.text
        if not node.plain or node.tag is not None:
            return value
        if _NULL.match(value):
            return None
        if _BOOL.match(value):
            return value == "true"
        if _INT.match(value) and len(value) < 20:
            return WrittenInt.of(value)
        if _FLOAT.match(value):
            return WrittenFloat.of(value)
        return value

    def _complain(self, node: Node, what: str) -> None:
        self.problems.append(Problem(str(_location(self.file, node)), what))


def _short(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
