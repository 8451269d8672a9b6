"""Resources do not need each other in a cycle, and repeat over what is known before them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of
from tarmac.plan import graph

#: A resource that another one reads, wherever in it.
_READ = re.compile(r"(?<![\w.\"])([a-z][a-z0-9]*_\w+)\.([A-Za-z_][\w-]*)\b")
_TEXT = re.compile(r'"(?:[^"\\$]|\\.|\$(?!\{))*"')
_COMMENT = re.compile(r"(?m)(^|\s)(#|//).*$")
_OF_VARIABLE = re.compile(r"^toset\(\s*(?:compact\(\s*|concat\(\s*)?var\.([\w-]+)\s*\)+$")
#: A set of texts that are written in a list here, or in a local.
_OF_LIST = re.compile(r"^toset\(\s*(?:\[[^{}:]*\]|local\.([\w-]+))\s*\)$")
_LATER = re.compile(r"(?<![\w.])(aws_\w+)\.(\w+)(?:\[[^\]]*\])?\.(?:id|arn)\b")


def check(files: Files) -> Iterator[Finding]:
    """Yield resources that Terraform can put into no order, and sets that it does not know."""
    for root in resources_of(files):
        yield from _cycles(root)
    yield from _unknown(files)
    yield from _listed(files)


def _cycles(root: Resources) -> Iterator[Finding]:
    reads = {".".join(name): _reads(one, root) for name, one in root.by_name.items()}
    ring = graph.cycle({name: tuple(sorted(others)) for name, others in reads.items()})
    if ring:
        block = root.by_name[tuple(ring[0].split(".", 1))]
        line = _line(block, tuple(ring[1].split(".", 1)))
        what = f"needs itself in a cycle ({' -> '.join(ring)}), so Terraform refuses to plan"
        advice = "make what one of them needs of the other a resource of its own"
        yield Finding(f"{block.file}:{line}", f"{what}; {advice}")


def _reads(block: TerraformBlock, root: Resources) -> set[str]:
    own = tuple(block.names[1:3])
    found = {pair for _, line in block.lines[1:] for pair in _named(line)}
    return {".".join(one) for one in found if one != own and one in root.by_name}


@lru_cache(maxsize=8192)
def _named(line: str) -> tuple[tuple[str, str], ...]:
    plain = _COMMENT.sub("", _TEXT.sub('""', line))
    return tuple(_READ.findall(plain))


def _line(block: TerraformBlock, other: tuple[str, ...]) -> int:
    return next((n for n, line in block.lines[1:] if other in _named(line)), block.lines[0][0])


def _unknown(files: Files) -> Iterator[Finding]:
    """Yield sets of a module's variable that its caller fills with what is not made yet."""
    every = list(blocks(files))
    calls: dict[str, list[TerraformBlock]] = {}
    for call in (one for one in every if one.names[0] == "module" and len(one.names) > 1):
        source = argument(call, "source")[1].strip('"')
        if source.startswith("."):
            folder = posixpath.normpath(posixpath.join(posixpath.dirname(call.file), source))
            calls.setdefault(folder, []).append(call)
    for block in every if calls else ():
        if block.names[0] not in ("resource", "module", "data"):
            continue
        line, value = _own(block, "for_each")
        found = _OF_VARIABLE.match(value)
        own = posixpath.normpath(posixpath.dirname(block.file) or ".")
        for call in calls.get(own, ()) if found else ():
            name = found[1] if found else ""
            if later := _LATER.search(_own(call, name)[1] if name else ""):
                which = " ".join(block.names[1:])
                what = f"{which} is made for each of var.{name}, and module {call.names[1]} is"
                said = f"{what} given {later[0]} there, which is known after the apply only: the"
                advice = "plan ends; use a map with keys that are written, or count"
                yield Finding(f"{block.file}:{line}", f"{said} {advice}")
                break


def _listed(files: Files) -> Iterator[Finding]:
    """Yield sets of ids of resources of the same folder, which an apply is to make first."""
    for folder in resources_of(files):
        for block in (*folder.found, *folder.modules):
            line, value = _own(block, "for_each")
            found = _OF_LIST.match(value)
            written = _local(folder, found[1]) if found and found[1] else value if found else ""
            later = (one for one in _LATER.finditer(written) if one.groups() in folder.by_name)
            if one := next(later, None):
                which = " ".join(block.names).removeprefix("resource ")
                what = f"{which} is made for each of a set with {one[0]}, which is known after the"
                advice = "apply only: the plan ends; use a map with keys that are written"
                yield Finding(f"{block.file}:{line}", f"{what} {advice}")


def _local(folder: Resources, name: str) -> str:
    """Return a local that is a list of what is written; empty: it is none."""
    found = (_own(block, name)[1] for block in folder.locals)
    return next((text for text in found if re.fullmatch(r"\[[^{}:]*\]", text)), "")


def _own(block: TerraformBlock, key: str) -> tuple[int, str]:
    """Find an argument of a block itself, and not of one within it: its line, and all of it."""
    start, depth, parts = 0, 0, list[str]()
    for number, line in block.lines:
        plain = _COMMENT.sub("", _TEXT.sub('""', line))
        found = (
            re.match(rf"\s*{re.escape(key)}\s*=(?!=)", line) if depth == 1 and not start else None
        )
        start = number if found else start
        depth += sum(map(plain.count, "[{(")) - sum(map(plain.count, "]})"))
        if start:
            parts.append(line[found.end() :] if found else line)
            if depth <= 1:
                break
    return start, "\n".join(parts).strip().rstrip(",") if start else ""


def _judged(files: Files) -> Iterator[TerraformBlock]:
    for root in resources_of(files):
        yield from root.found


GATE = Gate(
    id="INF056",
    title="Resources need each other in an order",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/internals/graph: a cycle is an error; "
    "https://developer.hashicorp.com/terraform/language/meta-arguments/for_each#limitations",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("resources", _judged),
    reads="which resources of one folder read which; for_each over ids of resources: in a list, or "
    "in a variable that a module call here gives them.",
)
