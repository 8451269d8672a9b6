"""The resources of a folder of Terraform, and what is written in them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks

_NUMBER = re.compile(r"\d+")
_NONE = re.compile(r"0$|false\s*\?.*:\s*0$|true\s*\?\s*0\s*:")
#: `aws_KIND.NAME`.
REFERENCE = re.compile(r"\b(aws_\w+)\.(\w+)")
#: Where a policy is that of a document: the name of that.
DOCUMENT_OF = re.compile(r"\bdata\.aws_iam_policy_document\.(\w+)\.json\b")


class Resources:
    """The resources of one folder."""

    def __init__(self, found: list[TerraformBlock]) -> None:
        self.found = [one for one in found if one.names[0] == "resource" and len(one.names) > 2]
        self.providers = [one for one in found if one.names[0] == "provider"]
        self.by_name = {one.names[1:3]: one for one in self.found}
        #: The documents of policies, by their names.
        self.documents = {
            one.names[2]: one
            for one in found
            if one.names[:2] == ("data", "aws_iam_policy_document") and len(one.names) > 2
        }
        self.modules = [one for one in found if one.names[0] == "module"]
        self.locals = [one for one in found if one.names[0] == "locals"]
        self.outputs = [one for one in found if one.names[0] == "output"]
        self.calls_modules = bool(self.modules)

    def of(self, kind: str) -> list[TerraformBlock]:
        """List the resources of a kind."""
        return [one for one in self.found if one.names[1] == kind]

    def named(self, block: TerraformBlock, key: str, kind: str) -> TerraformBlock | None:
        """Find the resource of a kind that an argument of another one names."""
        for asked, name in REFERENCE.findall(argument(block, key)[1]):
            if asked == kind:
                return self.by_name.get((asked, name))
        return None


def resources_of(files: Files) -> Iterator[Resources]:
    """Yield the resources of each folder."""
    folders: dict[str, list[TerraformBlock]] = {}
    for block in blocks(files):
        folders.setdefault(posixpath.dirname(block.file), []).append(block)
    yield from map(Resources, folders.values())


def argument(block: TerraformBlock, key: str) -> tuple[int, str]:
    """Find an argument at any depth of a block: its line, and what is written; 0 without one."""
    for number, line in block.lines:
        found = re.match(rf"\s*{key}\s*=\s*(.+)", line)
        if found:
            return number, found[1].strip().rstrip(",")
    return 0, ""


def is_none(block: TerraformBlock) -> bool:
    """Tell whether a resource is there no times, by a switch that is off as it stands."""
    return bool(_NONE.match(argument(block, "count")[1]))


def number(block: TerraformBlock, key: str) -> tuple[int, int | None]:
    """Find a whole number that is written as it stands."""
    line, text = argument(block, key)
    return line, int(text) if _NUMBER.fullmatch(text) else None
