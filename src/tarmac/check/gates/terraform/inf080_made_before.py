"""What a cloud asks for when it makes a resource is made before it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from tarmac.base.foreign.reading import Fields
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks

#: What a block reads: resources, and data, modules and locals through which it reads others.
_ADDRESS = re.compile(
    r"(?<![\w.\"])(data\.\w+\.[\w-]+|module\.[\w-]+|local\.[\w-]+|[a-z][a-z0-9]*_\w+\.[A-Za-z_][\w-]*)"
)
_TEXT = re.compile(r'"(?:[^"\\$]|\\.|\$(?!\{))*"')
_DOCUMENT = re.compile(r"\bdata\.aws_iam_policy_document\.[\w-]+")
_QUOTED = re.compile(r'"((?:data\.|module\.)?[a-z]\w*\.[A-Za-z_][\w-]*)"')
_API = re.compile(r'"([a-z]+)\.googleapis\.com"')


class Folder:
    """The blocks of one folder, by how others name them."""

    def __init__(self, found: list[TerraformBlock]) -> None:
        self.resources = [one for one in found if one.names[0] == "resource" and one.names[2:]]
        self._nodes: dict[str, list[TerraformBlock]] = {}
        for one in found:
            self._nodes.setdefault(_address(one), []).append(one)

    def of(self, kinds: Sequence[str]) -> list[TerraformBlock]:
        """List the resources of some kinds."""
        return [one for one in self.resources if one.names[1] in kinds]

    def text(self, block: TerraformBlock) -> str:
        """Return a block with the documents of policies that it takes."""
        names = dict.fromkeys(_DOCUMENT.findall(block.text))
        found = (one for name in names for one in self._nodes.get(name, ()))
        return "\n".join([block.text, *(one.text for one in found)])

    def reached(self, block: TerraformBlock) -> set[str]:
        """List all that is made before a block, as far as this folder says it."""
        found = [_address(block)]
        for name in found:
            node = "local" if name.startswith("local.") else name
            for one in self._nodes.get(node, ()):
                read = {at for _, line in one.lines[1:] for at in _named_in(line)}
                found += sorted(read - {*found})
        return set(found)


def check(files: Files) -> Iterator[Finding]:
    """Yield resources that an apply makes at once with what they need."""
    for folder in _folders(files):
        for rule in published("made_before")["kinds"]:
            for late in folder.of(rule["late"]):
                yield from _early(folder, rule, late)
        yield from _switched_off(folder)


def _early(folder: Folder, rule: Fields, late: TerraformBlock) -> Iterator[Finding]:
    if not re.search(rule.get("where", ""), folder.text(late)):
        return
    shared = rule.get("of", ())
    needed = [
        one
        for one in folder.of(rule["early"])
        if re.search(rule.get("early_where", ""), one.text)
        and (not shared or _named(one, shared) & _named(late, shared))
    ]
    reached = folder.reached(late) if needed else set()
    left = [one for one in needed if _address(one) not in reached]
    if left and (rule.get("each") or len(left) == len(needed)):
        slow = tuple(f"{kind}." for kind in rule.get("slow", ()))
        if not slow or any(at.startswith(slow) for at in folder.reached(left[0])):
            yield _finding(late, left[:1], rule["why"], waits=bool(slow))


def _switched_off(folder: Folder) -> Iterator[Finding]:
    """Yield what is made of an API of Google while that is switched on."""
    services = folder.of(("google_project_service",))
    said, apis = set[str](), published("made_before")["apis"]
    for late in folder.resources if services else ():
        api = apis.get(late.names[1], "")
        by = [one for one in services if api and api in _API.findall(one.text)]
        if by and api not in said and not {*map(_address, by)} & folder.reached(late):
            said.add(api)
            yield _finding(late, by, f"{api}.googleapis.com is off before that", waits=False)


def _finding(
    late: TerraformBlock, early: list[TerraformBlock], why: str, *, waits: bool
) -> Finding:
    names = " or ".join(map(_address, early))
    what = f"{late.names[2]} is made at once with {names}, which it needs: {why}, so"
    end = "may be refused, as the provider waits some minutes alone" if waits else "is refused"
    advice = f"write depends_on = [{_address(early[0])}]"
    where = f"{late.file}:{late.lines[0][0]}"
    return Finding(where, f"{what} a first apply {end}; {advice}", warning=waits)


def _named(block: TerraformBlock, kinds: Sequence[str]) -> set[str]:
    return {name for kind in kinds for name in re.findall(rf"\b{kind}\.([\w-]+)", block.text)}


def _address(block: TerraformBlock) -> str:
    kind, *names = block.names
    return ".".join(names if kind == "resource" else ["local"] if kind == "locals" else block.names)


def _named_in(line: str) -> list[str]:
    """List what a line reads; what is only named has quotes in the form before Terraform 0.12."""
    return [*_ADDRESS.findall(_TEXT.sub('""', line)), *_QUOTED.findall(line)]


@once
def _folders(files: Files) -> Iterator[Folder]:
    folders: dict[str, list[TerraformBlock]] = {}
    for block in blocks(files):
        folders.setdefault(posixpath.dirname(block.file), []).append(block)
    yield from map(Folder, folders.values())


def _judged(files: Files) -> Iterator[TerraformBlock]:
    for folder in _folders(files):
        yield from folder.resources


GATE = Gate(
    id="INF080",
    title="What a cloud asks for when it makes a resource is made before it",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/meta-arguments/depends_on: what a "
    "resource needs and does not read has to be named; pages of the provider have it in their "
    "examples, and https://github.com/cloudposse/terraform-aws-ecs-alb-service-task/issues/46",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("resources", _judged),
    targets=(),
    reads="services of ECS, deployments of APIs, trails, recorders, ACLs and policies of buckets, "
    "and APIs of Google, beside what they need in the same folder, and whatever both read. Judges "
    "files without a plan only.",
)
