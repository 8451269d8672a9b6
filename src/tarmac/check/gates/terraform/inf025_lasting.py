"""What AWS starts, keeps and watches goes on: images, failed messages, certificates, silence."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.on_disk import on_disk
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import (
    REFERENCE,
    Resources,
    argument,
    number,
    resources_of,
)

#: What calls others by itself as soon as it starts, by the argument with its groups.
_CALLERS = {
    "aws_ecs_service": "security_groups",
    "aws_instance": "vpc_security_group_ids",
    "aws_lambda_function": "security_group_ids",
    "aws_launch_template": "vpc_security_group_ids",
}
_EGRESS = ("aws_security_group_rule", "aws_vpc_security_group_egress_rule")
#: Seconds that a queue keeps what it is not told otherwise about.
_KEPT = 345_600
_REGION = "us-east-1"
#: An alarm by whose name it is there for what does not come.
_ABSENT = re.compile(
    r"missing|absent|heart-?_?beat|dead-?_?man|not-?_?running|no-?_?data|stale|overdue"
)
#: An archive that others put the code in place of, by its name; and the bytes of one without any.
_SUBSTITUTE = re.compile(
    r"(?i)(^|[-_.])(place-?_?holder|dummy|stub|empty|initial|temp|tmp|noop)([-_.]|$)"
)
_EMPTY = 1024
#: With a hash or a release in its name, or one that a program makes, each archive has another one.
_OWN_NAME = re.compile(r"sha\d|hash|md5|version|data\.external|\$\{[^}]*(release|revision|commit)")
_MODULE = re.compile(r"^\$\{path\.\w+\}/")
Fault = tuple[TerraformBlock, int, str]


def check(files: Files) -> Iterator[Finding]:
    """Yield tasks without a way out, queues that forget first, and images of the first day."""
    for root in resources_of(files):
        for judge in (_shut, _dead_queues, _templates, _certificates, _silent):
            for block, line, what in judge(root):
                yield Finding(f"{block.file}:{line}", what)
        for block, line, what in _unsent(root, files):
            yield Finding(f"{block.file}:{line}", what)


def _is_substitute(files: Files, function: TerraformBlock, file: str) -> bool:
    """Tell whether an archive is there for a function to begin with, and others send its code."""
    name = _MODULE.sub("", file.strip('"'))
    if _SUBSTITUTE.search(posixpath.basename(name)):
        return True
    place = on_disk(files, posixpath.join(posixpath.dirname(function.file), name))
    return place is not None and place.is_file() and place.stat().st_size <= _EMPTY


def _unsent(root: Resources, files: Files) -> Iterator[Fault]:
    """Yield functions whose code is compared by the name of its file alone."""
    for function in root.of("aws_lambda_function"):
        line, file = argument(function, "filename")
        told = ("source_code_hash", "code_sha256", "source_hash")
        is_known = _OWN_NAME.search(file) or _is_substitute(files, function, file)
        if file and not is_known and not any(argument(function, key)[1] for key in told):
            what = f"{function.names[2]} has a filename and no source_code_hash: changed code of"
            yield function, line, f"{what} the same name is never sent; write filebase64sha256(...)"
        line, _ = argument(function, "s3_key")
        code = root.named(function, "s3_key", "aws_s3_object")
        _, path = argument(code, "key") if code else (0, "")
        is_sent = any(argument(function, one)[1] for one in (*told, "s3_object_version"))
        if code and path.startswith('"') and "$" not in path and not is_sent:
            what = f"{function.names[2]} takes its code from {path}, whose name stays the same,"
            advice = "and has no source_code_hash: changed code is never taken; write"
            yield function, line, f"{what} {advice} filebase64sha256(...)"


def _shut(root: Resources) -> Iterator[Fault]:
    """Yield groups of programs that may send nothing."""
    opened = {
        name
        for kind in _EGRESS
        for rule in root.of(kind)
        for asked, name in REFERENCE.findall(argument(rule, "security_group_id")[1])
        if asked == "aws_security_group" and "ingress" not in argument(rule, "type")[1]
    }
    for kind, key in _CALLERS.items():
        for caller in root.of(kind):
            line, text = argument(caller, key)
            named = [
                name for asked, name in REFERENCE.findall(text) if asked == "aws_security_group"
            ]
            groups = [root.by_name.get(("aws_security_group", name)) for name in named]
            if not named or "+" in text or None in groups or root.calls_modules:
                continue
            has_way = any(
                re.match(r'\s*(egress\s*(\{|=)|dynamic\s+"egress")', written)
                for group in groups
                if group is not None
                for _, written in group.lines
            )
            if not has_way and not opened & set(named) and text.count("[") == text.count("]"):
                what = f"{caller.names[2]} has the group {named[0]}, which has no egress: Terraform"
                advice = "removes the rule that AWS gives a new one, so nothing is reached; add one"
                yield caller, line, f"{what} {advice}"


def _dead_queues(root: Resources) -> Iterator[Fault]:
    """Yield queues of failures that forget before a person looks."""
    for queue in root.of("aws_sqs_queue"):
        line, text = argument(queue, "deadLetterTargetArn")
        dead = next((root.by_name.get(one) for one in REFERENCE.findall(text)), None)
        if dead is None or dead.names[1] != "aws_sqs_queue":
            continue
        key = "message_retention_seconds"
        own, its = (
            number(one, key)[1] if argument(one, key)[1] else _KEPT for one in (queue, dead)
        )
        if own is not None and its is not None and its < own:
            what = f"{queue.names[2]} keeps messages {own} s, and {dead.names[2]}, to which failed"
            advice = "ones go, counts from their first sending and keeps them"
            yield queue, line, f"{what} {advice} {its} s: they vanish; keep them there longer"


def _templates(root: Resources) -> Iterator[Fault]:
    for group in (*root.of("aws_autoscaling_group"), *root.of("aws_eks_node_group")):
        line, text = argument(group, "version")
        found = re.search(r"aws_launch_template\.(\w+)(\[\d+\])?\.default_version", text)
        own = root.by_name.get(("aws_launch_template", found[1])) if found else None
        if own is not None and not any(
            argument(own, key)[1] for key in ("update_default_version", "default_version")
        ):
            what = f"{group.names[2]} takes the default version of {own.names[2]}, which stays the"
            yield group, line, f"{what} first one: a new image never starts; write latest_version"


def _certificates(root: Resources) -> Iterator[Fault]:
    regions = {
        argument(one, "region")[1].strip('"')
        for one in root.providers
        if one.names[1:2] == ("aws",) and not argument(one, "alias")[1]
    }
    if len(regions) != 1 or not re.fullmatch(r"[a-z]+-[a-z-]+-\d", region := regions.pop()):
        return
    for site in root.of("aws_cloudfront_distribution"):
        line, text = argument(site, "acm_certificate_arn")
        for asked in REFERENCE.findall(text):
            own = root.by_name.get(asked)
            is_here = own is not None and own.names[1] == "aws_acm_certificate"
            if (
                own is not None
                and is_here
                and region != _REGION
                and not argument(own, "provider")[1]
            ):
                what = (
                    f"{site.names[2]} has a certificate of {region}, and CloudFront takes those of"
                )
                yield site, line, f"{what} {_REGION} alone; give it a provider of that region"


def _silent(root: Resources) -> Iterator[Fault]:
    for alarm in root.of("aws_cloudwatch_metric_alarm"):
        name = argument(alarm, "alarm_name")[1].lower()
        is_low = argument(alarm, "comparison_operator")[1].startswith('"LessThan')
        said = argument(alarm, "treat_missing_data")[1]
        if (
            is_low
            and _ABSENT.search(name)
            and said in ("", '"missing"', '"ignore"', '"notBreaching"')
        ):
            what = f"{alarm.names[2]} is for what does not come, and without data it stays as it is"
            yield alarm, alarm.lines[0][0], f'{what}: write treat_missing_data = "breaching"'


GATE = Gate(
    id="INF025",
    title="What AWS starts, keeps and watches goes on",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"
    "security_group: the rule of AWS for all that is sent is removed; https://docs.aws.amazon.com/"
    "AmazonCloudFront/latest/DeveloperGuide/cnames-and-https-requirements.html: us-east-1",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="groups of tasks, machines and functions, days of queues and of those behind them, "
    "versions of launch templates, certificates of CloudFront, code of functions by its file or "
    "its object, and alarms named for an absence, where these stand in one folder.",
)
