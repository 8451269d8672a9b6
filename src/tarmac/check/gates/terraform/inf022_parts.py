"""Parts of one resource of AWS agree: rules, ends of files, roles and zones."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import (
    REFERENCE,
    Resources,
    argument,
    is_none,
    resources_of,
)

_RULES = {
    "aws_security_group_rule": "security_group_id",
    "aws_vpc_security_group_ingress_rule": "security_group_id",
    "aws_vpc_security_group_egress_rule": "security_group_id",
}
_ONE_SUBNET = re.compile(r'\[\s*("[^"$]+"|aws_subnet\.\w+\.id)\s*,?\s*\]')
_SERVICE = re.compile(r'"([\w-]+)\.amazonaws\.com"')
#: What takes a role: by which argument, and as which service it asks for it.
_TAKERS = (
    ("aws_ecs_task_definition", "execution_role_arn", "ecs-tasks"),
    ("aws_ecs_task_definition", "task_role_arn", "ecs-tasks"),
    ("aws_lambda_function", "role", "lambda"),
    ("aws_eks_cluster", "role_arn", "eks"),
    ("aws_eks_node_group", "node_role_arn", "ec2"),
    ("aws_codebuild_project", "service_role", "codebuild"),
    ("aws_sfn_state_machine", "role_arn", "states"),
)
Fault = tuple[TerraformBlock, int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield parts of which one undoes the other, or which AWS refuses together."""
    for root in resources_of(files):
        for judge in (_rules, _ends, _roles, _zones, _groups):
            for block, line, what in judge(root):
                yield Finding(f"{block.file}:{line}", what)


def _rules(root: Resources) -> Iterator[Fault]:
    """Yield rules beside a group of the same direction that has rules of its own."""
    for kind, key in _RULES.items():
        for rule in root.of(kind):
            group = root.named(rule, key, "aws_security_group")
            direction = "ingress" if "ingress" in kind else "egress"
            if kind == "aws_security_group_rule":
                direction = argument(rule, "type")[1].strip('"')
            opened = rf"\s+{direction}\s*(\{{|=)"
            if is_none(rule):
                continue
            if group and any(re.match(opened, line) for _, line in group.lines):
                what = f"{rule.names[2]} is a rule of {group.names[2]}, which has {direction} of"
                advice = "its own: each apply removes what the other wrote; keep all in one place"
                yield rule, rule.lines[0][0], f"{what} {advice}"


def _groups(root: Resources) -> Iterator[Fault]:
    """Yield machines in a subnet whose groups are given as those of a network of old."""
    for machine in root.of("aws_instance"):
        line, value = argument(machine, "security_groups")
        if value and argument(machine, "subnet_id")[1] and re.search(r"\.id\b|\"sg-", value):
            what = f"{machine.names[2]} is in a subnet and has security_groups, which is for names"
            advice = "outside of one: each plan replaces it; write vpc_security_group_ids"
            yield machine, line, f"{what} {advice}"


def _ends(root: Resources) -> Iterator[Fault]:
    """Yield files that are deleted before they are moved to another class."""
    for block in root.of("aws_s3_bucket_lifecycle_configuration"):
        kind, moved, ended, line = "", 0, 0, 0
        for number, text in block.lines:
            if opened := re.match(r"\s*(rule|transition|expiration|\w+)\s*\{", text):
                kind = opened[1]
                moved, ended = (0, 0) if kind == "rule" else (moved, ended)
            days = re.match(r"\s*days\s*=\s*(\d+)", text)
            if days and kind == "transition":
                moved, line = max(moved, int(days[1])), number
            elif days and kind == "expiration":
                ended, line = int(days[1]), line or number
            if days and moved and ended and ended <= moved:
                what = f"{block.names[2]} deletes files after {ended} days, and moves them after"
                yield block, line, f"{what} {moved}: AWS refuses the rule; correct one of them"
                moved = ended = 0


def _roles(root: Resources) -> Iterator[Fault]:
    for kind, key, service in _TAKERS:
        for block in root.of(kind):
            line, text = argument(block, key)
            for asked, name in REFERENCE.findall(text):
                role = root.by_name.get((asked, name)) if asked == "aws_iam_role" else None
                if role is None or "data." in argument(role, "assume_role_policy")[1]:
                    continue
                trusted = set(_SERVICE.findall(role.text))
                if trusted and service not in trusted:
                    what = f"{block.names[2]} takes the role {name}, which trusts"
                    told = ", ".join(sorted(trusted))
                    yield block, line, f"{what} {told} and not {service}: it is refused; correct it"


def _zones(root: Resources) -> Iterator[Fault]:
    for kind, key in (("aws_lb", "subnets"), ("aws_db_subnet_group", "subnet_ids")):
        for block in root.of(kind):
            line, text = argument(block, key)
            kind_of = argument(block, "load_balancer_type")[1] if kind == "aws_lb" else ""
            if kind_of in ("", '"application"') and _ONE_SUBNET.fullmatch(text):
                what = f"{block.names[2]} is in one subnet, and AWS takes two zones at least"
                yield block, line, f"{what}; add a subnet of another zone"


GATE = Gate(
    id="INF022",
    title="Parts of AWS' resources agree: rules, ends of files, roles, zones",
    phase="infrastructure",
    source=""
    "https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/security_group: "
    "rules inside and beside a group conflict",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="rules of security groups, days of lifecycles, the services that a role trusts beside "
    "what takes it, and the subnets of balancers and databases, where they stand as they are.",
)
