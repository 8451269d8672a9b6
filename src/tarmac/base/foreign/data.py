"""Parses YAML and JSON that others wrote, to a depth and a number of values.

libyaml follows nested brackets by recursion on the C stack: 100 KB of `[` end the interpreter. So
whatever may be deep is first read without recursion; that the rest is not takes a few searches.
All that is wrong with a text is one of the format's own errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tarmac.base.errors import BadInput, Problem

#: Kubernetes' own deepest schema has 40; a thousand services have 30,000 values.
MAX_DEPTH, MAX_VALUES = 100, 200_000
#: Of a whole number, its signs and points counted; 64 bits have 20, and a number of thousands can
#: not even be shown.
MAX_DIGITS = 60
#: The start of a line that is far to the right: a block in a block takes a column, a list in a
#: mapping none. So up to here, and with as many brackets as half of the depth, nothing is too deep.
_INDENTED = re.compile(rf"[\n\r\x85\u2028\u2029][ \t:?-]{{{MAX_DEPTH // 4}}}")
_DOCUMENTS = re.compile(r"^---(?=[ \t\r\n]|\Z)", re.MULTILINE)
#: Below so many characters there cannot be too many values.
_SHORT = MAX_VALUES // 3
_PARTS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[{]|[\]}]|[,:]', re.DOTALL)
_POWER = re.compile(r"[-+]?\d{1,20}[eE][-+]?\d{1,2}\Z")
_OCTAL = re.compile(r"0o[0-7][0-7_]{0,20}\Z")
#: From here on Go writes an exponent into JSON, so an API server takes it for a fraction.
_EXPONENT = 1e21
_ANCHOR = re.compile(r"(?:^|[\s\[{,:-])&([^\s\[\]{},]+)", re.MULTILINE)
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
#: What PyYAML's constructors raise of a scalar that is not what its tag says: `!!timestamp x`.
_MISFITS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class BoundedLoader(yaml.CSafeLoader):
    """PyYAML's safe loader, without whole numbers of thousands of digits."""

    def integer(self, node: yaml.ScalarNode) -> int:
        """Read a whole number. Raises yaml.YAMLError for one that is too long."""
        if len(node.value) > MAX_DIGITS:
            raise _over(node.start_mark, f"a number of more than {MAX_DIGITS} digits")
        number: int = self.construct_yaml_int(node)
        return number

    def real(self, node: yaml.ScalarNode) -> float | int:
        """Read a number; `1e+06` is a whole one, as it is once Kubernetes has made JSON of it."""
        number: float = self.construct_yaml_float(node)
        is_whole = _POWER.match(node.value) and number.is_integer() and abs(number) < _EXPONENT
        return int(number) if is_whole else number

    def overriding(self, node: yaml.Node) -> Any:
        """Read what replaces another Compose file's value, and not adds to it."""
        if isinstance(node, yaml.MappingNode):
            return self.construct_mapping(node, deep=True)
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return node.value

    def referring(self, node: yaml.Node) -> Any:
        """Read what GitLab takes from elsewhere in the file: it is not known here."""
        if isinstance(node, yaml.SequenceNode):
            return {"!reference": self.construct_sequence(node, deep=True)}
        return {"!reference": []}

    def moment(self, node: yaml.ScalarNode) -> Any:
        """Read a date; `2026-13-45` is a text to readers in Go."""
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError:
            return node.value

    def octal(self, node: yaml.ScalarNode) -> int:
        """Read `0o755`."""
        return int(node.value.replace("_", ""), 8)


BoundedLoader.add_constructor("tag:yaml.org,2002:int", BoundedLoader.integer)
BoundedLoader.add_constructor("tag:yaml.org,2002:float", BoundedLoader.real)
BoundedLoader.add_constructor("tag:yaml.org,2002:timestamp", BoundedLoader.moment)
# Numbers to every reader in Go, kubectl and Docker among them, and text to PyYAML alone.
BoundedLoader.add_implicit_resolver("tag:yaml.org,2002:float", _POWER, list("-+0123456789"))
BoundedLoader.add_implicit_resolver("tag:tarmac,2026:octal", _OCTAL, ["0"])
BoundedLoader.add_constructor("tag:tarmac,2026:octal", BoundedLoader.octal)
# `- =` is a text to all but YAML 1.1: the operators of Alertmanager's matchers, in its CRD.
BoundedLoader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)
# Compose's own tags: what another file says is taken away, or replaced.
BoundedLoader.add_constructor("!reset", lambda _, node: None)
BoundedLoader.add_constructor("!override", BoundedLoader.overriding)
BoundedLoader.add_constructor("!reference", BoundedLoader.referring)
Loader = type[BoundedLoader]


def from_yaml(text: str, loader: Loader = BoundedLoader) -> list[Any]:
    """Read all documents of a YAML text. Raises yaml.YAMLError, and nothing else."""
    return [data for _, data in parsed(text, loader)]


def first(text: str) -> Any:
    """Read the first document of a YAML text; None where it has none, or is not YAML."""
    try:
        return next((data for _, data in parsed(text)), None)
    except yaml.YAMLError:
        return None


