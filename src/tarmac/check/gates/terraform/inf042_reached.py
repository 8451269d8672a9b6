"""What runs in a network of AWS gets out of it, is found, and may read its secrets."""

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
    resources_of,
)
from tarmac.check.gates.views.terraform.roles import roles

_VPC = re.compile(r"(^|/)(terraform-aws-vpc|terraform-aws-modules/vpc/aws)\b")
_PUBLIC = re.compile(r"\bmodule\.(\w+)(?:\[[^\]]*\])?\.public_subnets\b")
_ENDPOINTS = re.compile(r"\baws_vpc_endpoint\b|\bvpc-endpoints\b")
_INTERNAL, _OUTER = '"kubernetes.io/role/internal-elb"', '"kubernetes.io/role/elb"'
_TAGS = re.compile(r"\s*public_subnet_tags\s*=")
#: What a task's start reads of each kind, and by which rights.
_SECRETS = {
    "aws_secretsmanager_secret": (
        "secretsmanager:GetSecretValue",
        re.compile(r"secretsmanager:(GetSecretValue|Get\*|\*)|\"\*\"|\"secretsmanager\""),
    ),
    "aws_ssm_parameter": (
        "ssm:GetParameters",
        re.compile(r"ssm:(GetParameters|GetParameter\*|Get\*|\*)|\"\*\"|\"ssm\""),
    ),
}
_VALUE = re.compile(r"\bvalueFrom\"?\s*[=:]\s*(\"[^\"]*\"|[^,\s}]+)")
#: What names an entry, and of which kind that is: a reference, an ARN, the path of a parameter.
_SECRET = re.compile(
    r"^\"?(?:\$\{)?(?:data\.)?((?P<secret>aws_secretsmanager_secret(?:_version)?|arn:[\w-]*:secretsmanager)"
    r"|(?P<parameter>aws_ssm_parameter|arn:[\w-]*:ssm|/))|^\"?(?:\$\{)?(?:var|local)\."
)
#: The name of a resource or variable, without its attribute.
_REFERENCE = re.compile(r"(?:data\.)?\baws_\w+\.\w+|\b(?:var|local)\.\w+")
#: Policies of AWS that are for less than all, and have no right to read a secret.
_LESSER = re.compile(r"AmazonECSTaskExecutionRolePolicy|CloudWatchLogs\w*|AmazonEC2Container\w+")
Fault = tuple[TerraformBlock, int, str, bool]


def check(files: Files) -> Iterator[Finding]:
    """Yield functions and tasks without a way out, and tasks that may not read their secrets."""
    for root in resources_of(files):
        for judge in (_ways, _balanced, _secrets):
            for block, line, what, is_warning in judge(root):
                yield Finding(f"{block.file}:{line}", what, warning=is_warning)


def _ways(root: Resources) -> Iterator[Fault]:
    """Yield what has no address of the internet in a subnet whose way out needs one."""
    told = (*root.found, *root.modules)
    if any(_ENDPOINTS.search(one.text) for one in told):
        return
    for function in root.of("aws_lambda_function"):
        line, text = argument(function, "subnet_ids")
        if line and (subnets := _public(root, text)):
            what = f"{function.names[2]} is in {subnets}, from which only what has a public"
            said = f"{what} address reaches the internet, and a function has none: its calls of"
            advice = "AWS and others time out; put it into private subnets with a NAT gateway"
            yield function, line, f"{said} {advice}", True
    for service in root.of("aws_ecs_service"):
        line, text = argument(service, "subnets")
        at, address = argument(service, "assign_public_ip")
        is_fargate = argument(service, "launch_type")[1] == '"FARGATE"'
        if line and is_fargate and address in ("", "false") and (subnets := _public(root, text)):
            what = f"{service.names[2]} runs by Fargate in {subnets}, from which only what has a"
            said = f"{what} public address reaches the internet, and takes none: its image is not"
            yield service, at or line, f"{said} pulled; write assign_public_ip = true", True


