"""Blocks of Terraform are those of its language, with the arguments that it knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import asset
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.declaring_folders import (
    LOOPED,
    folder_of,
    is_mixed_in,
    is_override,
)
from tarmac.check.gates.views.terraform.settings import written_settings
from tarmac.check.gates.views.terraform.tree import inner, words
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

_NAME = re.compile(r"[A-Za-z_][\w-]*")
_REQUIREMENT = ("terraform", "required_providers")
#: What may be there once in a folder.
_ONCE = ("required_providers", "backend")
#: So many names in both of two files are written on purpose.
_MUCH = 3
_DECLARED = (*LOOPED, "variable", "output", "check")


def check(files: Files) -> Iterator[Finding]:
    """Yield blocks, arguments and names that Terraform refuses."""
    for block in _blocks(files):
        yield from _faults(block, language()["top"], ", ".join(language()["top"]))
    yield from _twice(files)
    for one in written_settings(files):
        known = language()["requirement"]
        if one.path[:2] == _REQUIREMENT and len(one.path) == 4 and one.name not in known:
            what = f"the requirement of {one.path[2]} has {one.name}, which it does not know"
            yield _said(one.file, one.line, what, _near(one.name, known))


def _twice(files: Files) -> Iterator[Finding]:
    """Yield names that a folder declares twice."""
    declared = dict[tuple[str, ...], WrittenBlock]()
    of_file, again = Counter[str](), list[tuple[str, int, str, WrittenBlock]]()
    for block in _blocks(files):
        for key, line in _names(block) if not is_mixed_in(block.file) else ():
            of_file[block.file] += 1
            whole = (folder_of(block.file), *key)
            if (other := declared.get(whole)) is not None:
                again.append((block.file, line, " ".join(filter(None, key)), other))
            declared.setdefault(whole, block._replace(line=line))
    shared = Counter((file, other.file) for file, _, _, other in again)
    for file, line, name, other in again:
        what = f"{name} is declared in {other.file}:{other.line} as well"
        found, both = _said(file, line, what, "write it once"), shared[file, other.file]
        # Two files that have much in common, and each something of its own, are two to choose from.
        is_choice = both >= _MUCH and min(of_file[file], of_file[other.file]) > both
        yield replace(found, warning=is_choice)


def language() -> Mapping[str, Any]:
    """Read what its blocks have."""
    found: Mapping[str, Any] = asset("terraform_language.yaml")
    return found


@once
def _blocks(files: Files) -> Iterator[WrittenBlock]:
    """Yield the blocks at the top of files; what overrides others is a part of them."""
    for block in written(files):
        if block.file.endswith(".tf") and not is_override(block.file):
            yield block


def _faults(block: WrittenBlock, known: Mapping[str, Any], names: str) -> Iterator[Finding]:
    """Yield what is wrong with a block and with those below it that are of the language."""
    kind, *labels = block.words
    at = (block.file, block.line)
    if (own := known.get(kind)) is None:
        if known is language()["top"]:
            advice = f"did you mean {near}?" if (near := misspelt(kind, known)) else f"have {names}"
            yield _said(*at, f"Terraform has no block {kind}", advice)
        return
    name = " ".join(block.words)
    if len(labels) != own.get("labels", 0):
        count = own.get("labels", 0)
        yield _said(*at, f"{name} does not have {count} names", f"write {count} behind {kind}")
        return
    if labels and kind != "provider" and not _NAME.fullmatch(labels[-1]):
        yield _said(*at, f"{labels[-1]} is not a name", "begin with a letter or _")
    if kind == "variable" and labels[0] in language()["reserved"]:
        yield _said(
            *at, f"{labels[0]} is an argument of each module, and no name of an input", "rename it"
        )
    for argument, line in block.repeated:
        yield _said(block.file, line, f"{name} has {argument} twice", "write it once")
    for needed in own.get("needs", ()):
        if needed not in block.arguments:
            yield _said(*at, f"{name} has no {needed}", "write it")
    for argument, given in block.arguments.items():
        if "takes" in own and argument not in own["takes"]:
            advice = _near(argument, own["takes"])
            yield _said(
                block.file, given.line, f"{name} has {argument}, which it does not take", advice
            )
    yield from _values(block, name)
    yield from _below(block, own, name)


def _below(block: WrittenBlock, own: Mapping[str, Any], name: str) -> Iterator[Finding]:
    below = language()["below"]
    counted = Counter(one.words[0] for one in block.below)
    for one in block.below:
        kind = one.words[0]
        if "blocks" in own and kind not in own["blocks"]:
            what = f"{name} has the block {kind}, which it does not take"
            yield _said(one.file, one.line, what, _near(kind, own["blocks"]))
        elif kind in below and ("blocks" in own or kind in ("lifecycle", "provisioner")):
            yield from _faults(one, below, "")
            if below[kind].get("once") and counted[kind] > 1:
                counted[kind] = 0
                yield _said(one.file, one.line, f"{name} has several {kind}", "write one")
        for argument, line in one.repeated if kind not in below else ():
            yield _said(one.file, line, f"{name} has {argument} twice", "write it once")


def _values(block: WrittenBlock, name: str) -> Iterator[Finding]:
    """Yield values that Terraform reads before it knows any other."""
    kind, given = block.words[0], block.arguments
    if kind in LOOPED and (found := given.get("depends_on")) and inner(found.value).data != "tuple":
        yield _said(block.file, found.line, f"depends_on of {name} is not a list", "write [...]")
    for argument in language()["switches"] if kind == "lifecycle" else ():
        if argument in given and words(given[argument].value) not in ("true", "false"):
            what = f"{argument} is not true or false"
            yield _said(block.file, given[argument].line, what, "write one of them")


def _names(block: WrittenBlock) -> Iterator[tuple[tuple[str, ...], int]]:
    """Yield what a block declares, with its line."""
    if block.words[0] in _DECLARED and len(block.words) > 1:
        yield block.words, block.line
    elif block.words[0] == "terraform":
        yield from (((one.words[0],), one.line) for one in block.below if one.words[0] in _ONCE)
    elif block.words[0] == "locals":
        yield from ((("local", name), one.line) for name, one in block.arguments.items())
    elif block.words[0] == "provider":
        alias = block.arguments.get("alias")
        yield (*block.words, words(alias.value) if alias else ""), block.line


def _near(name: str, known: list[str]) -> str:
    if near := misspelt(name, known):
        return f"did you mean {near}?"
    return f"it has {', '.join(known)}" if known else "remove it"


def _said(file: str, line: int, what: str, advice: str) -> Finding:
    return Finding(f"{file}:{line}", f"{what}: Terraform refuses the folder; {advice}")


GATE = Gate(
    id="INF097",
    title="Blocks of Terraform are those of its language",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/syntax/configuration; "
    "`terraform validate` says the same once its providers are there",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks", _blocks),
    targets=("cluster",),
    reads="blocks, their names and arguments beside assets/terraform_language.yaml, and what one "
    "folder declares twice. Files that override others are left out.",
)
