"""Values of resources of AWS are ones that their provider takes, beside each other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import packed
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.asked_releases import AskedReleases
from tarmac.check.gates.views.terraform.declaring_folders import is_override
from tarmac.check.gates.views.terraform.tree import COMPUTED, inner, list_items, words
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, filled_blocks

_ARN = "arn"
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_WRITTEN = ("string", "int_lit", "float_lit", "unary_op", "literal_value")
_DIGITS = re.compile(r"[\d.]+")
#: Words of a list that are named, at most.
_MOST = 8


class KnownValue(NamedTuple):
    """A value that is written, of an argument whose values are known."""

    file: str
    line: int
    name: str
    said: str
    #: Words, bounds, or `arn`.
    takes: Any


def check(files: Files) -> Iterator[Finding]:
    """Yield values that the provider refuses, and arguments that exclude each other."""
    releases = AskedReleases(files)
    for one in _values(files):
        if what := _fault(one, is_open=releases.takes_newer_values(one.file)):
            said = f"{one.name} is {one.said or 'empty'}, and AWS' provider takes another: the plan"
            where = f"{one.file}:{one.line}"
            is_sure = releases.takes_values(one.file)
            yield Finding(where, f"{said} ends there; {what}", warning=not is_sure)
    for block in _resources(files):
        name = ".".join(block.words[-2:])
        for what in _together(block, _known()[block.words[0]][block.words[1]]):
            is_sure = releases.takes_values(block.file)
            said = f"{name} {what}: the plan ends there; write one of them"
            yield Finding(f"{block.file}:{block.line}", said, warning=not is_sure)


def _fault(one: KnownValue, *, is_open: bool) -> str:
    """Say what to write instead of a value; "" where the provider takes it, or may."""
    if one.takes == _ARN:
        return "write an ARN" if one.said and not one.said.startswith("arn:") else ""
    if isinstance(one.takes[0], str):
        known = {word.casefold() for word in one.takes}
        # A newer release may know another word, as of a newer version: python3.19.
        near = misspelt(one.said, one.takes)
        near = "" if _DIGITS.sub("", near) == _DIGITS.sub("", one.said) else near
        if one.said.casefold() in known or (is_open and not near):
            return ""
        shown = ", ".join(one.takes[:_MOST]) + (" and others" if len(one.takes) > _MOST else "")
        return f"did you mean {near}?" if near else f"write one of {shown}"
    if _NUMBER.fullmatch(one.said) is None:
        return ""  # INF095 has values of another type
    least, most = one.takes
    if (least is None or float(one.said) >= least) and (most is None or float(one.said) <= most):
        return ""
    if least is None or most is None:
        return f"write {most:.0f} at most" if least is None else f"write {least:.0f} at least"
    return f"write {least:.0f} to {most:.0f}"


def _together(block: WrittenBlock, known: Mapping[str, Any]) -> Iterator[str]:
    """Yield arguments of a resource that exclude each other, or of which one is needed."""
    there = {*block.arguments, *(one.words[0] for one in block.below)}
    sure = {name for name, one in block.arguments.items() if not _is_computed(one.value)}
    sure |= {one.words[0] for one in block.below if not one.is_dynamic}
    for group in known.get("only", ()):
        if len(both := sorted(sure.intersection(group))) > 1:
            yield f"has {' and '.join(both)}, which exclude each other"
    for group in known.get("one", ()):
        if there.isdisjoint(group) and not any("." in name for name in group):
            yield f"has none of {', '.join(group)}, of which AWS' provider requires one"


def _is_computed(value: Any) -> bool:
    """Tell whether an expression is known with others alone, or is null."""
    every = [str(one.data) for one in value.iter_subtrees()]
    is_null = "literal_value" in every and str(next(value.scan_values(lambda _: True))) == "null"
    return is_null or any(kind in ("identifier", *COMPUTED) for kind in every)


@cache
def _known() -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    found: Mapping[str, Mapping[str, Mapping[str, Any]]] = packed("aws_values.xz")
    return found


def _resources(files: Files) -> Iterator[WrittenBlock]:
    for block in filled_blocks(files):
        is_whole = len(block.words) == 3 and not is_override(block.file)
        if is_whole and block.words[1] in _known().get(block.words[0], ()):
            yield block


@once
def _values(files: Files) -> Iterator[KnownValue]:
    for block in _resources(files):
        known = _known()[block.words[0]][block.words[1]]
        yield from _below(block, known, "", ".".join(block.words[-2:]))


def _below(
    block: WrittenBlock, known: Mapping[str, Any], path: str, name: str
) -> Iterator[KnownValue]:
    for key, argument in block.arguments.items():
        takes = known.get(f"{path}{key}")
        own = inner(argument.value)
        for one in ([own], list_items(own))[own.data == "tuple"] if takes else ():
            value = inner(one)
            if str(value.data) in _WRITTEN and not _is_computed(value):
                whole = f"{name}.{key}"
                yield KnownValue(block.file, argument.line, whole, words(value), takes)
    for below in block.below:
        kind = below.words[0]
        yield from _below(below, known, f"{path}{kind}.", f"{name}.{kind}")


GATE = Gate(
    id="INF100",
    title="Values of resources of AWS are ones that their provider takes",
    phase="infrastructure",
    source="hashicorp/aws 5.100, asked by `terraform validate` for each argument with a value that "
    "nothing takes (.ci/aws-values)",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("values whose limits are known", _values),
    targets=("cluster",),
    reads="words, numbers and ARNs that are written for arguments of hashicorp/aws 5.100, and "
    "which of them exclude or need each other. Nothing is said of a word that a newer release may "
    "know.",
)
