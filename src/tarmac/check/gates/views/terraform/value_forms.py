"""What expressions of Terraform give, as far as it is written: a text, a number, a list."""

from __future__ import annotations

import posixpath
import re
from typing import Any

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.asked_releases import AskedReleases
from tarmac.check.gates.views.terraform.provider_arguments import (
    ANY,
    BOOLEAN,
    LIST,
    MAP,
    NUMBER,
    TEXT,
)
from tarmac.check.gates.views.terraform.tree import children, words
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

#: A text that may be anything: what Terraform makes a number or a boolean of, too.
SOME = "text that is made"
_OF_TREES = {
    "tuple": LIST, "for_tuple_expr": LIST, "object": MAP, "for_object_expr": MAP,
    "int_lit": NUMBER, "float_lit": NUMBER, "heredoc_template": SOME, "heredoc_template_trim": SOME,
}  # fmt: skip
_OF_FUNCTIONS = {
    "toset": LIST, "tolist": LIST, "concat": LIST, "flatten": LIST, "compact": LIST, "split": LIST,
    "distinct": LIST, "keys": LIST, "slice": LIST, "sort": LIST, "range": LIST,
    "merge": MAP, "tomap": MAP, "zipmap": MAP,
    "join": SOME, "format": SOME, "jsonencode": SOME, "tostring": SOME, "tonumber": NUMBER,
    "lower": SOME, "upper": SOME, "replace": SOME, "length": NUMBER,
}  # fmt: skip
_OF_TYPES = {"string": SOME, "number": NUMBER, "bool": BOOLEAN,
             "list": LIST, "set": LIST, "tuple": LIST, "map": MAP, "object": MAP}  # fmt: skip
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_WRAPS = ("expr_term", "string_part", "interpolation")
_REFERENCE = 3


class ValueForms:
    """What expressions give, by the variables and resources of their folders."""

    def __init__(self, files: Files) -> None:
        self._releases = AskedReleases(files)
        self._variables: dict[tuple[str, str], str] = {}
        #: Whether there is one of each resource, or some.
        self._is_one: dict[tuple[str, ...], bool] = {}
        for block in written(files):
            folder = posixpath.dirname(block.file)
            if block.words[:1] == ("variable",) and len(block.words) == 2:
                self._variables[folder, block.words[1]] = _declared(block)
            elif len(block.words) == 3:
                is_one = block.arguments.keys().isdisjoint(("count", "for_each"))
                self._is_one[folder, *block.words] = is_one

    def of(self, file: str, value: Any) -> str:
        """Say what an expression gives; "" where that is not known."""
        kind = str(getattr(value, "data", ""))
        inside = list(children(value)) if kind else []
        if kind in _OF_TREES:
            return _OF_TREES[kind]
        if kind == "string" and not _is_alone(value):
            return _of_text(value)
        if kind == "literal_value":
            return ANY if str(value.children[0]) == "null" else BOOLEAN
        if kind == "function_call":
            return _OF_FUNCTIONS.get(str(inside[0].children[0]), ANY)
        if kind in (*_WRAPS, "string") and len(inside) == 1:
            return self.of(file, inside[0])
        if kind == "get_attr_expr_term":
            return self._read(file, _names(value))
        return ANY

    def _read(self, file: str, names: tuple[str, ...]) -> str:
        folder = posixpath.dirname(file)
        if names[:1] == ("var",) and len(names) == 2:
            return self._variables.get((folder, names[1]), ANY)
        kind = "data" if names[:1] == ("data",) else "resource"
        whole = names if kind == "data" else (kind, *names)
        if len(whole) != _REFERENCE + 1 or not self._is_one.get((folder, *whole[:3])):
            return ANY
        if not self._releases.knows(file, whole[1]):
            return ANY
        known = self._releases.bodies(file, kind, whole[1])
        forms = {one.forms.get(whole[3], ANY) for one in known}
        form = forms.pop() if len(forms) == 1 else ANY
        return SOME if form == TEXT else form


def _of_text(value: Any) -> str:
    """Say what Terraform may make of a text."""
    parts = list(children(value))
    text = words(value)
    if any(child.data == "interpolation" for part in parts for child in children(part)):
        return SOME
    if text in ("true", "false"):
        return BOOLEAN
    return NUMBER if _NUMBER.fullmatch(text) else TEXT


def _declared(block: WrittenBlock) -> str:
    """Read the form of a variable's type."""
    if "type" not in block.arguments:
        return ANY
    tokens = block.arguments["type"].value.scan_values(lambda _: True)
    return _OF_TYPES.get(str(next(tokens, "")), ANY)


def _is_alone(text: Any) -> bool:
    """Tell whether a text is one expression and nothing else, which Terraform takes as it is."""
    parts = [one for one in children(text) if one.data == "string_part"]
    return len(parts) == 1 and [one.data for one in children(parts[0])] == ["interpolation"]


def _names(value: Any) -> tuple[str, ...]:
    """List the names of `a.b.c`; none where something else is among them."""
    names: list[str] = []
    while str(getattr(value, "data", "")) in ("expr_term", "get_attr_expr_term"):
        parts = list(children(value))
        if value.data == "get_attr_expr_term":
            names.append(str(next(parts[-1].scan_values(lambda one: str(one) != "."))))
        elif len(parts) != 1:
            return ()
        value = parts[0]
    if str(getattr(value, "data", "")) != "identifier":
        return ()
    return (str(value.children[0]), *reversed(names))
