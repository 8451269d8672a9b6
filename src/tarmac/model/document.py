"""One YAML file as plain data plus the place of every key and value in it.

Called by the loader. YAML is read by libyaml's composer (50 times faster than ruamel for 1,000
services), and scalars follow YAML 1.2's core schema: `no` is a string, not false.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from tarmac.errors import BadInput, Problem
from tarmac.model.location import Location, Path

#: A system's file is kilobytes; libyaml needs 17 s for 10 MB, so more than this is a mistake.
MAX_BYTES = 1_000_000
#: Values after aliases are followed: an alias bomb stops here.
MAX_VALUES = 100_000
MAX_DEPTH = 60

_NULL = re.compile(r"(null|~|)$")
_BOOL = re.compile(r"(true|false)$")
_INT = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")


class Document:
    """A parsed file: `data` is dicts, tuples and scalars; `locate` finds a path's place."""

    def __init__(self, file: str, root: yaml.Node, data: Any) -> None:
        self.file = file
        self.data = data
        self._root = root

    def locate(self, path: Path, *, key: bool = False) -> Location:
        """Find the place of a value (or of its key); the nearest known place above if absent.

        A name may also stand for an element of a list: `calls: [a, {b: {...}}]` has ("calls", "b").
        """
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
        BadInput: not UTF-8, not YAML, over the size, duplicate keys, alias bombs; all with places.
    """
    if len(raw) > MAX_BYTES:
        raise _bad(Location(file), f"the file is too large ({len(raw)} bytes); {MAX_BYTES} at most")
    try:
        source = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        column = error.start - (before.rfind(b"\n") + 1) + 1
        place = Location(file, before.count(b"\n") + 1, column)
        raise _bad(
            place, f"not UTF-8 (byte 0x{raw[error.start]:02x}); save the file as UTF-8"
        ) from None
    try:
        root = yaml.compose(source, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        raise _bad(place, f"not YAML ({error.problem}); correct the file here") from None
    except yaml.YAMLError as error:
        raise _bad(Location(file), f"not YAML ({error}); correct the file") from None
    except RecursionError:
        raise _bad(Location(file), f"nested deeper than {MAX_DEPTH}; flatten it") from None
    if root is None:
        raise _bad(Location(file), "the file is empty; `tarmac schema` prints what it may hold")
    reader = _Reader(file)
    data = reader.plain(root, 0)
    if reader.problems:
        raise BadInput(reader.problems)
    return Document(file, root, data)


def _bad(place: Location, what: str) -> BadInput:
    return BadInput([Problem(str(place), what)])


def _location(file: str, node: yaml.Node) -> Location:
    return Location(file, node.start_mark.line + 1, node.start_mark.column + 1)


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for name, value in node.value:
            if name.value == str(step):
                return name, value
    elif isinstance(node, yaml.SequenceNode):
        if isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step]
        for item in node.value:
            if isinstance(item, yaml.ScalarNode) and item.value == step:
                return item, item
            if isinstance(item, yaml.MappingNode) and (pair := _child(item, step)):
                return pair
    return None


class _Reader:
    """Turns nodes into plain data; collects every problem instead of stopping at the first."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self._values = 0
        self._open: set[int] = set()

    def plain(self, node: yaml.Node, depth: int) -> Any:
        self._values += 1
        if self._values > MAX_VALUES or depth > MAX_DEPTH or id(node) in self._open:
            if not any("nested or repeated" in problem.what for problem in self.problems):
                self._complain(
                    node, f"nested or repeated too much by aliases (over {MAX_VALUES} values)"
                )
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return tuple(self.plain(item, depth + 1) for item in node.value)
            return self._mapping(node, depth)
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: yaml.Node, depth: int) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for name, value in node.value:
            if not isinstance(name, yaml.ScalarNode):
                self._complain(name, "a key must be a plain name, not a list or a mapping")
            elif name.value == "<<" and not name.style:
                base = self.plain(value, depth + 1)
                for part in base if isinstance(base, tuple) else (base,):
                    if isinstance(part, dict):
                        merged = {**part, **merged}
                    else:
                        self._complain(value, "'<<' takes an alias of a mapping")
            elif name.value in own:
                self._complain(name, f"key '{name.value}' occurs twice; remove one of the two")
            else:
                own[name.value] = self.plain(value, depth + 1)
        return {**merged, **own}

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        if node.tag.startswith("!"):
            self._complain(node, f"tag '{node.tag}' is not known; remove it")
        value: str = node.value
        if node.style or node.tag == "tag:yaml.org,2002:binary":
            return value
        if _NULL.match(value):
            return None
        if _BOOL.match(value):
            return value == "true"
        if _INT.match(value) and len(value) < 20:
            return int(value)
        if _FLOAT.match(value):
            return float(value)
        return value

    def _complain(self, node: yaml.Node, what: str) -> None:
        self.problems.append(Problem(str(_location(self.file, node)), what))
