"""Entries that are added to the text of a model: services, stores, objectives, a broker.

Called by `tarmac new`. The text stays as its author wrote it, comments included; entries go behind
the last one of their section, and the result is read again to prove that nothing else differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tarmac.base.errors import BadInput, Problem, TarmacError
from tarmac.model import document

#: The order of sections where one is new.
ORDER = ("services", "stores", "broker", "externals", "environments", "delivery", "objectives")
Pairs = Mapping[str, tuple[yaml.Node, yaml.Node]]


def added(text: str, file: str, addition: str, where: str) -> str:
    """Return a model's text with the entries of another text of the same form.

    A section with one value (`broker`) is added where the model has none, else left as it is.

    Args:
        text: the model; it was loaded before, so it is one.
        file: its name, for errors.
        addition: sections with entries, each entry on lines of its own, indented by two.
        where: the addition's name, for errors.

    Raises:
        BadInput: a name is there already; a section is written in braces or is an alias.
    """
    made = text
    new = document.parse(addition.encode(), where).data
    for section, entries in _sections(addition):
        pairs = _pairs(made)
        if section not in pairs:
            made = _with_section(made, pairs, section, entries)
        elif isinstance(new[section], Mapping | tuple):
            made = _with_entries(made, file, pairs[section], entries)
    _prove(text, made, file, new)
    return made


def _sections(addition: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each section's name with its lines: the key's own, then those of its entries."""
    lines: list[str] = []
    for line in addition.splitlines():
        if line and not line.startswith((" ", "#")):
            if lines:
                yield lines[0].partition(":")[0], lines
            lines = []
        lines.append(line)
    if lines:
        yield lines[0].partition(":")[0], lines


def _pairs(text: str) -> Pairs:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    return {key.value: (key, value) for key, value in getattr(root, "value", ())}


def _with_section(text: str, pairs: Pairs, section: str, lines: list[str]) -> str:
    """Add a section behind those that come before it, else at the end."""
    known = ORDER.index(section) if section in ORDER else len(ORDER)
    before = [pairs[name] for name in ORDER[:known] if name in pairs]
    at = max((_end(text, pair) for pair in before), default=len(text))
    head = text[:at] if text[:at].endswith("\n") else f"{text[:at]}\n"
    tail = text[at:]
    return (
        f"{head}\n" + "\n".join(lines) + "\n" + ("" if not tail or tail[0] == "\n" else "\n") + tail
    )


def _with_entries(text: str, file: str, pair: tuple[yaml.Node, yaml.Node], lines: list[str]) -> str:
    key, value = pair
    place = f"{file}:{key.start_mark.line + 1}:{key.start_mark.column + 1}"
    if value.start_mark.index < key.end_mark.index:
        what = f"`{key.value}` is an alias; write its entries out, so that one can be added"
        raise BadInput([Problem(place, what)])
    entries = lines[1:]
    if not getattr(value, "value", ()):  # `{}`, `[]` or nothing
        end = value.end_mark.index
        comment = text[end:].partition("\n")[0].strip()
        head = f"{text[: key.end_mark.index]}:{comment and f' {comment}'}\n"
        return head + _joined(entries, text[end:])
    if getattr(value, "flow_style", False):
        what = f"`{key.value}` is written in braces; write one entry on each line"
        raise BadInput([Problem(place, what)])
    first = value.value[0][0] if isinstance(value, yaml.MappingNode) else value.value[0]
    column = first.start_mark.column - (2 if isinstance(value, yaml.SequenceNode) else 0)
    indented = [f"{' ' * column}{line[2:]}" if line else line for line in entries]
    at = _end(text, pair, column)
    gap = "\n" if _is_spaced(text, value) else ""
    head = text[:at] if text[:at].endswith("\n") else f"{text[:at]}\n"
    return f"{head}{gap}" + "".join(f"{line}\n" for line in indented) + text[at:]


def _joined(entries: list[str], rest: str) -> str:
    return "".join(f"{line}\n" for line in entries) + rest.partition("\n")[2]


def _is_spaced(text: str, value: yaml.Node) -> bool:
    """Tell whether a mapping's entries have empty lines between them, or take many lines."""
    if not isinstance(value, yaml.MappingNode):
        return False
    if len(value.value) == 1:
        return _last(value).end_mark.line > value.start_mark.line
    before = text[: value.value[-1][0].start_mark.index].splitlines()[:-1]
    while before and before[-1].lstrip().startswith("#"):
        before.pop()
    return bool(before) and not before[-1].strip()


def _last(node: yaml.Node) -> yaml.Node:
    """Find the last node of a block, whose end is its own and not that of what follows."""
    while not getattr(node, "flow_style", True) and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    return node


def _end(text: str, pair: tuple[yaml.Node, yaml.Node], column: int = 0) -> int:
    """Find where the line behind a block begins; comments that are indented deeper belong to it."""
    key, value = pair
    last = _last(value)
    stop = max(last.end_mark.index, key.end_mark.index)
    stop = len(text[:stop].rstrip()) if getattr(last, "style", None) in {"|", ">"} else stop
    at = text.find("\n", stop)
    at = len(text) if at < 0 else at + 1
    while at < len(text):
        line = text[at:].partition("\n")[0]
        if not line.lstrip().startswith("#") or len(line) - len(line.lstrip()) <= column:
            break
        at = min(len(text), at + len(line) + 1)
    return at


def _prove(text: str, made: str, file: str, new: Mapping[str, Any]) -> None:
    """Read what was written: it is the model with the entries. Raises BadInput, TarmacError."""
    before = document.parse(text.encode(), file).data
    taken = [
        Problem(file, f"{section} has '{name}' already; choose another name")
        for section, entries in new.items()
        if isinstance(entries, Mapping) and isinstance(before.get(section), Mapping)
        for name in entries
        if name in before[section]
    ]
    if taken:
        raise BadInput(taken)
    wanted = dict(before)
    for section, entries in new.items():
        if isinstance(entries, Mapping):
            wanted[section] = {**(before.get(section) or {}), **entries}
        elif isinstance(entries, tuple):
            wanted[section] = (*(before.get(section) or ()), *entries)
        else:
            wanted.setdefault(section, entries)
    if document.parse(made.encode(), file).data != wanted:
        raise TarmacError(
            f"{file}: an entry cannot be added to this file's layout; nothing is written"
        )
