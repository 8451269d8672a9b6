"""Parameters of a database that wait for a restart are not applied at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import argument

_GROUPS = ("aws_db_parameter_group", "aws_rds_cluster_parameter_group")
_MODULES = re.compile(r"\bterraform-aws-modules/rds(-aurora)?/aws\b|\brds\b")
_FAMILIES = ("family", "db_parameter_group_family", "db_cluster_parameter_group_family")
#: A block or an object without another one in it.
_INNERMOST = re.compile(r"\{([^{}]*)\}")
_NAME = re.compile(r"(?:^|[\s,])\"?name\"?\s*[=:]\s*\"([\w.-]+)\"", re.MULTILINE)
_METHOD = re.compile(r"(?:^|[\s,])\"?apply_method\"?\s*[=:]\s*(\S+?)[,\s]*(?:$|\n)", re.MULTILINE)
_VALUE = re.compile(r"(?:^|[\s,])\"?value\"?\s*[=:]", re.MULTILINE)


class GivenParameter(NamedTuple):
    """A parameter of a group, and when it is applied."""

    block: TerraformBlock
    family: str
    name: str
    method: str
    line: int


def check(files: Files) -> Iterator[Finding]:
    """Yield parameters for which AWS refuses the group."""
    for one in _parameters(files):
        is_at_once = one.method in ("", '"immediate"')
        if is_at_once and _is_static(one.family, one.name):
            what = f"{one.name} is a static parameter of {one.family} and is applied at once, as"
            how = "apply_method says" if one.method else "it is where no apply_method is given"
            said = f"{what} {how}: AWS refuses the group; write apply_method"
            yield Finding(f"{one.block.file}:{one.line}", f'{said} = "pending-reboot"')


@once
def _parameters(files: Files) -> Iterator[GivenParameter]:
    for block in blocks(files):
        is_group = block.names[0] == "resource" and {*block.names[1:2]} & {*_GROUPS}
        is_module = block.names[0] == "module" and _MODULES.search(argument(block, "source")[1])
        if not is_group and not is_module:
            continue
        families = {argument(block, key)[1].strip('"') for key in _FAMILIES} - {""}
        if len(families) != 1:
            continue
        text = block.text
        for found in _INNERMOST.finditer(text):
            name, method = _NAME.search(found[1]), _METHOD.search(found[1])
            if name and _VALUE.search(found[1]):
                above = text.count("\n", 0, found.start(1) + name.start(1))
                line = block.lines[above][0]
                said = method[1] if method else ""
                yield GivenParameter(block, next(iter(families)), name[1], said, line)


def _is_static(family: str, name: str) -> bool:
    found = published("parameters")["families"]
    return any(re.fullmatch(one["family"], family) and name in one["static"] for one in found)


GATE = Gate(
    id="INF054",
    title="Parameters of a database that wait for a restart are not applied at once",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/parameter-groups-overview.html: "
    "a static parameter takes effect after a restart, and is refused with `immediate`, which the "
    "provider takes where nothing is written",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("parameters of databases", _parameters),
    reads="aws_db_parameter_group, aws_rds_cluster_parameter_group and modules of RDS, by the "
    "parameters in assets/published.yaml.",
)
