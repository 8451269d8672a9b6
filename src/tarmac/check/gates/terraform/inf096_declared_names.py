"""What expressions of Terraform name is declared by their folder, or by a module of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.declaring_folders import (
    LOOPED,
    DeclaringFolder,
    declaring_folders,
    folder_of,
    source_of,
)
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.named_parts import NamedPart, loop_names, named_parts
from tarmac.check.gates.views.terraform.tree import children, tree
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock

_OF_MODULES = frozenset({"source", "version", "providers", "count", "for_each", "depends_on"})
#: Providers that a folder may configure several times.
_CONFIGURED = ("aws", "azurerm", "google", "kubernetes", "helm", "cloudflare")
#: What there is of names that Terraform gives itself.
_KNOWN = {
    "each": ("key", "value"),
    "count": ("index",),
    "path": ("module", "root", "cwd"),
    "terraform": ("workspace", "env", "applying"),
}
#: What names addresses of what is gone or elsewhere.
_ADDRESSES = ("moved", "import", "removed", "terraform", "provider")
#: Types of resources begin with their provider.
_PROVIDERS = re.compile(
    r"(aws|google|azurerm|kubernetes|helm|random|tls|null|time|cloudflare|digitalocean|github)_"
)


class PlacedName(NamedTuple):
    """A name, and the block that it is in."""

    part: NamedPart
    file: str
    words: tuple[str, ...]
    #: Whether it is of a loop in the block.
    is_of_loop: bool


def check(files: Files) -> Iterator[Finding]:
    """Yield names that nothing declares, and inputs that a module does not take or lacks."""
    folders, told = declaring_folders(files), set[tuple[str, str]]()
    for one in _names(files):
        own = folders.get(folder_of(one.file))
        what = _fault(one, own, folders) if own is not None else ""
        if what and (one.file, what) not in told:
            told.add((one.file, what))
            yield Finding(f"{one.file}:{one.part.line}", what)
    for folder, own in folders.items():
        for name, block in own.modules.items():
            other = folders.get(source_of(folder, block))
            for line, what in _inputs(name, block, other) if other else ():
                yield Finding(f"{block.file}:{line}", what)


def _fault(one: PlacedName, own: DeclaringFolder, folders: dict[str, DeclaringFolder]) -> str:
    """Say what is wrong with a name; "" where nothing is."""
    root, *rest = names = one.part.names
    if root in _KNOWN and rest and rest[0] not in _KNOWN[root] and not one.is_of_loop:
        return _said(f"{root} has no {rest[0]}", misspelt(rest[0], _KNOWN[root]))
    if root in ("each", "count") and one.words[0] in LOOPED and not one.is_of_loop:
        key = "for_each" if root == "each" else "count"
        what = f"{'.'.join(one.words[1:])} reads {root}, and has no {key}"
        return "" if own.several.get((*one.words[:3], key)) else _said(what)
    if root == "local" and one.words[0] == "variable":
        return ""  # of a default, where INF099 says more
    if root == "local" and rest and rest[0] not in own.locals:
        return _undeclared(names[:2], own.locals)
    if root == "module" and rest:
        return _of_module(one, rest, own, folders)
    if root in _CONFIGURED and len(names) == 2 and not one.is_of_loop:
        known = own.is_called or ".".join(names) in own.aliases
        return "" if known else _said(f"{'.'.join(names)} is configured nowhere in this folder")
    words = names[:3] if root == "data" else ("resource", *names[:2])
    if len(words) != 3 or one.is_of_loop or not _PROVIDERS.match(words[1]):
        return ""
    whole = names[: 3 if root == "data" else 2]
    if words not in own.several:
        return _undeclared(whole, {found[2] for found in own.several if found[:2] == words[:2]})
    if own.several[words] and len(names) > len(whole) and not one.part.is_picked:
        return _said(
            f"reads {names[-1]} of {'.'.join(whole)}, of which count or for_each makes several"
        )
    if not own.several[words] and one.part.is_indexed and len(names) == len(whole):
        return _said(f"takes one of {'.'.join(whole)}, which has no count and no for_each")
    return ""


def _of_module(
    one: PlacedName, rest: list[str], own: DeclaringFolder, folders: dict[str, DeclaringFolder]
) -> str:
    block = own.modules.get(rest[0])
    if block is None:
        return _undeclared(("module", rest[0]), own.modules)
    other = folders.get(source_of(folder_of(one.file), block))
    if other is None or len(rest) == 1 or own.several.get(block.words):
        return ""
    what = f"module.{rest[0]} has no output {rest[1]}"
    return "" if rest[1] in other.outputs else _said(what, misspelt(rest[1], other.outputs))


def _undeclared(names: tuple[str, ...], known: Iterable[str]) -> str:
    what = f"{'.'.join(names)} is declared nowhere in this folder"
    return _said(what, misspelt(names[-1], known))


def _said(what: str, near: str = "") -> str:
    return f"{what}: the plan ends there; " + (f"did you mean {near}?" if near else "correct it")


def _inputs(name: str, block: WrittenBlock, other: DeclaringFolder) -> Iterator[tuple[int, str]]:
    """Yield inputs that a module does not take, and those that it lacks."""
    given = block.arguments.keys() - _OF_MODULES
    for one in sorted(given - other.variables.keys()):
        near = misspelt(one, other.variables.keys() - given)
        yield block.arguments[one].line, _said(f"module {name} takes no input {one}", near)
    for one, is_required in sorted(other.variables.items()):
        if is_required and one not in given:
            yield block.line, _said(f"module {name} is given no {one}, which it requires")


@once
def _names(files: Files) -> Iterator[PlacedName]:
    for source in sources(files):
        found: Any = tree(source.path, str(source.content))
        bodies = (
            [] if isinstance(found, Finding) else [o for o in children(found) if o.data == "body"]
        )
        for block in (one for body in bodies for one in children(body) if one.data == "block"):
            parts = [one for one in children(block) if one.data in ("identifier", "string")]
            words = tuple(
                "".join(map(str, o.scan_values(lambda _: True))).strip('"') for o in parts
            )
            loops = loop_names(block)
            for part in named_parts(block) if words[0] not in _ADDRESSES else ():
                yield PlacedName(part, source.path, words, part.names[0] in loops)


GATE = Gate(
    id="INF096",
    title="What expressions of Terraform name is declared",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/expressions/references",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("names in expressions", _names),
    targets=("cluster",),
    reads="locals, resources, data sources, modules and outputs of modules that expressions name, "
    "and inputs of local modules, beside what their folders declare. A folder to which a program "
    "adds files, and one with a file that cannot be read, is left out; INF004 has variables.",
)
