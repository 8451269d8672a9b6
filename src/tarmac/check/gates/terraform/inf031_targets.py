"""A target group is of the type of what is registered in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

_GROUPS = ("aws_lb_target_group", "aws_alb_target_group")
_GROUP = re.compile(r"\b(aws_a?lb_target_group)\.(\w+)(?:\[[^\]]*\])?\.(?:arn|id)\b")
_ATTACHMENTS = ("aws_lb_target_group_attachment", "aws_alb_target_group_attachment")
#: What is registered by the attachment of one target, by its resource and part.
_TARGETS = (
    (re.compile(r"aws_instance\.\w+(\[[^\]]*\])?\.id"), "the id of a machine", "instance"),
    (re.compile(r"aws_instance\.\w+(\[[^\]]*\])?\.private_ip"), "an address", "ip"),
    (re.compile(r"aws_lambda_function\.\w+(\[[^\]]*\])?\.arn"), "a function", "lambda"),
)
_TYPE = re.compile(r'"(instance|ip|lambda|alb)"')


class Registration(NamedTuple):
    """A target group with what is registered in it."""

    group: TerraformBlock
    #: For a reader: `the tasks of web have a network of their own`.
    title: str
    #: The type that a group must have for it.
    wanted: str


def check(files: Files) -> Iterator[Finding]:
    """Yield groups whose type is another one than that of their targets."""
    said = set[str]()
    for root in resources_of(files):
        for one in _registered(root):
            line, text = argument(one.group, "target_type")
            found = _TYPE.fullmatch(text)
            given = found[1] if found is not None else "" if text else "instance"
            where = f"{one.group.file}:{line or one.group.lines[0][0]}"
            if given in ("", one.wanted) or where in said:  # one that is computed is not known
                continue
            said.add(where)
            told = f"the target_type {given}" if line else "no target_type, so it is of instances"
            what = f"{one.group.names[2]} has {told}, and {one.title}: AWS refuses that"
            yield Finding(where, f'{what}; write target_type = "{one.wanted}"')


def _registered(root: Resources) -> Iterator[Registration]:
    """Yield what is registered in the groups of a folder."""
    for service in root.of("aws_ecs_service"):
        if why := _own_network(root, service):
            for group in _groups(root, service.text):
                yield Registration(group, f"the tasks of {service.names[2]} {why}", "ip")
    for kind, key in (
        ("aws_autoscaling_group", ""),
        ("aws_autoscaling_attachment", "lb_target_group_arn"),
        ("aws_autoscaling_attachment", "alb_target_group_arn"),
    ):
        for block in root.of(kind):
            for group in _groups(root, argument(block, key)[1] if key else block.text):
                title = f"{block.names[2]} registers machines by their ids"
                yield Registration(group, title, "instance")
    for kind in _ATTACHMENTS:
        for block in root.of(kind):
            target = argument(block, "target_id")[1]
            for group in _groups(root, argument(block, "target_group_arn")[1]):
                for pattern, title, wanted in _TARGETS:
                    if pattern.fullmatch(target):
                        yield Registration(group, f"{block.names[2]} registers {title}", wanted)


def _own_network(root: Resources, service: TerraformBlock) -> str:
    """Say why each task of a service has an address of its own; "" where that is not known."""
    text = service.text
    if re.search(
        r'^[ \t]*(launch_type|capacity_provider)\s*=\s*"FARGATE(_SPOT)?"', text, re.MULTILINE
    ):
        return "run on Fargate"
    task = root.named(service, "task_definition", "aws_ecs_task_definition")
    mode = argument(task, "network_mode")[1] if task is not None else ""
    has_network = re.search(r"^[ \t]*network_configuration\s*\{", text, re.MULTILINE)
    # With another network mode AWS takes no network_configuration.
    is_own = mode == '"awsvpc"' or (has_network and not mode)
    return "have a network of their own" if is_own else ""


def _groups(root: Resources, text: str) -> Iterator[TerraformBlock]:
    for kind, name in dict.fromkeys(_GROUP.findall(text)):
        if (group := root.by_name.get((kind, name))) is not None:
            yield group


def _judged(files: Files) -> Iterator[TerraformBlock]:
    for root in resources_of(files):
        for kind in _GROUPS:
            yield from root.of(kind)


GATE = Gate(
    id="INF031",
    title="A target group is of the type of what is registered in it",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonECS/latest/developerguide/alb.html: tasks with a "
    "network of their own are targets by their addresses; https://docs.aws.amazon.com/autoscaling/"
    "ec2/userguide/attach-load-balancer-asg.html: a group of machines registers instances",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("target groups", _judged),
    targets=(),
    reads="target_type of target groups beside the services of ECS, autoscaling groups and "
    "attachments of the same folder that name them. A type that is computed is not judged. Judges "
    "files without a plan only.",
)
