"""Values of which Terraform does not make the type that they are to have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.views.terraform.tree import children, line_of
from tarmac.check.gates.views.terraform.type_constraints import (
    COMMENT,
    Constraint,
    elements,
    inner,
    words,
)

_LISTS = ("list", "set", "tuple")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_SAID = {"bool": "boolean", "string": "text", "object": "map", "tuple": "list", "set": "list"}


def misfits(value: Any, wanted: Constraint, name: str) -> Iterator[tuple[int, str]]:
    """Yield the lines of a value of which Terraform does not make a type, and what is wrong."""
    own = inner(value)
    given = _form(own)
    if given == "" or wanted.kind == "any":
        return
    is_list, is_map = wanted.kind in _LISTS, wanted.kind in ("map", "object")
    takes = {"string": ("string", "number", "bool")}.get(wanted.kind, (wanted.kind,))
    fits = given == "list" if is_list else given == "map" if is_map else given in takes
    if not fits:
        is_a, type_ = (_SAID.get(one, one) for one in (given, wanted.kind))
        yield line_of(own), f"{name} is a {is_a}, and its type a {type_}"
    elif is_list:
        found = [one for one in children(own) if one.data != COMMENT]
        every = wanted.of if wanted.kind == "tuple" else wanted.of * len(found)
        for number, (one, part) in enumerate(zip(found, every, strict=False)):
            yield from misfits(one, part, f"{name}[{number}]")
    elif is_map:
        there = dict(elements(own))
        for key, one in there.items():
            of_key = wanted.parts.get(key) if wanted.kind == "object" else wanted.of[0]
            if of_key is not None:
                yield from misfits(one, of_key, f"{name}.{key}")
        is_open = any(not re.fullmatch(r"[\w-]+", key) for key in there)
        for key in sorted(wanted.parts.keys() - there.keys() - wanted.optional):
            if not is_open:
                yield line_of(own), f"{name} has no {key}, which its type requires"


def _form(node: Any) -> str:
    """Say what a value is; "": nothing that is known before the plan."""
    kind = str(node.data)
    if kind in ("int_lit", "float_lit", "unary_op"):
        return "number" if _NUMBER.fullmatch(words(node)) else ""
    if kind == "literal_value":
        return "" if words(node) == "null" else "bool"
    if kind == "string":
        said = words(node)
        if any(one.data == "interpolation" for part in children(node) for one in children(part)):
            return ""
        is_number = "number" if _NUMBER.fullmatch(said) else "string"
        return "bool" if said in ("true", "false") else is_number
    return {"tuple": "list", "object": "map", "heredoc_template": "string",
            "heredoc_template_trim": "string"}.get(kind, "")  # fmt: skip