def parsed(text: str, loader: Loader = BoundedLoader) -> Iterator[tuple[yaml.Node, Any]]:
    """Yield each document of a YAML text as nodes and as data.

    Raises:
        yaml.YAMLError: it is not YAML, has a tag that is not YAML's own, or is over a limit.
    """
    _check_yaml(text, loader)
    if "&" in text:
        text = _distinct(text, loader)
    has_aliases = "&" in text and "*" in text
    reader = loader(text)
    try:
        while reader.check_node() and (node := reader.get_node()) is not None:
            if has_aliases:
                _check_aliases(node)
            try:
                data = reader.construct_document(node)
            except _MISFITS as error:
                raise _misfit(reader, node, error) from None
            yield node, data
    finally:
        reader.dispose()


def from_json(text: str) -> Any:
    """Read a JSON text. Raises ValueError, with its place: not JSON, or over a limit."""
    count = text.count
    if count("[") + count("{") > MAX_DEPTH or count(",") + count(":") > MAX_VALUES:
        _check_json(text)
    value = json.loads(text)
    if _SURROGATE.search(text):
        _check_surrogates(value)
    return value


def problem(name: str, error: yaml.YAMLError | ValueError) -> BadInput:
    """Make an error of what `from_yaml` or `from_json` raised, with its place in the file."""
    if isinstance(error, json.JSONDecodeError):
        place, said = f"{name}:{error.lineno}:{error.colno}", f"not JSON ({error.msg})"
    elif isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        said = f"not YAML ({error.problem or error.context})"
    else:
        kind = "YAML" if isinstance(error, yaml.YAMLError) else "JSON"
        place, said = name, f"not {kind} ({' '.join(str(error).split())})"
    return BadInput([Problem(place, f"{said}; correct it")])


def _check_yaml(text: str, loader: Loader) -> None:
    """Refuse what is too deep or too much; by its events, which are read without recursion."""
    # No bracket is open beyond the document that it is in.
    openers = max(part.count("[") + part.count("{") for part in _DOCUMENTS.split(text))
    # No value without one of these; the first key of a mapping begins the mapping, too.
    short = len(text) <= _SHORT or sum(map(text.count, ",:-?[{")) <= _SHORT
    if short and openers <= MAX_DEPTH // 2 and not _INDENTED.search(f"\n{text}"):
        return
    depth = values = 0
    for event in yaml.parse(text, Loader=loader):
        values += isinstance(event, yaml.NodeEvent)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _over(event.start_mark, f"nested deeper than {MAX_DEPTH}")
        if values > MAX_VALUES:
            raise _over(event.start_mark, f"more than {MAX_VALUES} values")


def _distinct(text: str, loader: Loader) -> str:
    """Give anchors that are defined again names of their own: YAML allows it, PyYAML does not."""
    names = _ANCHOR.findall(text)
    if len(names) == len(set(names)):
        return text
    defined: dict[str, int] = {}
    parts, end = [], 0
    for token in yaml.scan(text, Loader=loader):
        if isinstance(token, yaml.AnchorToken):
            defined[token.value] = defined.get(token.value, 0) + 1
        if isinstance(token, yaml.AnchorToken | yaml.AliasToken):
            number = defined.get(token.value, 1)
            parts += [text[end : token.end_mark.index], f"-{number}" if number > 1 else ""]
            end = token.end_mark.index
    return "".join([*parts, text[end:]])


def _check_aliases(root: yaml.Node) -> None:
    """Refuse aliases that stand for too many values, or for what they are in."""
    sizes: dict[int, int] = {}
    above: set[int] = set()
    todo = [(root, False)]
    while todo:
        node, is_done = todo.pop()
        parts = _parts(node)
        if is_done:
            above.discard(id(node))
            sizes[id(node)] = size = 1 + sum(sizes[id(part)] for part in parts)
            if size > MAX_VALUES:
                raise _over(node.start_mark, f"aliases make it more than {MAX_VALUES} values")
        elif id(node) in above:
            raise _over(node.start_mark, "an alias refers to a mapping or list that contains it")
        elif id(node) not in sizes:
            above.add(id(node))
            todo.append((node, True))
            todo += [(part, False) for part in parts]


def _parts(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


def _misfit(reader: Any, root: yaml.Node, error: Exception) -> yaml.YAMLError:
    """Find the scalar of which a constructor raised an error that is not YAML's."""
    reader.recursive_objects.clear()  # where the first attempt broke off
    todo, seen = [root], set[int]()
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        todo += reversed(_parts(node))
        try:
            if isinstance(node, yaml.ScalarNode):
                reader.construct_object(node, deep=True)
        except yaml.YAMLError:
            continue
        except _MISFITS:
            value = node.value if len(node.value) <= 40 else f"{node.value[:40]}..."
            what = f"'{value}' is no {node.tag.rpartition(':')[2]}, put it in quotes"
            return _over(node.start_mark, what)
    return _over(root.start_mark, f"{type(error).__name__} while its values were read")


def _over(mark: Any, what: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, what, mark)


def _check_json(text: str) -> None:
    """Refuse what is too deep or too much, without recursion."""
    depth = values = 0
    for found in _PARTS.finditer(text):
        match found[0]:
            case "[" | "{":
                depth += 1
                values += 1
            case "]" | "}":
                depth -= 1
            case "," | ":":
                values += 1
        if depth > MAX_DEPTH:
            raise json.JSONDecodeError(f"nested deeper than {MAX_DEPTH}", text, found.start())
        if values > MAX_VALUES:
            raise json.JSONDecodeError(f"more than {MAX_VALUES} values", text, found.start())


def _check_surrogates(value: Any) -> None:
    """Refuse half a character, which no file can be written with."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        half = f"\\u{ord(error.object[error.start]):04x}"
        raise ValueError(
            f"'{half}' is an incomplete character; write the whole character"
        ) from None
