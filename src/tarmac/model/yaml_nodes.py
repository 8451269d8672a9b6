"""YAML text into nodes with places, within limits; whatever is not YAML is said in plain words.

Called by `document`. It reads libyaml's events one by one: libyaml's own composer follows nested
brackets by recursion in C, and a file of 900 KB of them would end the interpreter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import yaml

from tarmac.base.errors import BadInput, Problem
from tarmac.model.location import Location

#: Values of a file; a thousand services have some 30,000.
MAX_VALUES = 100_000
MAX_DEPTH = 60

#: What libyaml says -> what is wrong and what to do. The first that its words contain counts.
WORDS = (
    ("that cannot start any token", "character {character} cannot begin a value; put it in quotes"),
    (
        "mapping values are not allowed",
        "a ': ' where none can be; indent the line as its neighbours, or put the value in quotes",
    ),
    (
        "',' or ']'",
        "the list that begins with '[' in line {opened} has no ']' or lacks a ','; add it",
    ),
    (
        "',' or '}'",
        "the mapping that begins with '{{' in line {opened} has no '}}' or lacks a ','; add it",
    ),
    (
        "did not find expected key",
        "this line does not fit with those above; indent it as its neighbours",
    ),
    (
        "expected '-' indicator",
        "the list ends without a '-' here; indent this line, or begin with '- '",
    ),
    (
        "could not find expected ':'",
        "the key in line {opened} has no ':' after it; add one, or indent the line",
    ),
    (
        "block sequence entries are not allowed",
        "a '- ' where none can be; put the list on lines of its own below the key",
    ),
    (
        "found unexpected end of stream",
        "a quote is opened in line {opened} and never closed; close it",
    ),
    (
        "found unexpected document indicator",
        "a quote is opened in line {opened} and never closed; close it",
    ),
    ("escape", "unknown escape in double quotes; use single quotes instead"),
    ("hexdecimal", "unknown escape in double quotes; use single quotes instead"),
    ("found a tab character", "a tab; indent with spaces"),
    ("a tag", "a value that begins with '!'; put it in quotes"),
    ("expected alphabetic or numeric", "a '*' or '&' without a name; put the value in quotes"),
    ("block scalar", "only a line's end may follow '|' or '>'; go on in the next line"),
    ("directive", "a line that begins with '%'; put the value in quotes"),
    ("incompatible YAML document", "an unknown version of YAML; remove the line"),
    (
        "expected <document start>",
        "this does not continue the lines above; indent it, or remove it",
    ),
    ("expected node content", "a value is missing; write one, or quotes for an empty one"),
    ("mapping keys are not allowed", "a '? ' where none can be; put the value in quotes"),
    ("found unexpected ':'", "a ':' where none can be; put the value in quotes"),
)


@dataclass(slots=True)
class YamlScalar:
    """A value without parts; `plain` if it is written without quotes or a block's mark."""

    line: int
    column: int
    tag: str | None
    text: str
    plain: bool


@dataclass(slots=True)
class YamlSequence:
    """A list."""

    line: int
    column: int
    tag: str | None
    items: list[Node] = field(default_factory=list)
    #: Elements by their name, made when one is first looked for.
    names: dict[str, tuple[Node, Node]] | None = None


@dataclass(slots=True)
class YamlMapping:
    """Keys with values, in the file's order."""

    line: int
    column: int
    tag: str | None
    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    #: Key and value by the key's text, made when one is first looked for.
    names: dict[str, tuple[Node, Node]] | None = None


Node = YamlScalar | YamlSequence | YamlMapping


def compose(source: str, file: str) -> Node | None:
    """Make the tree of one YAML document; None if it holds nothing. Places count from 1.

    Aliases give the very node that they name, so a node may occur in several places.

    Raises:
        BadInput: it is not YAML, or over a limit; with its place.
    """
    try:
        return _tree(yaml.parse(source, Loader=yaml.CSafeLoader), file)
    except yaml.reader.ReaderError as error:
        before = source[: error.position]
        place = Location(file, before.count("\n") + 1, len(before) - before.rfind("\n"))
        code = source[error.position : error.position + 1] or "\0"
        raise _bad(place, f"character U+{ord(code):04X} cannot be in YAML; remove it") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        raise _bad(place, _in_words(error, source)) from None
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        raise _bad(Location(file), f"not YAML ({error}); correct the file") from None


def _tree(events: Iterable[yaml.Event], file: str) -> Node | None:
    """Join the events; the open lists and mappings stand on a stack, each with a key that waits."""
    root: Node | None = None
    anchors: dict[str, Node] = {}
    stack: list[YamlSequence | YamlMapping] = []
    keys: list[Node | None] = []
    for count, event in enumerate(events):
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
            keys.pop()
            continue
        if isinstance(event, yaml.DocumentStartEvent) and root is not None:
            raise _bad(_place(event, file), "a second document begins; put it in a file of its own")
        if not isinstance(event, yaml.NodeEvent):
            continue
        if count > 2 * MAX_VALUES:
            raise _bad(_place(event, file), f"more than {MAX_VALUES} values; shorten the file")
        node = _node(event, anchors, file)
        if not stack:
            root = node
        elif isinstance(top := stack[-1], YamlSequence):
            top.items.append(node)
        elif (key := keys[-1]) is None:
            keys[-1] = node
        else:
            top.pairs.append((key, node))
            keys[-1] = None
        if isinstance(event, yaml.CollectionStartEvent):
            if len(stack) == MAX_DEPTH:
                raise _bad(_place(event, file), f"nested deeper than {MAX_DEPTH}; flatten it")
            assert not isinstance(node, YamlScalar)  # noqa: S101 - a start makes no scalar
            stack.append(node)
            keys.append(None)
    return root


def _node(event: yaml.NodeEvent, anchors: dict[str, Node], file: str) -> Node:
    place = _place(event, file)
    node: Node | None = None
    match event:
        case yaml.ScalarEvent():
            is_plain = not event.style
            node = YamlScalar(place.line, place.column, event.tag, event.value, is_plain)
        case yaml.SequenceStartEvent():
            node = YamlSequence(place.line, place.column, event.tag)
        case yaml.MappingStartEvent():
            node = YamlMapping(place.line, place.column, event.tag)
    if node is not None:
        if event.anchor is not None:
            anchors[event.anchor] = node
        return node
    if event.anchor not in anchors:
        raise _bad(
            place,
            f"alias '*{event.anchor}' names nothing above it; "
            f"put the value in quotes, or name one with '&{event.anchor}'",
        )
    return anchors[event.anchor]


def _in_words(error: yaml.MarkedYAMLError, source: str) -> str:
    said = f"{error.context or ''} {error.problem or ''}"
    mark, opening = error.problem_mark, error.context_mark or error.problem_mark
    lines = source.split("\n")
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    character = line[mark.column : mark.column + 1] if mark else ""
    if character == "\t":
        return "a tab; indent with spaces"
    for words, meaning in WORDS:
        if words in said:
            return meaning.format(
                character=f"'{character}'", opened=opening.line + 1 if opening else 1
            )
    return f"not YAML ({error.problem or error.context}); correct the file here"


def _place(event: yaml.Event, file: str) -> Location:
    mark = event.start_mark
    return Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)


def _bad(place: Location, what: str) -> BadInput:
    return BadInput([Problem(str(place), what)])
