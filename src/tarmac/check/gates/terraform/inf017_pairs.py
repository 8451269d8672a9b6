"""Resources of AWS that work together agree: times, sizes, and the right to be called."""

from __future__ import annotations

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
    number,
    resources_of,
)

#: The days for which CloudWatch keeps logs; others are refused.
_KEPT = frozenset((
    0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922,
    3288, 3653,
))  # fmt: skip
#: So long a backup must stay in cold storage.
_COLD_DAYS = 90
#: What calls a function, and by which argument it names it; each needs a permission.
_CALLERS = {
    "aws_cloudwatch_event_target": ("arn", "events.amazonaws.com"),
    "aws_s3_bucket_notification": ("lambda_function_arn", "s3.amazonaws.com"),
    "aws_sns_topic_subscription": ("endpoint", "sns.amazonaws.com"),
    "aws_cloudwatch_log_subscription_filter": ("destination_arn", "logs.amazonaws.com"),
    "aws_api_gateway_integration": ("uri", "apigateway.amazonaws.com"),
    "aws_apigatewayv2_integration": ("integration_uri", "apigateway.amazonaws.com"),
}
#: A role by which a gateway calls, in the place of a permission.
_BY_ROLE = ("credentials", "credentials_arn")
_DAYS = "backup_retention_period"


def check(files: Files) -> Iterator[Finding]:
    """Yield pairs of resources of which one undoes, outlasts or may not call the other."""
    for root in resources_of(files):
        for judge in (_queues, _sizes, _calls, _kept, _owned):
            for block, line, what in judge(root):
                yield Finding(f"{block.file}:{line}", what)


Fault = tuple[TerraformBlock, int, str]


def _queues(root: Resources) -> Iterator[Fault]:
    """Yield queues that hand a message out again while its function still works on it."""
    for mapping in root.of("aws_lambda_event_source_mapping"):
        queue = root.named(mapping, "event_source_arn", "aws_sqs_queue")
        function = root.named(mapping, "function_name", "aws_lambda_function")
        if queue is None or function is None:
            continue
        line, hidden = number(queue, "visibility_timeout_seconds")
        asked, longest = number(function, "timeout")
        hidden, longest = (30 if not line else hidden), (3 if not asked else longest)
        if hidden is not None and longest is not None and hidden < longest:
            what = f"{queue.names[2]} hides a message for {hidden} s, and {function.names[2]} works"
            what += f" on it for up to {longest} s: AWS refuses the mapping; write {6 * longest}"
            yield queue, line or queue.lines[0][0], what


def _sizes(root: Resources) -> Iterator[Fault]:
    for block in root.found:
        for least, most, wanted in (
            ("min_size", "max_size", "desired_capacity"),
            ("min_size", "max_size", "desired_size"),
            ("min_capacity", "max_capacity", ""),
        ):
            line, low = number(block, least)
            _, high = number(block, most)
            at, asked = number(block, wanted) if wanted else (0, None)
            if low is not None and high is not None and low > high:
                yield block, line, f"{least} is {low}, above {most} ({high}); lower it"
            elif asked is not None and not (low or 0) <= asked <= (asked if high is None else high):
                what = f"{wanted} is {asked}, outside of {low or 0} to {high}; correct it"
                yield block, at, what
    for block in root.of("aws_lb_target_group"):
        line, every = number(block, "interval")
        _, timeout = number(block, "timeout")
        if every is not None and timeout is not None and timeout >= every:
            what = f"a check waits {timeout} s and is made each {every} s"
            yield block, line, f"{what}; lower timeout"


def _calls(root: Resources) -> Iterator[Fault]:
    """Yield what calls a function of this folder without a permission."""
    allowed = set[tuple[str, str]]()
    for permission in root.of("aws_lambda_permission"):
        for kind, name in REFERENCE.findall(argument(permission, "function_name")[1]):
            if kind == "aws_lambda_function":
                # A service may be named with its region: `logs.us-east-1.amazonaws.com`.
                service = argument(permission, "principal")[1].strip('"').partition(".")[0]
                allowed.add((name, f"{service}.amazonaws.com"))
    for kind, (key, principal) in _CALLERS.items():
        for block in root.of(kind):
            function = root.named(block, key, "aws_lambda_function")
            if any(argument(block, one)[0] for one in _BY_ROLE):
                continue
            if function is not None and (function.names[2], principal) not in allowed:
                what = (
                    f"{block.names[2]} calls {function.names[2]}, a function which does not allow"
                )
                line = argument(block, key)[0]
                yield block, line, f"{what} {principal}; add an aws_lambda_permission"
    told = "\n".join(line for one in root.of("aws_sqs_queue_policy") for _, line in one.lines)
    for block in root.of("aws_sns_topic_subscription"):
        queue = root.named(block, "endpoint", "aws_sqs_queue")
        own = argument(queue, "policy")[0] if queue else 1
        if queue and not own and f"aws_sqs_queue.{queue.names[2]}." not in told:
            what = f"{block.names[2]} sends to the queue {queue.names[2]}, which has no policy that"
            line = argument(block, "endpoint")[0]
            yield block, line, f"{what} lets SNS; add aws_sqs_queue_policy"


def _kept(root: Resources) -> Iterator[Fault]:
    for block in root.of("aws_cloudwatch_log_group"):
        line, days = number(block, "retention_in_days")
        if days is not None and days not in _KEPT:
            near = min(_KEPT - {0}, key=lambda one: abs(one - days))
            yield block, line, f"retention_in_days is {days}, which AWS refuses; write {near}"
    for block in root.of("aws_backup_plan"):
        line, cold = number(block, "cold_storage_after")
        _, deleted = number(block, "delete_after")
        # Without days, or with 0 of them, it is never moved, or never deleted.
        if cold and deleted and deleted < cold + _COLD_DAYS:
            what = f"is deleted after {deleted} days and cold after {cold}, where it stays for 90"
            yield block, line, f"a backup {what}: AWS refuses it; delete after {cold + _COLD_DAYS}"
    for block in root.of("aws_db_instance"):
        source, key = root.named(block, "replicate_source_db", "aws_db_instance"), _DAYS
        if source is not None and argument(source, key)[1] in ("", "0"):
            what = f"{block.names[2]} is a replica of {source.names[2]}, which keeps no backups"
            line = argument(block, "replicate_source_db")[0]
            yield block, line, f"{what}: AWS makes none; write {key} there"


def _owned(root: Resources) -> Iterator[Fault]:
    """Yield counts that Terraform sets back and an autoscaler changes."""
    for target in root.of("aws_appautoscaling_target"):
        for block in root.of("aws_ecs_service"):
            names = f"aws_ecs_service.{block.names[2]}."
            line, _ = argument(block, "desired_count")
            is_scaled = names in argument(target, "resource_id")[1]
            is_left = any("ignore_changes" in text for _, text in block.lines)
            if is_scaled and line and not is_left:
                what = f"desired_count of {block.names[2]} is set by {target.names[2]} as well"
                yield block, line, f"{what}: each apply sets it back; write ignore_changes for it"


GATE = Gate(
    id="INF017",
    title="Resources that work together agree",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html: of two "
    "resources each is valid, and together AWS refuses them, or one never calls the other",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    targets=("cluster",),
    reads="queues and functions, sizes, permissions to call, days for which logs and backups are "
    "kept, counts that are scaled; within one folder, as far as they are written as numbers.",
)
