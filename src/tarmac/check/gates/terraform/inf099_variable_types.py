"""Types of Terraform's variables are types, and what they are given is of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.declaring_folders import folder_of, source_of
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.tree import children, line_of, tree
from tarmac.check.gates.views.terraform.type_constraints import (
    ANY,
    Constraint,
    constraint,
    inner,
    words,
)
from tarmac.check.gates.views.terraform.value_misfits import misfits
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_VALUES = ".tfvars"
#: What is known before anything is read.
_LITERAL = ("string", "tuple", "object", "literal_value", "int_lit", "float_lit", "unary_op",
            "heredoc_template", "heredoc_template_trim")  # fmt: skip
_ENDS = "the plan ends there; write what the type says"
_COMPUTED = ("function_call", "get_attr_expr_term", "interpolation", "index_expr_term",
             "for_tuple_expr", "for_object_expr", "conditional")  # fmt: skip


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
                for line, what in misfits(argument.value, _wanted(known, folder, name), whole):
                    yield Finding(f"{block.file}:{line}", f"{what}: {_ENDS}")
    for file, name, value in _given(files):
        for line, what in misfits(value, _wanted(known, folder_of(file), name), name):
            yield Finding(f"{file}:{line}", f"{what}: {_ENDS}")


def _wanted(known: Mapping[tuple[str, str], TypedVariable], folder: str, name: str) -> Constraint:
    """Find the type of a variable of a folder."""
    found = known.get((folder, name))
    return ANY if found is None or found.wanted.fault else found.wanted


def _of_default(one: TypedVariable, value: Any) -> Iterator[Finding]:
    computed = next((n for n in value.iter_subtrees() if str(n.data) in _COMPUTED), None)
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
    for line, what in misfits(value, one.wanted, f"the default of variable {one.name}"):
        said = f"{what}: Terraform refuses the folder; write what the type says"
        yield Finding(f"{one.block.file}:{line}", said)


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
