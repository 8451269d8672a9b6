"""Expressions of Terraform read attributes that their resources have."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.errors import misspelt
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.asked_releases import AskedReleases, title_of
from tarmac.check.gates.views.terraform.comments import uncommented
from tarmac.check.gates.views.terraform.filled import sources
from tarmac.check.gates.views.terraform.provider_arguments import provider_of
from tarmac.check.gates.views.terraform.written_blocks import written

#: `aws_lb.entry.arn`, one of several by its number or key, all of them.
_READ = re.compile(
    r"(?<![\w.\"/-])(data\.)?([a-z0-9]+_[a-z0-9_]+)\.([\w-]+)((?:\[[^\]\n]*\]|\.\*)?)\.([a-z_]\w*)"
)
#: A block that names addresses of resources, and reads nothing of them.
_ADDRESS = re.compile(r"\s*(?:from|to|address|resources?|target)\s*=")
_LOOP = "for_each"


class ReadAttribute(NamedTuple):
    """An attribute of a resource or data source that an expression reads."""

    file: str
    line: int
    #: `aws_lb.entry`.
    holder: str
    kind: str
    type: str
    name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield attributes that no resource of the type has."""
    releases = AskedReleases(files)
    said = set[ReadAttribute]()
    for one in _read(files):
        if not releases.knows(one.file, one.type):
            continue
        known = releases.bodies(one.file, one.kind, one.type)
        names = {name for body in known for name in body.names}
        if not known or one.name in names or one in said:
            continue
        said.add(one)
        near = misspelt(one.name, names)
        advice = f"did you mean {near}?" if near else "write one that it has"
        title = title_of(one.type)
        what = f"reads {one.name} of {one.holder}, which {title} does not have: the plan"
        # A newer release may have an attribute of that name.
        provider = provider_of(one.type)
        is_open = not near and releases.takes_newer(one.file, provider)
        is_sure = releases.takes_known(one.file, provider) and not is_open
        where = f"{one.file}:{one.line}"
        yield Finding(where, f"{what} ends there; {advice}", warning=not is_sure)


@once
def _read(files: Files) -> Iterator[ReadAttribute]:
    declared = {
        (posixpath.dirname(one.file), *one.words): _LOOP in one.arguments
        for one in written(files)
        if len(one.words) == 3
    }
    for source in sources(files):
        folder = posixpath.dirname(source.path)
        text = str(source.content)
        for number, line in enumerate(uncommented(text).splitlines(), 1):
            if "_" not in line or "." not in line or _ADDRESS.match(line):
                continue
            for found in _READ.finditer(line):
                kind = "data" if found[1] else "resource"
                loops = declared.get((folder, kind, found[2], found[3]))
                # Of a map of resources the next word is a key.
                is_map = loops and not found[4]
                if loops is not None and not is_map and not _is_text(line[: found.start()]):
                    holder = f"{found[1] or ''}{found[2]}.{found[3]}"
                    yield ReadAttribute(source.path, number, holder, kind, found[2], found[5])


def _is_text(before: str) -> bool:
    """Tell whether what comes next in a line is of a text, and not of an expression in it."""
    opened = before.rpartition("${")[2].count("}") == 0 and "${" in before
    return before.replace('\\"', "").count('"') % 2 == 1 and not opened


GATE = Gate(
    id="INF094",
    title="Expressions of Terraform read attributes that their resources have",
    phase="infrastructure",
    source="the schemas of hashicorp/aws 5.100 by `terraform providers schema -json`, and those of "
    "aws 6, kubernetes, helm, google, azurerm, github and small ones by bindings of CDK for "
    "Terraform",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("attributes of resources that are read", _read),
    targets=("cluster",),
    reads="expressions beside the resources and data sources of their folder, of the providers "
    "that INF092 knows. It is a warning where a folder asks for an older release, and what is like "
    "no attribute where it may get a newer one.",
)
