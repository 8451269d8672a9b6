"""Values of resources of AWS are of the type of their argument."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.aws_arguments import (
    ANY,
    LIST,
    MAP,
    TEXT,
    ArgumentBody,
    AskedReleases,
    body,
    body_of,
)
from tarmac.check.gates.views.terraform.tree import children
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_OF_TREES = {
    "tuple": LIST, "for_tuple_expr": LIST, "object": MAP, "for_object_expr": MAP,
    "int_lit": TEXT, "float_lit": TEXT, "heredoc_template": TEXT, "heredoc_template_trim": TEXT,
}  # fmt: skip
_OF_FUNCTIONS = {
    "toset": LIST, "tolist": LIST, "concat": LIST, "flatten": LIST, "compact": LIST, "split": LIST,
    "distinct": LIST, "keys": LIST, "slice": LIST, "sort": LIST, "range": LIST,
    "merge": MAP, "tomap": MAP, "zipmap": MAP,
    "join": TEXT, "format": TEXT, "jsonencode": TEXT, "tostring": TEXT, "tonumber": TEXT,
    "lower": TEXT, "upper": TEXT, "replace": TEXT, "length": TEXT,
}  # fmt: skip
_OF_TYPES = {"string": TEXT, "number": TEXT, "bool": TEXT,
             "list": LIST, "set": LIST, "tuple": LIST, "map": MAP, "object": MAP}  # fmt: skip
_WRAPS = ("expr_term", "string_part", "interpolation")
_REFERENCE = 3
_ADVICE = {
    (TEXT, LIST): "write it in []",
    (LIST, TEXT): "write one of the list, or jsonencode([...])",
    (MAP, TEXT): "write jsonencode({...})",
    (MAP, LIST): "write a list of values",
    (LIST, MAP): "write {KEY = VALUE}",
}


class TypedArgument(NamedTuple):
    """An argument whose type is known, as the type of its value."""

    file: str
    line: int
    name: str
    wanted: str
    given: str


def check(files: Files) -> Iterator[Finding]:
    """Yield lists for texts, texts for lists, and the same of maps."""
    releases = AskedReleases(files)
    for one in _typed(files):
        if one.wanted != one.given:
            what = f"{one.name} is a {one.given}, and AWS' provider takes a {one.wanted}: the plan"
            advice = _ADVICE.get((one.given, one.wanted), f"write a {one.wanted}")
            is_sure = releases.takes_known(one.file)
            where = f"{one.file}:{one.line}"
            yield Finding(where, f"{what} ends there; {advice}", warning=not is_sure)


def _typed(files: Files) -> Iterator[TypedArgument]:
    forms = ValueForms(files)
    for block in written(files):
        if len(block.words) == 3 and block.words[0] in ("resource", "data"):
            known = body_of(block.words[0], block.words[1])
            if known is not None:
                yield from _below(block, known, ".".join(block.words[-2:]), forms)


def _below(
    block: WrittenBlock, known: ArgumentBody, name: str, forms: ValueForms
) -> Iterator[TypedArgument]:
    for key, argument in block.arguments.items():
        wanted = known.forms.get(key, "")
        given = forms.of(block.file, argument.value) if wanted else ""
        if given:
            yield TypedArgument(block.file, argument.line, f"{name}.{key}", wanted, given)
    for one in block.below:
        if found := known.blocks.get(one.words[0]):
            yield from _below(one, body(found[1]), f"{name}.{one.words[0]}", forms)


class ValueForms:
    """What expressions give, by the variables and resources of their folders."""

    def __init__(self, files: Files) -> None:
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
            return TEXT
        if kind == "literal_value":
            return ANY if str(value.children[0]) == "null" else TEXT
        if kind == "function_call":
            return _OF_FUNCTIONS.get(str(inside[0].children[0]), ANY)
        if kind in (*_WRAPS, "string") and len(inside) == 1:
            return self.of(file, inside[0])
        if kind == "get_attr_expr_term":
            return self._read(posixpath.dirname(file), _names(value))
        return ANY

    def _read(self, folder: str, names: tuple[str, ...]) -> str:
        if names[:1] == ("var",) and len(names) == 2:
            return self._variables.get((folder, names[1]), ANY)
        kind = "data" if names[:1] == ("data",) else "resource"
        whole = names if kind == "data" else (kind, *names)
        if len(whole) != _REFERENCE + 1 or not self._is_one.get((folder, *whole[:3])):
            return ANY
        known = body_of(kind, whole[1])
        return known.forms.get(whole[3], ANY) if known else ANY


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


GATE = Gate(
    id="INF095",
    title="Values of resources of AWS are of the type of their argument",
    phase="infrastructure",
    source="the schema of hashicorp/aws 5.100, by `terraform providers schema -json`; "
    "https://developer.hashicorp.com/terraform/language/expressions/type-constraints",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("values whose type is known", _typed),
    targets=("cluster",),
    reads="values that are written, of variables with a type, of other resources of the folder and "
    "of functions, beside the arguments of hashicorp/aws 5.100. It is a warning where a folder "
    "asks for an older release.",
)
