"""A role that reads or writes what a key of one's own encrypts may use that key."""

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
from tarmac.check.gates.views.terraform.roles import Role, roles

#: What is encrypted: its kind, the argument with the key, and the actions that need the key.
_READS, _WRITES = "kms:Decrypt", "kms:GenerateDataKey"
_KINDS = {
    "aws_s3_bucket": ("kms_master_key_id", {"s3:GetObject": _READS, "s3:PutObject": _WRITES}),
    "aws_sqs_queue": (
        "kms_master_key_id",
        {"sqs:ReceiveMessage": _READS, "sqs:SendMessage": _WRITES},
    ),
    "aws_sns_topic": ("kms_master_key_id", {"sns:Publish": _WRITES}),
    "aws_secretsmanager_secret": ("kms_key_id", {"secretsmanager:GetSecretValue": _READS}),
}
_KEY = re.compile(r"\baws_kms_(?:key|alias)\.(\w+)")
#: By these a role may have rights that are not written here.
_OPEN = re.compile(
    r"\"\*\"|\"kms:\*\"|\$\{var\.|\bvar\.|\blocal\.|\bmodule\.|\bfile\(|for_each|dynamic"
)


def check(files: Files) -> Iterator[Finding]:
    """Yield rights to what is encrypted without the right to its key."""
    for root in resources_of(files):
        kept = list(_encrypted(root))
        for role in roles(root) if kept else ():
            text = role.text
            if role.managed or _OPEN.search(text):
                continue
            for kind, name, key in kept:
                for action, needed in _KINDS[kind][1].items():
                    block, line = _asked(role, action, f"{kind}.{name}")
                    if block is None or _has(text, needed):
                        continue
                    what = f"the role {role.name} may {action} of {kind}.{name}, and not {needed}"
                    said = f"{what} of aws_kms_key.{key}, which encrypts it: each call is refused"
                    yield Finding(f"{block.file}:{line}", f"{said}; allow that", warning=True)


def _encrypted(root: Resources) -> Iterator[tuple[str, str, str]]:
    """Yield what a key encrypts whose policy leaves that to the roles: kind, name and key."""
    holders = [
        (one, root.named(one, "bucket", "aws_s3_bucket"))
        for one in root.of("aws_s3_bucket_server_side_encryption_configuration")
    ]
    holders += [(one, one) for kind in _KINDS for one in root.of(kind)]
    granted = " ".join(
        one.text for kind in ("aws_kms_grant", "aws_kms_key_policy") for one in root.of(kind)
    )
    for holder, own in holders:
        if own is None:
            continue
        found = _KEY.search(argument(holder, _KINDS[own.names[1]][0])[1])
        key = root.by_name.get(("aws_kms_key", found[1])) if found else None
        if key is not None and not argument(key, "policy")[1] and key.names[2] not in granted:
            yield own.names[1], own.names[2], key.names[2]


def _asked(role: Role, action: str, of: str) -> tuple[TerraformBlock | None, int]:
    """Find where a policy of a role names a thing, and the action in the same statement."""
    for block in role.given:
        inside: list[tuple[int, str]] = []
        for number, line in block.lines:
            if re.match(r"\s*(statement\s*\{|\{\s*$|\"?Effect\"?\s*[=:])", line):
                inside = []
            inside.append((number, line))
            text = "\n".join(written for _, written in inside)
            named = any(f"{kind}.{name}" == of for kind, name in REFERENCE.findall(text))
            if named and f'"{action}"' in text and "Deny" not in text:
                at = next(n for n, written in inside if f'"{action}"' in written)
                return block, at
    return None, 0


def _has(text: str, needed: str) -> bool:
    """Tell whether policies allow an action of a key, by its name or a pattern."""
    patterns = re.findall(r'"(kms:[\w*]+)"', text)
    return any(re.fullmatch(one.replace("*", ".*"), needed) for one in patterns)


GATE = Gate(
    id="INF026",
    title="A role may use the key of what it reads and writes",
    phase="infrastructure",
    source="https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html: to read "
    "an object kms:Decrypt is needed as well, and kms:GenerateDataKey to write one",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("blocks of Terraform", blocks),
    reads="buckets, queues, topics and secrets with a key of the same folder whose policy is the "
    "usual one, beside the policies of roles, where all of them are written there. What another "
    "folder gives to a role is not known.",
)
