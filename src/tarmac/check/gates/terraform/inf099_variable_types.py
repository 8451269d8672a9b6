"""Types of Terraform's variables are types, and what they are given is of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.declaring_folders import folder_of, source_of
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.tree import (
    COMMENT,
    COMPUTED,
    children,
    inner,
    line_of,
    tree,
    words,
)
from tarmac.check.gates.views.terraform.type_constraints import (
    ANY,
    Constraint,
    constraint,
    elements,
)
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_LISTS = ("list", "set", "tuple")
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_SAID = {"bool": "boolean", "string": "text", "object": "map", "tuple": "list", "set": "list"}
_VALUES = ".tfvars"
#: What is known before anything is read.
_LITERAL = ("string", "tuple", "object", "literal_value", "int_lit", "float_lit", "unary_op",
            "heredoc_template", "heredoc_template_trim")  # fmt: skip
_ENDS = "the plan ends there; write what the type says"


class TypedVariable(NamedTuple):
    """A variable that has a type or a default."""

    block: WrittenBlock
    wanted: Constraint

    @property
    def name(self) -> str:
        """What it is called."""
        return self.block.words[1]


def check(files: Files) -> Iterator[Finding]:
    """Yield types that are none, and defaults and inputs of another type."""
    known = {(folder_of(one.block.file), one.name): one for one in _variables(files)}
    for one in known.values():
        file, given = one.block.file, one.block.arguments
        if one.wanted.fault:
            line = given["type"].line
            what = f"variable {one.name}: {one.wanted.fault}: Terraform refuses the folder"
            yield Finding(f"{file}:{line}", f"{what}; write a type, as string or list(string)")
        elif (default := given.get("default")) is not None:
            yield from _of_default(one, default.value)
    for block in written(files):
        if block.words[:1] == ("module",) and len(block.words) == 2:
            folder = source_of(folder_of(block.file), block)
            for name, argument in block.arguments.items():
                whole = f"input {name} of module {block.words[1]}"
                for line, what in _misfits(argument.value, _wanted(known, folder, name), whole):
                    yield Finding(f"{block.file}:{line}", f"{what}: {_ENDS}")
    for file, name, value in _given(files):
        for line, what in _misfits(value, _wanted(known, folder_of(file), name), name):
            yield Finding(f"{file}:{line}", f"{what}: {_ENDS}")


def _wanted(known: Mapping[tuple[str, str], TypedVariable], folder: str, name: str) -> Constraint:
    """Find the type of a variable of a folder."""
    found = known.get((folder, name))
    return ANY if found is None or found.wanted.fault else found.wanted


def _of_default(one: TypedVariable, value: Any) -> Iterator[Finding]:
    computed = next((n for n in value.iter_subtrees() if str(n.data) in COMPUTED), None)
    if computed is None and str(inner(value).data) not in _LITERAL:
        computed = value
    if computed is not None:
        what = f"the default of variable {one.name} is computed, and Terraform reads it before"
        where = f"{one.block.file}:{line_of(computed)}"
        yield Finding(where, f"{what} all else: it refuses the folder; write a value")
        return
    if one.block.arguments.get("nullable") and words(value) == "null":
        if words(one.block.arguments["nullable"].value) == "false":
            what = f"the default of variable {one.name} is null, which it may not be"
            where = f"{one.block.file}:{line_of(value)}"
            yield Finding(where, f"{what}: Terraform refuses the folder; leave it out")
        return
    for line, what in _misfits(value, one.wanted, f"the default of variable {one.name}"):
        said = f"{what}: Terraform refuses the folder; write what the type says"
        yield Finding(f"{one.block.file}:{line}", said)


def _misfits(value: Any, wanted: Constraint, name: str) -> Iterator[tuple[int, str]]:
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
            yield from _misfits(one, part, f"{name}[{number}]")
    elif is_map:
        there = dict(elements(own))
        for key, one in there.items():
            of_key = wanted.parts.get(key) if wanted.kind == "object" else wanted.of[0]
            if of_key is not None:
                yield from _misfits(one, of_key, f"{name}.{key}")
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


@once
def _variables(files: Files) -> Iterator[TypedVariable]:
    for block in written(files):
        if block.words[:1] == ("variable",) and len(block.words) == 2:
            given = block.arguments.get("type")
            yield TypedVariable(block, constraint(given.value) if given else ANY)


def _given(files: Files) -> Iterator[tuple[str, str, Any]]:
    """Yield what files of values give the variables of their folder."""
    for source in sources(files):
        found = tree(source.path, str(source.content)) if source.path.endswith(_VALUES) else None
        for body in children(found) if found and not isinstance(found, Finding) else ():
            for one in children(body):
                if one.data == "attribute":
                    yield source.path, words(next(children(one))), one.children[-1]


GATE = Gate(
    id="INF099",
    title="Types of Terraform's variables are types, and their values are of them",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/expressions/type-constraints",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("variables", _variables),
    targets=("cluster",),
    reads="types and defaults of variables, inputs of local modules, and files of values beside "
    "variables, as far as they are written as they stand.",
)
