"""Resources have the arguments that their provider needs, and no others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.asked_releases import AskedReleases, title_of
from tarmac.check.gates.views.terraform.declaring_folders import is_override
from tarmac.check.gates.views.terraform.provider_arguments import (
    ANY,
    ArgumentBody,
    body,
    provider_of,
    types_of,
)
from tarmac.check.gates.views.terraform.tree import line_of, list_items
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_KINDS = ("resource", "data")
#: What Terraform itself takes in each of them; `region` is the provider's since its version 6.
_ARGUMENTS = frozenset({"count", "for_each", "provider", "depends_on", "region"})
_BLOCKS = frozenset({"lifecycle", "provisioner", "connection", "timeouts"})


class ArgumentFault(NamedTuple):
    """What is wrong with an argument."""

    where: str
    what: str
    #: It is like none that the provider has.
    is_strange: bool = False


def check(files: Files) -> Iterator[Finding]:
    """Yield what a provider asks for in vain, or does not know."""
    releases = AskedReleases(files)
    for block in _resources(files):
        provider = provider_of(block.words[1])
        known = releases.bodies(block.file, *block.words[:2])
        found = [list(_faults(block, one, block.words[1:])) for one in known]
        for fault in _in_all(found) if found else _of_no_type(block, releases):
            # Another release may have an argument of that name.
            is_open = fault.is_strange and releases.takes_newer(block.file, provider)
            # What is to be imported, or only to name its provider, may be written later.
            is_open |= not (block.arguments or block.below)
            is_sure = releases.takes_known(block.file, provider) and not is_open
            yield Finding(fault.where, fault.what, warning=not is_sure)


def _in_all(found: list[list[ArgumentFault]]) -> list[ArgumentFault]:
    """Choose what is wrong in each of the releases that a folder may have."""
    places = [{one.where for one in faults} for faults in found]
    return [one for one in found[-1] if all(one.where in others for others in places)]


def _of_no_type(block: WrittenBlock, releases: AskedReleases) -> Iterator[ArgumentFault]:
    """Yield a type that the provider does not have, unless a newer one may have it."""
    kind, name = block.words[:2]
    provider = provider_of(name)
    types = types_of(kind, provider)
    near = misspelt(name, (one for one in types if one.count("_") == name.count("_")))
    if name in types or (not near and releases.takes_newer(block.file, provider)):
        return
    other = "data" if kind == "resource" else "resource"
    advice = f"did you mean {near}?" if near else "write one that it has"
    advice = f'write {other} "{name}"' if name in types_of(other, provider) else advice
    what = f"{kind} {name} is not one of {title_of(name)}: the plan ends there; {advice}"
    yield ArgumentFault(f"{block.file}:{block.line}", what)


def _faults(
    block: WrittenBlock, known: ArgumentBody, names: tuple[str, ...]
) -> Iterator[ArgumentFault]:
    """Yield what is wrong in a block and in those below it."""
    name, title = ".".join(names), title_of(names[0])
    is_top = len(block.words) > 1
    inside = {one.words[0] for one in block.below}
    given = {*block.arguments, *inside}
    needed = [argument for argument, is_needed in known.arguments.items() if is_needed]
    needed += [other for other, one in known.blocks.items() if one.is_required]
    for missing in sorted({*needed} - given):
        what = f"{name} has no {missing}, which {title} requires: the plan ends there"
        yield ArgumentFault(f"{block.file}:{block.line}", f"{what}; write it")
    taken = {*known.arguments, *known.blocks}
    for argument, written_one in block.arguments.items():
        where = f"{block.file}:{written_one.line}"
        if argument not in taken and not (is_top and argument in _ARGUMENTS):
            yield _unknown(where, names, argument, taken - given)
        elif argument in known.blocks and not known.blocks[argument].is_argument:
            what = f"{name} has the argument {argument}, which is a block for {title}"
            yield ArgumentFault(where, f"{what}: the plan ends there; write {argument} {{...}}")
    yield from _ignored(block, known, names)
    counted = Counter(one.words[0] for one in block.below if not one.is_dynamic)
    for one in block.below:
        other, where = one.words[0], f"{one.file}:{one.line}"
        if other in known.blocks:
            yield from _faults(one, body(known.blocks[other].number), (*names, other))
            if known.blocks[other].is_one and counted[other] > 1 and not one.is_dynamic:
                counted[other] = 0
                what = f"{name} has several {other}, of which {title} takes one: the plan"
                yield ArgumentFault(where, f"{what} ends there; write one")
        elif other not in taken and not (is_top and other in _BLOCKS):
            yield _unknown(where, names, other, taken - given)
        elif other in known.arguments and known.forms[other] != ANY:
            what = f"{name} has the block {other}, which is an argument for {title}"
            yield ArgumentFault(where, f"{what}: the plan ends there; write {other} = ...")


def _ignored(
    block: WrittenBlock, known: ArgumentBody, names: tuple[str, ...]
) -> Iterator[ArgumentFault]:
    """Yield what a lifecycle ignores, and no resource of the type has."""
    for lifecycle in (one for one in block.below if one.words == ("lifecycle",)):
        value = lifecycle.arguments.get("ignore_changes")
        for one in list_items(value.value) if value else ():
            first = str(next(one.scan_values(lambda _: True)))
            if first.isidentifier() and first not in (*known.names, *_BLOCKS, "region"):
                where = f"{block.file}:{line_of(one)}"
                yield _unknown(where, (*names, "lifecycle"), first, set(known.names))


def _unknown(where: str, names: tuple[str, ...], said: str, free: set[str]) -> ArgumentFault:
    near = misspelt(said, free)
    advice = f"did you mean {near}?" if near else "remove it, or write what replaced it"
    name, title = ".".join(names), title_of(names[0])
    what = f"{name} has {said}, which {title} does not take: the plan ends there; {advice}"
    return ArgumentFault(where, what, is_strange=not near)


@once
def _resources(files: Files) -> Iterator[WrittenBlock]:
    releases = AskedReleases(files)
    for block in written(files):
        is_whole = len(block.words) == 3 and not is_override(block.file)
        if is_whole and block.words[0] in _KINDS and releases.knows_block(block):
            yield block


GATE = Gate(
    id="INF092",
    title="Resources of Terraform have the arguments that their provider needs, and no others",
    phase="infrastructure",
    source="the schemas of hashicorp/aws 5.100 by `terraform providers schema -json`, and those of "
    "aws 6, kubernetes, helm, google, azurerm, github and small ones by bindings of CDK for "
    "Terraform",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("resources and data sources", _resources),
    targets=("cluster",),
    reads="resources and data sources of these providers. It is a warning where a folder asks for "
    "an older release, what is like no argument where it may get a newer one, and an empty block. "
    "Of two releases that it may have, both refuse it. Files that override others are left out.",
)
