"""What Terraform and AWS take is ready for it: certificates are issued, tables of locks fit."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.resources import Resources, argument, resources_of

#: What takes a certificate only once it is issued, and by which arguments.
_TAKERS = {
    "aws_lb_listener": ("certificate_arn",),
    "aws_alb_listener": ("certificate_arn",),
    "aws_lb_listener_certificate": ("certificate_arn",),
    "aws_cloudfront_distribution": ("acm_certificate_arn",),
    "aws_api_gateway_domain_name": ("certificate_arn", "regional_certificate_arn"),
    "aws_apigatewayv2_domain_name": ("certificate_arn",),
}
#: What lets S3 call others, by the arguments of a notification that need it.
_ALLOWING = {
    "aws_lambda_permission": ("lambda_function_arn",),
    "aws_sqs_queue_policy": ("queue_arn",),
    "aws_sns_topic_policy": ("topic_arn",),
}
#: The key by which Terraform asks a table for its lock.
_KEY = "LockID"
_ALIKE = re.compile(r"lock[-_ ]?ids?", re.IGNORECASE)
#: A table of locks by its name in a backend, and in what Terragrunt writes one from.
_TABLE = re.compile(r'\bdynamodb_table\s*=\s*"([^"$]+)"')


def check(files: Files) -> Iterator[Finding]:
    """Yield certificates that nothing waits for, and tables without the key of locks."""
    tables = {name for block in blocks(files) for name in _TABLE.findall(block.text)}
    for root in resources_of(files):
        yield from _unissued(root)
        yield from _unpermitted(root)
        for table in root.of("aws_dynamodb_table"):
            yield from _unlocked(table, tables)


def _unissued(root: Resources) -> Iterator[Finding]:
    waited = {}
    for one in root.of("aws_acm_certificate_validation"):
        certificate = root.named(one, "certificate_arn", "aws_acm_certificate")
        if certificate is not None:
            waited[certificate.names[2]] = one.names[2]
    for kind, keys in _TAKERS.items() if waited else ():
        for block in root.of(kind):
            for key in keys:
                line, _ = argument(block, key)
                certificate = root.named(block, key, "aws_acm_certificate")
                name = certificate.names[2] if certificate else ""
                if name in waited and "aws_acm_certificate_validation" not in block.text:
                    what = f"{block.names[2]} takes the certificate {name} and does not wait until"
                    said = f"{what} it is issued: a first apply is refused; write"
                    advice = f"aws_acm_certificate_validation.{waited[name]}.certificate_arn"
                    yield Finding(f"{block.file}:{line}", f"{said} {advice}", warning=True)


def _unpermitted(root: Resources) -> Iterator[Finding]:
    """Yield notifications of a bucket that AWS tries before it may call what they name."""
    for block in root.of("aws_s3_bucket_notification"):
        for kind, keys in _ALLOWING.items():
            named = [one for one in root.of(kind) if "s3.amazonaws.com" in one.text]
            is_of_it = any(f"{key} " in block.text for key in keys)
            if named and is_of_it and kind not in block.text and "depends_on" not in block.text:
                permission = f"{kind}.{named[0].names[2]}"
                what = f"{block.names[2]} is made at once with {permission}, and S3 asks whether it"
                advice = f"may call first: an apply from scratch is refused; depend on {permission}"
                where = f"{block.file}:{block.lines[0][0]}"
                yield Finding(where, f"{what} {advice}", warning=True)


def _unlocked(table: TerraformBlock, tables: set[str]) -> Iterator[Finding]:
    line, text = argument(table, "hash_key")
    key, name = text.strip('"'), argument(table, "name")[1].strip('"')
    is_asked = name in tables or _ALIKE.fullmatch(key) is not None
    if text.startswith('"') and "$" not in text and is_asked and key != _KEY:
        what = f"{table.names[2]} is a table of Terraform's locks, and its key is {key}: each lock"
        said = f"{what} is refused; write {_KEY}"
        yield Finding(f"{table.file}:{line}", said, warning=name not in tables)


GATE = Gate(
    id="INF043",
    title="Certificates are issued before they are taken, and tables of locks have their key",
    phase="infrastructure",
    source="https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/"
    "acm_certificate_validation: it ends once the certificate is issued; https://developer."
    "hashicorp.com/terraform/language/backend/s3: the table has a partition key LockID",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="aws_acm_certificate beside its validation and what takes it in one folder, and "
    "aws_dynamodb_table that a backend names or whose key is nearly LockID.",
)
