"""Resources of AWS have the arguments that their provider needs, and no others."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding, Skip
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.published import ASSETS
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.settings import written_settings
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_KINDS = ("resource", "data")
#: What Terraform itself takes in each of them; `region` is the provider's since its version 6.
_OF_ALL = frozenset({
    "count", "for_each", "provider", "depends_on", "lifecycle", "provisioner", "connection",
    "timeouts", "region",
})  # fmt: skip
#: The release whose arguments are known.
_MAJOR = 5
#: A file of these changes resources that are written elsewhere.
_PARTIAL = re.compile(r"(?:^|[/_])override\.tf$")
_BOUND = re.compile(r"(~>|>=|<=|!=|=|<|>)?\s*v?(\d+)(?:\.(\d+))?")


class ArgumentBody(NamedTuple):
    """What a block takes."""

    #: Whether each of its arguments is required, by its name.
    arguments: Mapping[str, bool]
    #: Whether one of each kind of block is required, and the number of its body.
    blocks: Mapping[str, tuple[bool, int]]


class ArgumentFault(NamedTuple):
    """What is wrong with an argument."""

    where: str
    what: str
    #: It is like none that the provider has.
    is_strange: bool = False


def check(files: Files) -> Iterator[Finding]:
    """Yield arguments that a provider asks for in vain, or does not know."""
    asked = _releases(files)
    of_any = "".join(asked.values())
    for block in _resources(files):
        known = _body_of(block.words[0], block.words[1])
        if known is None:
            continue
        constraint = asked.get(posixpath.dirname(block.file), of_any)
        for fault in _faults(block, known, ".".join(block.words[-2:])):
            # Another release may have an argument of that name.
            is_open = fault.is_strange and not _allows(constraint, _MAJOR + 1)
            is_known = _allows(constraint, _MAJOR) and (not fault.is_strange or is_open)
            yield Finding(fault.where, fault.what, warning=not is_known)


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
    for argument, line in block.arguments.items():
        if argument not in taken and argument not in _OF_ALL:
            yield _unknown(f"{block.file}:{line}", name, argument, taken - given)
    for one in block.below:
        other = one.words[0]
        if other in known.blocks:
            yield from _faults(one, _body(known.blocks[other][1]), f"{name}.{other}")
        elif other not in known.arguments and other not in _OF_ALL:
            yield _unknown(f"{one.file}:{one.line}", name, other, taken - given)


def _unknown(where: str, name: str, said: str, free: set[str]) -> ArgumentFault:
    near = misspelt(said, free)
    advice = f"did you mean {near}?" if near else "remove it, or write what replaced it"
    what = f"{name} has {said}, which AWS' provider does not take: the plan ends there; {advice}"
    return ArgumentFault(where, what, is_strange=not near)


def _releases(files: Files) -> dict[str, str]:
    """Find which versions of the provider each folder asks for."""
    return {
        posixpath.dirname(one.file): f"{one.value},"
        for one in written_settings(files)
        if one.path == ("terraform", "required_providers", "aws", "version")
    }


def _allows(constraint: str, release: int) -> bool:
    """Tell whether constraints of versions allow a major release."""
    for sign, written_major, minor in _BOUND.findall(constraint):
        major = int(written_major)
        is_before = sign == "<" and major <= release and minor in ("", "0")
        if is_before or (sign == "<=" and major < release) or (sign == ">" and major > release):
            return False
        if (sign in ("~>", "=", "") and major != release) or (sign == ">=" and major > release):
            return False
    return True


def _body_of(kind: str, name: str) -> ArgumentBody | None:
    """Find what a `resource` or `data` source takes; None: the provider has none of that name."""
    number = _read()[kind].get(name)
    return None if number is None else _body(number)


@cache
def _body(number: int) -> ArgumentBody:
    """Find what a block takes, by the number of its body."""
    found: dict[str, Any] = _read()["blocks"][number]
    return ArgumentBody(
        {name: bool(one) for name, one in found.items() if isinstance(one, int)},
        {name: (bool(one[0]), one[1]) for name, one in found.items() if isinstance(one, list)},
    )


@cache
def _read() -> dict[str, Any]:
    try:
        import lzma  # noqa: PLC0415 - a Python that was built without it still does all else
    except ImportError:
        raise Skip("this Python was built without lzma; use another Python") from None
    found: dict[str, Any] = json.loads(lzma.decompress((ASSETS / "aws_arguments.xz").read_bytes()))
    return found


def _resources(files: Files) -> Iterator[WrittenBlock]:
    for block in written(files):
        is_whole = len(block.words) == 3 and block.words[0] in _KINDS
        if is_whole and not _PARTIAL.search(block.file):
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