def _public(root: Resources, text: str) -> str:
    """Name the subnets of a text that give addresses of the internet; "" for others."""
    if found := _PUBLIC.search(text):
        for module in root.modules:
            if module.names[1:2] == (found[1],) and _VPC.search(
                argument(module, "source")[1].strip('"')
            ):
                return f"the public subnets of {found[1]}"
        return ""
    named = [name for kind, name in REFERENCE.findall(text) if kind == "aws_subnet"]
    own = [root.by_name.get(("aws_subnet", name)) for name in named]
    is_open = all(
        one is not None and argument(one, "map_public_ip_on_launch")[1] == "true" for one in own
    )
    return f"the public subnet {named[0]}" if own and is_open else ""


def _balanced(root: Resources) -> Iterator[Fault]:
    """Yield subnets of the internet that are there for load balancers of the inside alone."""
    for subnet in root.of("aws_subnet"):
        line = next((n for n, text in subnet.lines if _INTERNAL in text), 0)
        is_open = argument(subnet, "map_public_ip_on_launch")[1] == "true"
        if line and is_open and _OUTER not in subnet.text:
            yield subnet, line, _unfound(f"the public subnet {subnet.names[2]} is"), True
    for module in root.modules:
        inside = False
        for line, text in module.lines:
            inside = _TAGS.match(text) is not None or (inside and "}" not in text)
            if inside and _INTERNAL in text and _OUTER not in module.text:
                yield module, line, _unfound("the public subnets are"), True


def _unfound(subnets: str) -> str:
    what = f"{subnets} tagged kubernetes.io/role/internal-elb, and load balancers of the internet"
    return f"{what} look for kubernetes.io/role/elb: they find none; write that"


def _secrets(root: Resources) -> Iterator[Fault]:
    """Yield tasks whose start reads a secret that its role may not read."""
    is_granted = root.of("aws_secretsmanager_secret_policy") or root.of("aws_iam_policy_attachment")
    known = {} if is_granted else {one.name: one for one in roles(root)}
    for task in root.of("aws_ecs_task_definition") if known else ():
        own = root.named(task, "execution_role_arn", "aws_iam_role")
        role = known.get(own.names[2]) if own else None
        if role is None or not all(_LESSER.fullmatch(one.name) for one in role.managed):
            continue
        for line, text in task.lines:
            value = _VALUE.search(text)
            found = _SECRET.search(value[1]) if value else None
            if value is None or found is None:
                continue
            kinds = [
                kind for kind, is_named in zip(_SECRETS, _kinds(found), strict=True) if is_named
            ]
            rights = [_SECRETS[kind] for kind in kinds or _SECRETS]
            if not any(allowed.search(role.text) for _, allowed in rights):
                named = _REFERENCE.search(value[1])
                secret = named[0] if named else value[1].strip('"')
                what = f"{task.names[2]} takes {secret} at its start, and its execution"
                right = " or ".join(right for right, _ in rights)
                said = f"{what} role {role.name} may not read it: no task starts; allow {right}"
                yield task, line, said, False
                break


def _kinds(found: re.Match[str]) -> tuple[bool, bool]:
    """Tell whether an entry is a secret, and whether a parameter; of a variable neither."""
    return found["secret"] is not None, found["parameter"] is not None


GATE = Gate(
    id="INF042",
    title="What runs in a network of AWS gets out, is found and reads its secrets",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc-internet.html: a "
    "function in a public subnet has no way out; https://docs.aws.amazon.com/AmazonECS/latest/"
    "developerguide/fargate-task-networking.html; https://docs.aws.amazon.com/AmazonECS/latest/"
    "developerguide/task_execution_IAM_role.html: secrets need rights of their own",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="functions and services of Fargate in public subnets of one folder without endpoints, "
    "tags of public subnets, and valueFrom of tasks whose role and policies are all written "
    "there. That a function calls nothing outside is not known, so it is a warning.",
)
