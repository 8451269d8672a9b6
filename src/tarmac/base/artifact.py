"""A file that is rendered: where it goes, and what is in it as data.

A leaf: renderers make them, the tree writes them, gates and `diff` read them. A rendered
file is read back only to find where in its text a part stands, never for its content.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any

import yaml

from tarmac.base.foreign.data import parsed


class Format(StrEnum):
    """What a file is to its readers; its renderer declares it, its content is not asked.

    A Backstage catalog, a kubeconfig and a kustomization have an `apiVersion` and a `kind`, and no
    API server takes them: only what is declared as an object is judged and compared as one.
    """

    OBJECT = "kubernetes object"
    YAML = "yaml"
    JSON = "json"
    TEXT = "text"


@dataclass(frozen=True)
class Artifact:
    """One file of a rendered tree."""

    #: Relative to the tree, with slashes.
    path: str
    #: A mapping is written as YAML, or as JSON where that is its format; text as it stands.
    content: Mapping[str, Any] | str
    #: Where the model says so, for a finding: `file:line:col`.
    place: str = ""
    #: Comment lines above the content, where a reader must know more than the content says.
    notes: tuple[str, ...] = ()
    executable: bool = False
    #: Scalar -> what is said behind it at its line's end: the version of a commit that is named.
    remarks: Mapping[str, str] = field(default_factory=dict)
    #: The line where each of its parts begins, by its path; of one that was read from a disk.
    lines: Mapping[tuple[str | int, ...], int] = field(
        default_factory=dict, repr=False, compare=False
    )
    #: None: YAML for a mapping, text for text; never an object, which is declared.
    format: Format | None = None
    #: The same as `path:line`, of one that was built of several files: the one to edit for a part.
    places: Mapping[tuple[str | int, ...], str] = field(
        default_factory=dict, repr=False, compare=False
    )
    #: The kustomization, or the template, that it was built by; empty: it is as it was written.
    built_by: str = ""
    #: The key of the ConfigMap that holds it as a text; empty: it is a file, or a part of one.
    held_as: str = ""

    @property
    def is_object(self) -> bool:
        """Whether an API server is given it."""
        return self.format is Format.OBJECT

    def at(self, *path: str | int) -> str:
        """Return a part's place: `path:line` of it, or of the nearest known one above."""
        for end in range(len(path), -1, -1):
            if (place := self.places.get(path[:end])) is not None:
                return place
            if (line := self.lines.get(path[:end])) is not None:
                return f"{self.path}:{line}"
        return self.path

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """What is in it, as data; empty for text."""
        return self.content if isinstance(self.content, (dict, Mapping)) else {}


#: The start of a comment, by the end of a file's name; others have no comments.
COMMENTS = {
    ".yaml": "#",
    ".yml": "#",
    ".sh": "#",
    "Dockerfile": "#",
    ".dockerignore": "#",
    ".helmignore": "#",
    ".env": "#",
    ".toml": "#",
    ".tf": "#",
    ".tfvars": "#",
    ".hcl": "#",
}


def write(artifact: Artifact, header: str) -> str:
    """Write a file's text: a first line that says what made it, its notes, its content.

    Args:
        header: what made it; left out where the format has no comments.
    """
    body = _body(artifact)
    for scalar, remark in artifact.remarks.items():
        body = body.replace(f" {scalar}\n", f" {scalar}  # {remark}\n")
    sign = next((sign for end, sign in COMMENTS.items() if artifact.path.endswith(end)), None)
    if sign is None:
        return body
    lines = "".join(f"{sign} {line}\n" for line in (header, *artifact.notes))
    if body.startswith("#!"):  # the kernel looks for it at the very start
        first, _, rest = body.partition("\n")
        return f"{first}\n{lines}{rest}"
    return lines + body


def _body(artifact: Artifact) -> str:
    if isinstance(artifact.content, str):
        return artifact.content
    if artifact.format is Format.JSON:
        return json.dumps(artifact.content, indent=2) + "\n"
    return dump(artifact.content)


class _Dumper(yaml.CSafeDumper):
    """Writes text of several lines as a block."""


def _text(dumper: _Dumper, value: str) -> yaml.Node:
    style = "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _text)
# Plain text that readers in Go, such as kubectl, take for a number or a truth value, and PyYAML for
# text: a digest of digits and one `e`, an octal number, `y`. It is written in quotes.
_Dumper.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(0[xob][0-9A-Fa-f_]+|(\.[0-9_]+|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?)$"
    ),
    list("-+.0123456789"),
)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]$"), list("yYnN"))


_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_MAP_START = yaml.MappingStartEvent(None, _MAP, True, flow_style=False)
_SEQ_START = yaml.SequenceStartEvent(None, _SEQ, True, flow_style=False)
_MAP_END, _SEQ_END = yaml.MappingEndEvent(), yaml.SequenceEndEvent()
_START, _END = yaml.DocumentStartEvent(explicit=False), yaml.DocumentEndEvent(explicit=False)


