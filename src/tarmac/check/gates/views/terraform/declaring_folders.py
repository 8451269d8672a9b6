"""What the folders of Terraform declare, where all of their files are here."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from tarmac.base.report import Finding
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.tree import tree
from tarmac.check.gates.views.terraform.written_blocks import WrittenBlock, written

#: What may be there several times.
LOOPED = ("resource", "data", "module", "ephemeral")
#: What a module has its caller configure.
_TAKEN = re.compile(r"configuration_aliases=\[([^\]]*)\]")
_OVERRIDES = re.compile(r"(?:^|[/_])override\.tf$")
#: A file from which a program makes one of Terraform, or that adds to the folder.
_ADDS = re.compile(r"\.tf\.|\.tofu|(?:^|/)terragrunt\.hcl$|\.tm\.hcl$")


@dataclass
class DeclaringFolder:
    """What one folder declares."""

    #: Whether there are several of a resource, data source or module, by their words.
    several: dict[tuple[str, ...], bool] = field(default_factory=dict)
    locals: set[str] = field(default_factory=set)
    outputs: set[str] = field(default_factory=set)
    #: Whether each variable is required.
    variables: dict[str, bool] = field(default_factory=dict)
    modules: dict[str, WrittenBlock] = field(default_factory=dict)
    #: Whether another folder here uses it as a module, which may give it providers.
    is_called: bool = False
    #: Providers that are configured beside the usual ones: `aws.second`.
    aliases: set[str] = field(default_factory=set)


def folder_of(file: str) -> str:
    """Find the folder of a file."""
    return posixpath.normpath(posixpath.dirname(file))


def is_override(file: str) -> bool:
    """Tell whether a file changes what others of its folder declare."""
    return _OVERRIDES.search(file) is not None


def is_mixed_in(file: str) -> bool:
    """Tell whether a file is copied to other folders, one by one, not a part of its own."""
    return "mixins" in file.split("/") or ".mixin." in file


def source_of(folder: str, block: WrittenBlock) -> str:
    """Find the folder of a local module; "?" of another one."""
    value = block.arguments.get("source")
    tokens = value.value.scan_values(lambda _: True) if value else ()
    text = "".join(map(str, tokens)).strip('"')
    return posixpath.normpath(posixpath.join(folder, text)) if text.startswith(".") else "?"


def declaring_folders(files: Files) -> dict[str, DeclaringFolder]:
    """Read what each folder declares whose files are all read."""
    found: dict[str, DeclaringFolder] = {}
    partial, names = set[str](), dict[str, set[str]]()
    for source in sources(files):
        folder = folder_of(source.path)
        if is_mixed_in(source.path):
            partial.add(folder)
        names.setdefault(folder, set()).add(posixpath.basename(source.path))
        if source.path.endswith(".tf"):
            found.setdefault(folder, DeclaringFolder())
        if isinstance(tree(source.path, str(source.content)), Finding):
            partial.add(folder)
    for block in written(files):
        if (own := found.get(folder_of(block.file))) is not None:
            for one in (block, *(below for below in block.below if block.words[:1] == ("check",))):
                _declare(one, own)
    for folder, own in found.items():
        for block in own.modules.values():
            if (other := found.get(source_of(folder, block))) is not None:
                other.is_called = True
    return {
        name: own
        for name, own in found.items()
        if name not in partial and not _has_more(files, name, names[name])
    }


def _has_more(files: Files, folder: str, names: set[str]) -> bool:
    """Tell whether a folder has files of Terraform that are not read, or get others."""
    place = on_disk(files, folder)
    there = [one.name for one in place.iterdir()] if place is not None and place.is_dir() else []
    return any(
        _ADDS.search(one) or (one.endswith((".tf", ".tf.json")) and one not in names)
        for one in there
    )


def _declare(block: WrittenBlock, own: DeclaringFolder) -> None:
    kind, *names = block.words
    if kind == "locals":
        own.locals |= block.arguments.keys()
    elif kind == "variable" and names:
        own.variables[names[0]] = "default" not in block.arguments
    elif kind == "provider" and names and "alias" in block.arguments:
        alias = block.arguments["alias"].value.scan_values(lambda _: True)
        own.aliases.add(f"{names[0]}.{''.join(map(str, alias)).strip(chr(34))}")
    elif kind == "terraform":
        asked = (one for below in block.below for one in below.arguments.values())
        for one in asked:
            text = "".join(str(token).strip() for token in one.value.scan_values(lambda _: True))
            for found in _TAKEN.finditer(text):
                own.aliases |= set(found[1].split(","))
    elif kind == "output" and names:
        own.outputs.add(names[0])
    elif kind in LOOPED:
        for key in ("count", "for_each"):
            own.several[(*block.words[:3], key)] = key in block.arguments
        own.several[block.words] = not block.arguments.keys().isdisjoint(("count", "for_each"))
        if kind == "module" and names:
            own.modules[names[0]] = block
