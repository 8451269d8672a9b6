"""What is written can be applied, and later replaced or destroyed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.terraform.folders import TerraformBlock, blocks
from tarmac.check.gates.views.terraform.policies import statements
from tarmac.check.gates.views.terraform.policy_statement import PolicyStatement
from tarmac.check.gates.views.terraform.resources import (
    DOCUMENT_OF,
    Resources,
    argument,
    resources_of,
)

#: What has a name that no other may have, and is replaced where an argument of it changes.
_NAMED = {
    "aws_lb_target_group": "name_prefix",
    "aws_alb_target_group": "name_prefix",
    "aws_launch_configuration": "name_prefix",
    "aws_security_group": "name_prefix",
    "aws_db_parameter_group": "name_prefix",
    "aws_rds_cluster_parameter_group": "name_prefix",
    "aws_elasticache_parameter_group": "a part that changes",
    "aws_iam_instance_profile": "name_prefix",
    "google_compute_instance_template": "name_prefix",
    "google_compute_ssl_certificate": "name_prefix",
    "google_compute_managed_ssl_certificate": "a part that changes",
}
#: What holds data, or an address that others know.
_STORES = frozenset({
    "aws_s3_bucket", "aws_db_instance", "aws_rds_cluster", "aws_dynamodb_table", "aws_sqs_queue",
    "aws_efs_file_system", "aws_ebs_volume", "aws_ecr_repository", "aws_kms_key", "aws_subnet",
    "aws_instance", "aws_elasticache_replication_group", "aws_route53_zone", "aws_eip",
})  # fmt: skip
_NAME = re.compile(r"^[ \t]*name\s*=\s*(.+?)\s*$")
_BEFORE = re.compile(r"^[ \t]*create_before_destroy\s*=\s*true\b")
#: By these a name differs after each change of what it is made of.
_CHANGES = re.compile(
    r"random|md5|sha\d|uuid|timestamp|formatdate|hash|suffix|each\.|substr|(var|local)\."
)
_BLOCKED = re.compile(r"^[ \t]*(?:block_public_policy|restrict_public_buckets)\s*=\s*true\b")
_BUCKET = re.compile(r"^[ \t]*bucket\s*=\s*(aws_s3_bucket\.\w+)\b")
_POLICY = "aws_s3_bucket_policy"
_LOOPS = ("count", "for_each")
_ACL, _OWNERS = "aws_s3_bucket_acl", "aws_s3_bucket_ownership_controls"
#: What takes a last snapshot when it is deleted, by the name that it is given.
_KEPT = frozenset({
    "aws_db_instance", "aws_rds_cluster", "aws_docdb_cluster", "aws_neptune_cluster",
    "aws_redshift_cluster",
})  # fmt: skip


def check(files: Files) -> Iterator[Finding]:
    """Yield what cannot be made before the old one is gone, and policies that are refused."""
    for block in blocks(files):
        yield from _named(block)
        yield from _counted(block)
        yield from _ended(block)
    folders = list(resources_of(files))
    for root in folders:
        yield from _owned(root)
    with_policies = [root for root in folders if root.of(_POLICY)]
    given = list(statements(files)) if with_policies else []
    for root in with_policies:
        yield from _blocked(root, given)


def _named(block: TerraformBlock) -> Iterator[Finding]:
    if block.names[0] != "resource" or len(block.names) < 3 or block.names[1] not in _NAMED:
        return
    if not any(_BEFORE.match(line) for _, line in block.lines):
        return
    for number, line in block.lines:
        if (found := _NAME.match(line)) and _depth(block, number) == 1:
            if not _CHANGES.search(found[1]):
                what = f"{block.names[2]} is made before the old one is gone, and both have the"
                advice = f"write {_NAMED[block.names[1]]}"
                where = f"{block.file}:{number}"
                yield Finding(where, f"{what} name {found[1]}, so it cannot be replaced; {advice}")
            return


def _counted(block: TerraformBlock) -> Iterator[Finding]:
    """Yield stores that are counted over a list: without one of it, the next ones move up."""
    if block.names[0] != "resource" or len(block.names) < 3 or block.names[1] not in _STORES:
        return
    for number, line in block.lines:
        found = re.match(r"\s*count\s*=\s*length\(((?:var|local)\.[\w.]+)\)", line)
        if found and f"{found[1]}[count.index]" in block.text:
            what = (
                f"{block.names[2]} is counted over {found[1]}: when one is removed, the next ones"
            )
            advice = "are destroyed and made again under its number; write for_each"
            yield Finding(f"{block.file}:{number}", f"{what} {advice}", warning=True)


def _ended(block: TerraformBlock) -> Iterator[Finding]:
    """Yield databases that take a last snapshot, and have no name for it."""
    if block.names[0] != "resource" or len(block.names) < 3 or block.names[1] not in _KEPT:
        return
    line, skips = argument(block, "skip_final_snapshot")
    # A replica takes none, and what is never destroyed needs none.
    spared = ("final_snapshot_identifier", "replicate_source_db", "replication_source_identifier")
    is_kept = argument(block, "prevent_destroy")[1] == "true"
    if skips in ("", "false") and not is_kept and not any(argument(block, k)[0] for k in spared):
        what = f"{block.names[2]} takes a last snapshot when it is deleted, and has no name for it,"
        advice = "so it cannot be destroyed; write final_snapshot_identifier"
        where = f"{block.file}:{line or block.lines[0][0]}"
        yield Finding(where, f"{what} {advice}", warning=True)


def _owned(root: Resources) -> Iterator[Finding]:
    """Yield ACLs of buckets that have none: new ones have them switched off."""
    controls = root.of(_OWNERS)
    enabled = {
        _bucket(one)
        for one in controls
        if argument(one, "object_ownership")[1] != '"BucketOwnerEnforced"'
    }
    # One whose bucket is computed may be of any.
    for acl in root.of(_ACL) if "" not in map(_bucket, controls) else ():
        bucket = root.named(acl, "bucket", "aws_s3_bucket")
        if bucket is None or _bucket(acl) in {"", *enabled}:
            continue
        is_chosen = any(argument(one, key)[0] for one in (acl, bucket) for key in _LOOPS)
        what = f"{acl.names[2]} sets an ACL of {bucket.names[2]}, and new buckets have ACLs off:"
        # A module makes new ones; one whose name is written may be years old, and so may that of
        # a folder which is applied itself, in each of its environments.
        is_one = re.fullmatch(r'"[^"$]+"', argument(bucket, "bucket")[1]) is not None
        is_one = is_one or bool(root.providers)
        refused = "AWS refuses it" + (" unless it is older than that" if is_one else "")
        advice = f"{refused}; add {_OWNERS} with BucketOwnerPreferred, or leave the ACL out"
        where = f"{acl.file}:{acl.lines[0][0]}"
        yield Finding(where, f"{what} {advice}", warning=is_chosen)


def _depth(block: TerraformBlock, number: int) -> int:
    before = [line for at, line in block.lines if at < number]
    return sum(line.count("{") - line.count("}") for line in before)


def _blocked(root: Resources, given: list[PolicyStatement]) -> Iterator[Finding]:
    """Yield policies for everyone of buckets that take none."""
    closed = {
        bucket
        for one in root.of("aws_s3_bucket_public_access_block")
        if any(_BLOCKED.match(line) for _, line in one.lines) and (bucket := _bucket(one))
    }
    for policy in root.of(_POLICY):
        if _bucket(policy) not in closed:
            continue
        named = DOCUMENT_OF.search(policy.text)
        holder = root.documents.get(named[1]) if named else policy
        for statement in given if holder is not None else ():
            is_open = statement.has("Principal", "*") and not statement.parts.get("Condition")
            if holder and is_open and statement.allows and holder.has(statement.where):
                what = f"{policy.names[2]} lets everyone in, and its bucket blocks public policies"
                yield Finding(statement.where, f"{what}: AWS refuses it; correct one of both")


def _bucket(block: TerraformBlock) -> str:
    return next((found[1] for _, line in block.lines if (found := _BUCKET.match(line))), "")


GATE = Gate(
    id="INF020",
    title="What is written can be applied, and replaced later",
    phase="infrastructure",
    source="https://developer.hashicorp.com/terraform/language/meta-arguments/lifecycle: what is "
    "made before the old one is gone needs another name; AWS refuses a policy that it is to block; "
    "https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html: new "
    "buckets have ACLs disabled",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    targets=("cluster",),
    reads="names of resources with create_before_destroy, policies of buckets beside their public "
    "access blocks, ACLs of buckets beside their ownership controls, within one folder; the last "
    "snapshots of databases.",
)
