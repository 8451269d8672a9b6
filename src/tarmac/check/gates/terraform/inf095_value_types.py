"""Values of resources of Terraform are of the type of their argument."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.asked_releases import AskedReleases, title_of
from tarmac.check.gates.views.terraform.provider_arguments import (
    BOOLEAN,
    LIST,
    MAP,
    NUMBER,
    TEXT,
    ArgumentBody,
    body,
    provider_of,
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
    #: Of the resource or data source.
    type: str
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
            what = f"{one.name} is a {given}, and {title_of(one.type)} takes a {wanted}: the plan"
            plain = TEXT if one.given in (SOME, NUMBER, BOOLEAN) else one.given
            advice = _ADVICE.get((plain, one.wanted), f"write a {wanted}")
            is_sure = releases.takes_known(one.file, provider_of(one.type))
            where = f"{one.file}:{one.line}"
            yield Finding(where, f"{what} ends there; {advice}", warning=not is_sure)


@once
def _typed(files: Files) -> Iterator[TypedArgument]:
    forms, releases = ValueForms(files), AskedReleases(files)
    for block in filled_blocks(files):
        if len(block.words) == 3 and block.words[0] in ("resource", "data"):
            if not releases.knows_block(block):
                continue
            bodies = releases.bodies(block.file, *block.words[:2])
            found = [{*_below(block, known, block.words[1:], forms)} for known in bodies]
            yield from sorted(set.intersection(*found) if found else ())


def _below(
    block: WrittenBlock, known: ArgumentBody, names: tuple[str, ...], forms: ValueForms
) -> Iterator[TypedArgument]:
    for key, argument in block.arguments.items():
        wanted = known.forms.get(key, "")
        given = forms.of(block.file, argument.value) if wanted else ""
        if given:
            name = ".".join((*names, key))
            yield TypedArgument(block.file, argument.line, names[0], name, wanted, given)
    for one in block.below:
        if found := known.blocks.get(one.words[0]):
            yield from _below(one, body(found.number), (*names, one.words[0]), forms)


GATE = Gate(
    id="INF095",
    title="Values of resources of Terraform are of the type of their argument",
    phase="infrastructure",
    source="the schemas of providers that INF092 knows; "
    "https://developer.hashicorp.com/terraform/language/expressions/type-constraints",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("values whose type is known", _typed),
    targets=("cluster",),
    reads="values that are written, of variables with a type, of other resources of the folder and "
    "of functions, beside the arguments of providers that INF092 knows. It is a warning where a "
    "folder asks for an older release.",
)
