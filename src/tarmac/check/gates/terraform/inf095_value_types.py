"""Values of resources of AWS are of the type of their argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.aws_arguments import (
    BOOLEAN,
    LIST,
    MAP,
    NUMBER,
    TEXT,
    ArgumentBody,
    AskedReleases,
    body,
    body_of,
)
from tarmac.check.gates.views.terraform.value_forms import SOME, ValueForms
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, filled_blocks

#: What Terraform makes of a value where an argument is another one.
_TAKEN = {
    TEXT: (TEXT, SOME, NUMBER, BOOLEAN), NUMBER: (NUMBER, SOME), BOOLEAN: (BOOLEAN, SOME),
    LIST: (LIST,), MAP: (MAP,),
}  # fmt: skip
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
    """Yield lists for texts, texts for lists and numbers, and the same of maps and booleans."""
    releases = AskedReleases(files)
    for one in _typed(files):
        if one.given not in _TAKEN[one.wanted]:
            given = TEXT if one.given == SOME else one.given
            wanted = "text or number" if one.wanted == TEXT else one.wanted
            what = f"{one.name} is a {given}, and AWS' provider takes a {wanted}: the plan"
            plain = TEXT if one.given in (SOME, NUMBER, BOOLEAN) else one.given
            advice = _ADVICE.get((plain, one.wanted), f"write a {wanted}")
            is_sure = releases.takes_known(one.file)
            where = f"{one.file}:{one.line}"
            yield Finding(where, f"{what} ends there; {advice}", warning=not is_sure)


@once
def _typed(files: Files) -> Iterator[TypedArgument]:
    forms = ValueForms(files)
    for block in filled_blocks(files):
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
            yield from _below(one, body(found.number), f"{name}.{one.words[0]}", forms)


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
