"""Resources of AWS do not undo each other, and what changed is deployed."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

#: Of what AWS keeps one for each other thing, by the argument that names that.
_ONE_FOR_EACH = {
    "aws_ecr_lifecycle_policy": "repository",
    "aws_ecr_repository_policy": "repository",
    "aws_route_table_association": "subnet_id",
    "aws_s3_bucket_cors_configuration": "bucket",
    "aws_s3_bucket_lifecycle_configuration": "bucket",
    "aws_s3_bucket_notification": "bucket",
    "aws_s3_bucket_policy": "bucket",
    "aws_s3_bucket_public_access_block": "bucket",
    "aws_s3_bucket_server_side_encryption_configuration": "bucket",
    "aws_s3_bucket_versioning": "bucket",
    "aws_secretsmanager_secret_policy": "secret_arn",
    "aws_sns_topic_policy": "arn",
    "aws_sqs_queue_policy": "queue_url",
}
#: What lists all of its parts itself, by the argument or block, beside a part of its own resource:
#: which kind of the same maker that is, and by which argument it names the whole.
_LISTS_ALL = (
    ("aws_iam_role", "managed_policy_arns", "iam_role_policy_attachment", "role"),
    ("aws_iam_role", "inline_policy", "iam_role_policy", "role"),
    ("aws_route_table", "route", "route", "route_table_id"),
    ("aws_network_acl", "ingress|egress", "network_acl_rule", "network_acl_id"),
    ("aws_vpc_endpoint", "route_table_ids", "vpc_endpoint_route_table_association",
     "vpc_endpoint_id"),
    ("aws_autoscaling_group", "target_group_arns|load_balancers", "autoscaling_attachment",
     "autoscaling_group_name"),
    ("azurerm_network_security_group", "security_rule", "network_security_rule",
     "network_security_group_name"),
    ("azurerm_route_table", "route", "route", "route_table_name"),
    ("azurerm_virtual_network", "subnet", "subnet", "virtual_network_name"),
)  # fmt: skip
_NAMED = re.compile(r"(?:data\.)?aws_\w+\.\w+\.\w+")
#: By these one block is none or several.
_COUNTED = re.compile(r"\s*(count|for_each|provider)\s*=")
_PARTS = ("aws_api_gateway_method", "aws_api_gateway_integration", "aws_api_gateway_resource")
#: What has a new value where the interface has: a deployment is made again by it.
_AGAIN = re.compile(r"\s*(triggers|stage_description|variables|description)\s*(=|\{)")
Fault = tuple[TerraformBlock, int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield resources of which one undoes another, and interfaces that stay as they were."""
    for root in resources_of(files):
        for judge in (_attachments, _twice, _deployments, _listed):
            for block, line, what in judge(root):
                yield Finding(f"{block.file}:{line}", what)


def _attachments(root: Resources) -> Iterator[Fault]:
    for block in root.of("aws_iam_policy_attachment"):
        line, policy = argument(block, "policy_arn")
        others = [one for one in root.of(block.names[1]) if one is not block]
        if re.fullmatch(r'"arn:aws[\w-]*:iam::aws:policy/[^"$]+"', policy):
            what = f"{block.names[2]} takes {policy} for its own: each apply detaches it from"
            advice = "every role, user and group of the account that is not named here; write"
            yield block, line, f"{what} {advice} aws_iam_role_policy_attachment"
        elif any(argument(one, "policy_arn")[1] == policy for one in others) and policy:
            what = f"{block.names[2]} and another attachment take {policy} for their own:"
            advice = "each apply detaches what the other wrote; write"
            yield block, line, f"{what} {advice} aws_iam_role_policy_attachment"


def _twice(root: Resources) -> Iterator[Fault]:
    for kind, key in _ONE_FOR_EACH.items():
        found: dict[str, list[TerraformBlock]] = defaultdict(list)
        for block in root.of(kind):
            of = argument(block, key)[1]
            if _NAMED.fullmatch(of) and not any(_COUNTED.match(text) for _, text in block.lines):
                found[of.rpartition(".")[0]].append(block)
        for of, (first, *others) in found.items():
            for block in others:
                what = f"{kind}.{block.names[2]} is the second one of {of}, after"
                advice = "AWS keeps one, so each apply removes what the other wrote; join the two"
                line = argument(block, key)[0]
                yield block, line, f"{what} {first.names[2]}: {advice}"


def _listed(root: Resources) -> Iterator[Fault]:
    """Yield parts of what takes away each part that it does not list itself."""
    for kind, keys, part_kind, key in _LISTS_ALL:
        maker = kind.partition("_")[0]
        wholes = {one.names[2]: one for one in root.of(kind)}
        for part in root.of(f"{maker}_{part_kind}") if wholes else ():
            line, of = argument(part, key)
            named = re.search(rf"\b{kind}\.(\w+)", of)
            whole = wholes.get(named[1]) if named else None
            if whole is None:
                continue
            listed = re.search(rf"^[ \t]+({keys})\s*(=|\{{)", whole.text, re.MULTILINE)
            ignored = re.search(r"ignore_changes\s*=\s*(\[[^\]]*\]|all)", whole.text)
            is_left = ignored is not None and (listed is None or listed[1] in ignored[1])
            policy = argument(part, "policy_arn")[1]
            if listed and not is_left and not (policy and policy in whole.text):
                what = f"{part.names[2]} is a part of {whole.names[2]}, which lists all of its own"
                advice = f"({listed[1]}): each apply removes what the other wrote; keep one place"
                yield part, line, f"{what} {advice}"


def _deployments(root: Resources) -> Iterator[Fault]:
    """Yield deployments of an interface in this folder that nothing makes again."""
    for block in root.of("aws_api_gateway_deployment"):
        api = argument(block, "rest_api_id")[1]
        has_parts = any(
            argument(part, "rest_api_id")[1] == api for kind in _PARTS for part in root.of(kind)
        )
        if api and has_parts and not any(_AGAIN.match(text) for _, text in block.lines):
            what = f"{block.names[2]} is made once: later changes of the API's methods are applied"
            advice = "and not deployed; write triggers with a hash of them"
            yield block, block.lines[0][0], f"{what} {advice}"


GATE = Gate(
    id="INF023",
    title="Resources do not undo each other, and changed interfaces are deployed",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"
    "iam_policy_attachment: it owns all attachments of its policy; s3_bucket_notification: a "
    "bucket has one; api_gateway_deployment: it is a snapshot",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="attachments of policies, parts beside what lists them all, what AWS keeps one of for "
    "each bucket, queue, topic, repository, secret and subnet, and deployments of REST APIs, in "
    "one folder.",
)