def dump(content: Mapping[str, Any]) -> str:
    """Write data as YAML: keys in their own order, one line for each scalar.

    PyYAML's own way there, a tree of nodes, takes three times as long as the writing itself.
    """
    text = io.StringIO()
    dumper = _Dumper(text, width=10_000, allow_unicode=True)
    dumper.open()
    dumper.emit(_START)
    _emit(dumper.emit, content)
    dumper.emit(_END)
    dumper.close()
    return text.getvalue()


def _emit(emit: Callable[[yaml.Event], None], value: Any) -> None:
    if isinstance(value, dict):
        emit(_MAP_START)
        for key, inner in value.items():
            emit(_scalar(key))
            _emit(emit, inner)
        emit(_MAP_END)
    elif isinstance(value, list | tuple):
        emit(_SEQ_START)
        for inner in value:
            _emit(emit, inner)
        emit(_SEQ_END)
    else:
        emit(_scalar(value))


@lru_cache(maxsize=1 << 14, typed=True)
def _scalar(value: Any) -> yaml.ScalarEvent:
    """Ask PyYAML how a scalar is written; most come many times."""
    dumper: Any = _Dumper(io.StringIO())
    node = dumper.represent_data(value)
    implicit = tuple(
        dumper.resolve(yaml.ScalarNode, node.value, plain) == node.tag
        for plain in ((True, False), (False, True))
    )
    return yaml.ScalarEvent(None, node.tag, implicit, node.value, style=node.style)


_OF_PATCHES = {"patch", "patchType"}


def recognised(content: Mapping[str, Any] | str) -> Format | None:
    """Recognise the format of a file that no renderer declared, by what is in it."""
    if not isinstance(content, Mapping) or "apiVersion" not in content:
        return None
    # An entry of a list of patches, as Hive's SyncSets have them, names an object and is none.
    is_entry = content.keys() >= _OF_PATCHES and "metadata" not in content
    return None if is_entry else Format.OBJECT


def read(path: str, text: str) -> Iterator[Artifact]:
    """Yield the documents of a YAML file, each with its lines; those that are not mapping are none.

    Raises:
        yaml.YAMLError: it is not YAML, has a tag that is not YAML's own, or is over a limit.
    """
    for data, lines in located(text):
        if isinstance(data, Mapping):
            kind = recognised(data)
            content = keyed(data) if kind is Format.OBJECT else data
            yield from items_of(Artifact(path, content, lines=lines, format=kind))


def keyed(data: Any) -> Any:
    """Make texts of an object's keys, as its JSON has them: `404` is one, and `true`."""
    if isinstance(data, list):
        return [keyed(one) for one in data]
    if not isinstance(data, Mapping):
        return data
    return {
        json.dumps(key) if isinstance(key, bool | int | float) else str(key): keyed(value)
        for key, value in data.items()
    }


def items_of(artifact: Artifact) -> Iterator[Artifact]:
    """Yield the objects of a list of them (`kind: List`), each with its lines; others unchanged."""
    data, listed = artifact.data, artifact.data.get("items")
    kind = str(data.get("kind"))
    is_list = artifact.is_object and kind.endswith("List") and isinstance(listed, list)
    if not is_list or not listed or not all(isinstance(one, Mapping) for one in listed):
        yield artifact
        return
    # The items of a list of one kind need not repeat it.
    own = {} if kind == "List" else {"apiVersion": data["apiVersion"], "kind": kind[: -len("List")]}
    for number, one in enumerate(listed):
        above = ("items", number)
        lines = {at[2:]: line for at, line in artifact.lines.items() if at[:2] == above}
        content = {**own, **one}
        yield from items_of(
            replace(artifact, content=content, lines=lines, format=recognised(content))
        )


def located(text: str) -> Iterator[tuple[Any, dict[tuple[str | int, ...], int]]]:
    """Yield each document of a YAML text with the lines of its parts. Raises yaml.YAMLError."""
    for node, data in parsed(text):
        lines: dict[tuple[str | int, ...], int] = {}
        _lines(node, (), lines)
        yield data, lines


def _lines(node: Any, path: tuple[str | int, ...], found: dict[tuple[str | int, ...], int]) -> None:
    """Note where each part begins: a key's line, an item's line. What repeats is noted once."""
    todo, seen = [(node, path, node.start_mark.line + 1)], set[int]()
    while todo:
        part, own, line = todo.pop()
        found[own] = line
        if id(part) in seen:
            continue
        seen.add(id(part))
        if isinstance(part, yaml.MappingNode):
            todo += [
                (value, (*own, key.value), key.start_mark.line + 1)
                for key, value in part.value
                if isinstance(key, yaml.ScalarNode)
            ]
        elif isinstance(part, yaml.SequenceNode):
            todo += [
                (item, (*own, number), item.start_mark.line + 1)
                for number, item in enumerate(part.value)
            ]
