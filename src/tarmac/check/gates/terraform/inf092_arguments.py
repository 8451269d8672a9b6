"""Resources of AWS have the arguments that their provider needs, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.aws_arguments import (
    ArgumentBody,
    AskedReleases,
    body,
    body_of,
)
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_KINDS = ("resource", "data")
#: What Terraform itself takes in each of them; `region` is the provider's since its version 6.
_OF_ALL = frozenset({
    "count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection",
    "timeouts", "region",
})  # fmt: skip
#: A file of these changes resources that are written elsewhere.
_PARTIAL = re.compile(r"(?:^|[/_])override\.tf$")


class ArgumentFault(NamedTuple):
    """What is wrong with an argument."""

    where: str
    what: str
    #: It is like none that the provider has.
    is_strange: bool = False


def check(files: Files) -> Iterator[Finding]:
    """Yield arguments that a provider asks for in vain, or does not know."""
    releases = AskedReleases(files)
    for block in _resources(files):
        known = body_of(block.words[0], block.words[1])
        for fault in _faults(block, known, ".".join(block.words[-2:])) if known else ():
            # Another release may have an argument of that name.
            is_open = fault.is_strange and releases.takes_newer(block.file)
            is_sure = releases.takes_known(block.file) and not is_open
            yield Finding(fault.where, fault.what, warning=not is_sure)


def _faults(block: WrittenBlock, known: ArgumentBody, name: str) -> Iterator[ArgumentFault]:
    """Yield what is wrong in a block and in those below it."""
    inside = {one.words[0] for one in block.below}
    given = {*block.arguments, *inside}
    needed = [argument for argument, is_needed in known.arguments.items() if is_needed]
    needed += [other for other, (is_needed, _) in known.blocks.items() if is_needed]
    for missing in sorted({*needed} - given):
        what = f"{name} has no {missing}, which AWS' provider requires: the plan ends there"
        yield ArgumentFault(f"{block.file}:{block.line}", f"{what}; write it")
    taken = {*known.arguments, *known.blocks}
    for argument, written_one in block.arguments.items():
        if argument not in taken and argument not in _OF_ALL:
            where = f"{block.file}:{written_one.line}"
            yield _unknown(where, name, argument, taken - given)
    for one in block.below:
        other = one.words[0]
        if other in known.blocks:
            yield from _faults(one, body(known.blocks[other][1]), f"{name}.{other}")
        elif other not in known.arguments and other not in _OF_ALL:
            yield _unknown(f"{one.file}:{one.line}", name, other, taken - given)


def _unknown(where: str, name: str, said: str, free: set[str]) -> ArgumentFault:
    near = misspelt(said, free)
    advice = f"did you mean {near}?" if near else "remove it, or write what replaced it"
    what = f"{name} has {said}, which AWS' provider does not take: the plan ends there; {advice}"
    return ArgumentFault(where, what, is_strange=not near)


def _resources(files: Files) -> Iterator[WrittenBlock]:
    for block in written(files):
        is_whole = len(block.words) == 3 and not _PARTIAL.search(block.file)
        if is_whole and block.words[0] in _KINDS and block.words[1].startswith("aws_"):
            yield block


GATE = Gate(
    id="INF092",
    title="Resources of AWS have the arguments that they need, and that they know",
    phase="infrastructure",
    source="the schema of hashicorp/aws 5.100, by `terraform providers schema -json`",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("resources and data sources of AWS", _resources),
    targets=("cluster",),
    reads="resources and data sources of Terraform that hashicorp/aws 5.100 has. It is a warning "
    "where a folder asks for an older release, and what is like no argument where it may get a "
    "newer one. Files that override others are left out.",
)
