"""What AWS sends, routes and measures arrives: keys, subnets of gateways, dimensions."""

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

#: What another service writes into, by its kind and argument.
_SENDERS = (
    ("aws_sns_topic_subscription", "endpoint", "SNS"),
    ("aws_cloudwatch_event_target", "arn", "EventBridge"),
    ("aws_cloudwatch_metric_alarm", "alarm_actions", "CloudWatch"),
    ("aws_s3_bucket_notification", "queue_arn", "S3"),
    ("aws_s3_bucket_notification", "topic_arn", "S3"),
)
#: By the key that AWS keeps for all of an account, whose policy cannot be changed.
_OWN_KEYS = {"aws_sqs_queue": '"alias/aws/sqs"', "aws_sns_topic": '"alias/aws/sns"'}
_DIMENSION = re.compile(r"\s*\"?(\w+)\"?\s*[=:]\s*(aws_\w+)\.(\w+)(?:\[[^\]]*\])?\.(\w+)\s*,?\s*$")
#: The part of a resource that CloudWatch knows it by, where it is not its name.
_KNOWN_BY = {
    "LoadBalancer": ("arn_suffix", ("aws_lb", "aws_alb")),
    "TargetGroup": ("arn_suffix", ("aws_lb_target_group", "aws_alb_target_group")),
    "QueueName": ("name", ("aws_sqs_queue",)),
    "TopicName": ("name", ("aws_sns_topic",)),
    "TableName": ("name", ("aws_dynamodb_table",)),
    "FunctionName": ("function_name", ("aws_lambda_function",)),
    "DBInstanceIdentifier": ("identifier", ("aws_db_instance",)),
    "ClusterName": ("name", ("aws_ecs_cluster", "aws_eks_cluster")),
    "ServiceName": ("name", ("aws_ecs_service",)),
    "AutoScalingGroupName": ("name", ("aws_autoscaling_group",)),
}
#: Names of dimensions, without those above.
_OTHERS = (
    "ApiId", "ApiName", "AvailabilityZone", "BucketName", "CacheClusterId", "CacheNodeId",
    "DBClusterIdentifier", "DeliveryStreamName", "DistributionId", "FileSystemId", "FilterId",
    "InstanceId", "LoadBalancerName", "NatGatewayId", "ReplicationGroupId", "RuleName",
    "StateMachineArn", "StorageType", "StreamName", "VolumeId",
)  # fmt: skip
_BY_LETTERS = {name.lower(): name for name in (*_KNOWN_BY, *_OTHERS)}
_KEY = re.compile(r"\s*\"?([A-Za-z_-]+)\"?\s*[=:]\s*[^{\s]")
_DIMENSIONS = re.compile(r"\s*dimensions\s*=\s*\{(.*)")
#: Of these the id is something else than the name, too.
_OTHER_IDS = ("aws_sqs_queue", "aws_sns_topic", "aws_ecs_cluster", "aws_ecs_service", "aws_lb")
Fault = tuple[TerraformBlock, int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield messages, routes and alarms that never arrive."""
    for root in resources_of(files):
        for judge in (_encrypted, _gateways, _dimensions):
            for block, line, what in judge(root):
                yield Finding(f"{block.file}:{line}", what)


def _encrypted(root: Resources) -> Iterator[Fault]:
    """Yield queues and topics whose key the sender may not use."""
    for kind, key, sender in _SENDERS:
        for block in root.of(kind):
            line, text = argument(block, key)
            for asked, name in REFERENCE.findall(text):
                to = root.by_name.get((asked, name))
                own = _OWN_KEYS.get(asked)
                if to is None or own is None:
                    continue
                if argument(to, "kms_master_key_id")[1] == own:
                    what = f"{block.names[2]} sends to {asked}.{name}, which is encrypted by {own}:"
                    advice = "that key's policy does not allow it, so nothing arrives; take a key"
                    own_key = "of your own, or sqs_managed_sse_enabled for a queue"
                    yield block, line, f"{what} {sender} may not use it, as {advice} {own_key}"


def _gateways(root: Resources) -> Iterator[Fault]:
    """Yield gateways of a private network in a subnet that asks that gateway itself."""
    tables = {
        subnet.names[2]: table
        for one in root.of("aws_route_table_association")
        if (subnet := root.named(one, "subnet_id", "aws_subnet"))
        and (table := root.named(one, "route_table_id", "aws_route_table"))
    }
    for block in root.of("aws_nat_gateway"):
        subnet = root.named(block, "subnet_id", "aws_subnet")
        table = tables.get(subnet.names[2]) if subnet else None
        if table is None or argument(block, "connectivity_type")[1] == '"private"':
            continue
        routes = [
            route
            for route in root.of("aws_route")
            if root.named(route, "route_table_id", "aws_route_table") is table
        ]
        leads = [text for one in (table, *routes) for _, text in one.lines]
        if any(re.search(rf"\baws_nat_gateway\.{block.names[2]}\b", text) for text in leads):
            line = argument(block, "subnet_id")[0]
            what = f"{block.names[2]} is in the subnet {subnet.names[2] if subnet else ''}, whose"
            advice = "route leads to it again: nothing reaches the internet; put it into a public"
            yield block, line, f"{what} {advice} subnet"


def _dimensions(root: Resources) -> Iterator[Fault]:
    """Yield dimensions that no metric has."""
    for block in root.of("aws_cloudwatch_metric_alarm"):
        yield from _misnamed(block)
        for line, text in block.lines:
            found = _DIMENSION.match(text)
            if found is None or found[1] not in _KNOWN_BY:
                continue
            part, kinds = _KNOWN_BY[found[1]]
            is_other = found[4] == "arn" or (found[4] in ("id", "url") and found[2] in _OTHER_IDS)
            if found[2] in kinds and is_other:
                what = f"{block.names[2]} asks for {found[1]} by {found[2]}.{found[3]}.{found[4]},"
                advice = f"which no metric has, so it never fires; write .{part}"
                yield block, line, f"{what} {advice}"


def _misnamed(block: TerraformBlock) -> Iterator[Fault]:
    """Yield dimensions of AWS' own metrics whose names have other letters."""
    inside = False
    for line, text in block.lines if argument(block, "namespace")[1][:5] == '"AWS/' else ():
        begun = _DIMENSIONS.match(text)
        inside = begun is not None or (inside and text.strip() != "}")
        found = _KEY.match(begun[1] if begun else text) if inside else None
        name = _BY_LETTERS.get(re.sub(r"[_-]", "", found[1]).lower()) if found else None
        if found and name is not None and name != found[1]:
            what = f"{block.names[2]} asks for the dimension {found[1]}, which no metric of AWS has"
            yield block, line, f"{what}, so it never fires; write {name}"
        inside = inside and "}" not in text


GATE = Gate(
    id="INF024",
    title="What AWS sends, routes and measures arrives",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/sns/latest/dg/sns-enable-encryption-for-topic-sqs-queue-"
    "subscriptions.html; https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html: a "
    "public gateway is in a public subnet",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="the keys of queues and topics beside what sends to them, the subnets of NAT gateways "
    "beside their routes, and the dimensions of alarms, where these stand in one folder.",
)
