"""A region is written once: what is in it follows from the variable or the provider."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, written_blocks
from tarmac.check.gates.views.terraform.settings import written_settings

REGION = re.compile(
    r"\b(?:us|eu|ap|sa|ca|af|me|il|mx|cn)-(?:gov-)?"
    r"(?:north|south|east|west|central|northeast|southeast|northwest|southwest)-\d(?=[a-f]?\b)"
)
VARIABLES = ("region", "aws_region")
#: Blocks that hold what is made; all others say where it is, or cannot read a variable.
JUDGED = ("resource", "data", "module", "locals", "output")
#: What names a region, says so to a reader, or is asked through another provider.
NAMING = re.compile(r"^[ \t]*(\w*region\w*|description|error_message|comment)\s*=")
OTHER = re.compile(r"^[ \t]*providers?\s*=")


def check(files: Files) -> Iterator[Finding]:
    """Yield lines with the region that the folder's variable or provider has, too."""
    for block, known, name in _judged(files):
        for number, line in block.lines:
            regions = {} if NAMING.match(line) else dict.fromkeys(REGION.findall(line))
            for region in regions:
                if known in (None, region):
                    what = f"{region} is written here, but {name} defines the region"
                    advice = "it is wrong for another region; use that"
                    yield Finding(f"{block.file}:{number}", f"{what}: {advice}", warning=True)


def _judged(files: Files) -> list[tuple[TerraformBlock, str | None, str]]:
    """List blocks with the region of their folder, None where it is given, and what says it."""
    known = _regions(files)
    return [
        (block, *known[folder])
        for block in written_blocks(files)
        if block.names[0] in JUDGED and block.file.endswith(".tf")
        if (folder := posixpath.dirname(block.file)) in known
        if not any(OTHER.match(line) for _, line in block.lines)
    ]


def _regions(files: Files) -> dict[str, tuple[str | None, str]]:
    """Read the region of each folder: a variable's default, or that of its first provider."""
    found: dict[str, tuple[str | None, str]] = {}
    aliased = {(s.file, *s.path[:2]) for s in written_settings(files) if s.path[2:] == ("alias",)}
    for setting in written_settings(files):
        folder, path = posixpath.dirname(setting.file), setting.path
        if path[0] == "variable" and path[1] in VARIABLES:
            default = setting.value if path[2:] == ("default",) else None
            before = found.get(folder, (None, ""))[0]
            found[folder] = (default or before, f"var.{path[1]}")
        is_first = (
            path == ("provider", "aws", "region") and (setting.file, *path[:2]) not in aliased
        )
        if is_first and setting.value:
            found.setdefault(folder, (setting.value, "the provider"))
    return found


GATE = Gate(
    id="INF010",
    title="A region is written once",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/style#variables: what differs "
    "between two environments is a variable; zones and ARNs follow from the region",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks", _judged),
    targets=("cluster",),
    reads="resource, data, module, locals and output in folders that have a variable `region` or "
    "`aws_region`, or an AWS provider with a region. Another region than that default, and what "
    "has a provider of its own, is meant so.",
)
