"""Terraform can evaluate what its files say: what repeats, and what is read before variables."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks, written_blocks

_SETTING = re.compile(r"^[ \t]*([a-z_]+)\s*=(?!=)\s*(.*)$")
_OPENING = re.compile(r'^[ \t]*([a-z_]+)(\s+"[^"]*")*\s*\{')
_COMPUTED = re.compile(r"\b(var|local|data|module)\.\w+")
_EVALUATED = re.compile(r"(?<!\$)\$\{([^}]*)\}")
_OF_VARIABLE = re.compile(r"^var\.([\w-]+)$")
_LIST = re.compile(r"^(list|tuple)\b")
#: A literal list, and not the list of a `for` of a mapping.
_LITERAL = re.compile(r"^\[(?!\s*for\b)")
#: One of the elements of a list: `[var.a, {}][local.is_there ? 0 : 1]`.
_ELEMENT = re.compile(r"^\[.*\]\[.+\]$")
#: What a resource has after it was made: its id and the like, as a key.
_LATER = (
    r"(?<![\w.])(?:aws|google|azurerm|digitalocean|hcloud|openstack|oci)_\w+"
    r"\.\w+(?:\[[^\]]*\])?"
)
_KEYS = re.compile(rf"^toset\(.*{_LATER}\.(id|arn|self_link)\b")
_KEYED = re.compile(
    r"^\{\s*for\s+(?:\w+\s*,\s*)?(\w+)\s+in\s+" + _LATER + r"\s*:\s*\1\.(id|arn)\s*=>"
)
_COUNTED = re.compile(rf"^.*{_LATER}\.(id|arn)\s*[!=]=")
_LATER_VERSION = re.compile(r"\brequired_version\s*=\s*\"[^\"]*\b1\.(?:1[5-9]|[2-9]\d)")
#: What Terraform reads before it knows any variable; OpenTofu reads it after.
_EARLY = {"backend": None, "cloud": None, "lifecycle": ("prevent_destroy", "create_before_destroy")}


def check(files: Files) -> Iterator[Finding]:
    """Yield lists where a set belongs, and variables where none is known yet."""
    found = list(blocks(files))
    types = dict[tuple[str, str], str]()
    constants = set[tuple[str, str]]()
    later = {
        posixpath.dirname(block.file)
        for block in found
        if block.names[0] == "terraform" and _LATER_VERSION.search(block.text)
    }
    for block in found:
        if block.names[0] == "variable" and len(block.names) > 1:
            own = posixpath.dirname(block.file), block.names[1]
            told = {name: value for _, inside, name, value in _settings(block) if not inside}
            types[own] = told.get("type", "")
            if told.get("const") == "true":
                constants.add(own)
    for block in found:
        yield from _repeated(block, types)
    # What is known here, a default or a local, is not known to Terraform by then.
    for block in written_blocks(files) if not _has_tofu(files) else ():
        for line, what in _early(block, constants):
            if block.names[0] == "module" and posixpath.dirname(block.file) in later:
                continue  # it may look for modules by what is constant
            yield Finding(f"{block.file}:{line}", what)


def _has_tofu(files: Files) -> bool:
    """Tell whether any text here speaks of OpenTofu, which evaluates more."""
    return any(
        one.path.endswith(".tofu") or (isinstance(one.content, str) and "tofu" in one.content)
        for one in files.artifacts
    )


def _settings(block: TerraformBlock) -> Iterator[tuple[int, tuple[str, ...], str, str]]:
    """Yield the settings of a block: the line, the blocks inside that it is in, name and value."""
    inside: list[str] = []
    depth = 0
    for number, line in block.lines[1:]:
        if depth == 0 and (opening := _OPENING.match(line)):
            if "}" not in line:
                inside.append(opening[1])
        elif depth == 0 and (setting := _SETTING.match(line)):
            yield number, tuple(inside), setting[1], setting[2].strip()
            depth += _opened(line)
        elif depth:
            depth += _opened(line)
        elif line.strip() == "}" and inside:
            inside.pop()


def _opened(line: str) -> int:
    return sum(map(line.count, "[{(")) - sum(map(line.count, "]})"))


def _repeated(block: TerraformBlock, types: dict[tuple[str, str], str]) -> Iterator[Finding]:
    if block.names[0] not in ("resource", "data", "module"):
        return
    own = {name: (line, value) for line, inside, name, value in _settings(block) if not inside}
    which = " ".join(block.names)
    if {"count", "for_each"} <= own.keys():
        where = f"{block.file}:{own['for_each'][0]}"
        yield Finding(where, f"{which} has count and for_each, which is refused; remove one")
    for name, patterns in (("for_each", (_KEYS, _KEYED)), ("count", (_COUNTED,))):
        line, value = own.get(name, (0, ""))
        if any(pattern.match(value) for pattern in patterns):
            what = f"{name} of {which} is computed of what is known after the apply only"
            advice = "which ends the plan; use keys that are written, such as names"
            yield Finding(f"{block.file}:{line}", f"{what}, {advice}")
    if "for_each" not in own:
        return
    line, value = own["for_each"]
    variable = _OF_VARIABLE.match(value)
    kind = types.get((posixpath.dirname(block.file), variable[1]), "") if variable else ""
    is_literal = _LITERAL.match(value) and not _ELEMENT.match(value)
    if _LIST.match(kind) or is_literal:
        said = f"{value}, a {kind.partition('(')[0]}" if kind else "a list"
        what = (
            f"{which} is made for each of {said}, which is refused; write toset({value or '...'})"
        )
        yield Finding(f"{block.file}:{line}", what)


def _early(block: TerraformBlock, constants: set[tuple[str, str]]) -> Iterator[tuple[int, str]]:
    for line, inside, name, value in _settings(block):
        # In a text, what stands between ${ and } alone is evaluated.
        is_text = value.startswith('"')
        found = _COMPUTED.search(" ".join(_EVALUATED.findall(value)) if is_text else value)
        if found is None:
            continue
        last = inside[-1] if inside else ""
        is_source = block.names[0] == "module" and not inside and name in ("source", "version")
        is_nested = last in ("backend", "cloud") and block.names[0] != "terraform"
        keys = () if is_nested else _EARLY.get(last, ())
        read = posixpath.dirname(block.file), found[0].rpartition(".")[2]
        if is_source and found[1] == "var" and read in constants:
            continue  # Terraform 1.15 knows it when it looks for modules
        if is_source or keys is None or name in keys:
            where = f"{last} " if last else ""
            what = f"{where}{name} of {' '.join(block.names)} reads {found[0]}, before Terraform"
            yield line, f"{what} knows any: it is refused; write the value"


GATE = Gate(
    id="INF018",
    title="Terraform can evaluate what its files say",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/meta-arguments/for_each: it takes a "
    "mapping or a set of texts; backends, sources and lifecycle rules are read before variables",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    targets=(),
    reads="for_each and count of resources and modules, backends, sources, lifecycle, where nothing"
    " here speaks of OpenTofu. Judges files without a plan only.",
)
