"""Each system's Terraform: planned, applied to an emulated AWS, read back, and destroyed.

`python tests/support/aws_evidence.py` does so with each environment in AWS, and prints the table of
docs/evidence/aws.md. It takes terraform, its provider, and moto (`.ci/moto`).
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import emulated_aws
from emulated_aws import EmulatedAws
from rendered import plan_of
from terraformed import Terraform, tree, without_role

ENVIRONMENTS = (
    ("shop", "staging"),
    ("shop", "production"),
    ("starter", "production"),
    ("trading", "production"),
    ("travel", "dev"),
    ("travel", "stg"),
    ("travel", "prod"),
)
#: Without protection, so that it can be destroyed, and without what moto has too little of:
#: ElastiCache, Budgets, AWS Backup, Network Firewall.
INSTEAD = """\
protected   = false
redis       = {}
budget      = null
backup_days = null
egress      = null
"""
#: How a type of Terraform is listed by boto3: a service, a call, and where its answer has them.
LISTED = {
    "aws_vpc": ("ec2", "describe_vpcs", "Vpcs"),
    "aws_subnet": ("ec2", "describe_subnets", "Subnets"),
    "aws_nat_gateway": ("ec2", "describe_nat_gateways", "NatGateways"),
    "aws_eks_cluster": ("eks", "list_clusters", "clusters"),
    "aws_rds_cluster": ("rds", "describe_db_clusters", "DBClusters"),
    "aws_ecr_repository": ("ecr", "describe_repositories", "repositories"),
    "aws_iam_role": ("iam", "list_roles", "Roles"),
    "aws_secretsmanager_secret": ("secretsmanager", "list_secrets", "SecretList"),
    "aws_s3_bucket": ("s3", "list_buckets", "Buckets"),
    "aws_route53_zone": ("route53", "list_hosted_zones", "HostedZones"),
    "aws_route53_health_check": ("route53", "list_health_checks", "HealthChecks"),
    "aws_kms_alias": ("kms", "list_aliases", "Aliases"),
}
UNCHANGED = (["no-op"], ["read"])
#: What an account has before anything is made, and what is listed for a while when it is gone.
OF_AWS = re.compile(
    r'"IsDefault": true|"DefaultForAz": true|alias/aws/|AWSServiceRoleFor|"State": "deleted"'
)


@dataclass(frozen=True)
class Row:
    """What was seen of one environment."""

    system: str
    environment: str
    planned: int
    applied: int
    #: How many of them boto3 was asked for, and those of another number there.
    read: int
    differing: tuple[str, ...]
    #: Changes of a second plan.
    changes: tuple[str, ...]
    left: tuple[str, ...]
    seconds: Mapping[str, float]

    def __str__(self) -> str:
        """Write a row of the table."""
        took = (f"{self.seconds[step]:.0f}" for step in ("plan", "apply", "destroy"))
        found = (", ".join(one) or "none" for one in (self.differing, self.changes, self.left))
        cells = (f"{self.system}, {self.environment}", self.planned, self.applied, self.read)
        return f"| {' | '.join(map(str, (*cells, *found, *took)))} |"


def seen(aws: EmulatedAws, region: str) -> Counter[str]:
    """Count what boto3 lists of each type."""
    asked = [(service, call, dict[str, Any]()) for service, call, _ in LISTED.values()]
    answers = aws.ask(*asked, region=region)
    found = Counter[str]()
    for (kind, (_, _, key)), answer in zip(LISTED.items(), answers, strict=True):
        found[kind] = sum(OF_AWS.search(json.dumps(one)) is None for one in answer[key])
    return found


def differing(changed: Mapping[str, Any]) -> str:
    """Say which arguments of a resource a second plan would change."""
    before, after = (changed["change"][when] or {} for when in ("before", "after"))
    names = (name for name in after if before.get(name) != after[name])
    return f"{changed['address']} ({', '.join(sorted(names))})"


def shown(system: str, environment: str, folder: Path) -> Row:
    """Plan, apply, read back and destroy one environment."""
    root = tree(system, environment, folder)
    emulated_aws.fit(root, state_here=True)
    cloud = plan_of(system, environment).cloud
    assert cloud is not None
    own = root / f"{environment}.auto.tfvars"
    own.write_text(without_role(own))
    seconds: dict[str, float] = {}

    def timed(step: str) -> None:
        begun = time.monotonic()
        terraform.run(step, "-input=false", "-auto-approve")
        seconds[step] = time.monotonic() - begun

    with emulated_aws.emulated_aws(folder / "moto.log", account=cloud.account) as aws:
        terraform = Terraform.of(root, **aws.env)
        terraform.run("init", "-input=false")
        before = seen(aws, cloud.region)
        begun = time.monotonic()
        planned = len(terraform.plan().resources)  # with what moto lacks
        seconds["plan"] = time.monotonic() - begun
        (root / "without.auto.tfvars").write_text(INSTEAD)
        timed("apply")
        listed = re.sub(r"\[[^]]*\]", "", terraform.run("state", "list")).splitlines()
        made = [address.split(".")[-2] for address in listed if "data" not in address.split(".")]
        count = Counter(made)
        there = seen(aws, cloud.region) - before
        asked = {kind: count[kind] for kind in LISTED if count[kind] or there[kind]}
        changed = terraform.plan().data["resource_changes"]
        timed("destroy")
        left = seen(aws, cloud.region) - before
    return Row(
        system,
        environment,
        planned,
        len(made),
        sum(asked.values()),
        tuple(f"{there[kind]} {kind} for {n}" for kind, n in asked.items() if there[kind] != n),
        tuple(differing(one) for one in changed if one["change"]["actions"] not in UNCHANGED),
        tuple(f"{n} {kind}" for kind, n in left.items() if n),
        seconds,
    )


HEAD = """\
| System, environment | Planned | Applied | Asked for | Of another number \
| Changed by a second plan | Left | Plan, s | Apply, s | Destroy, s |
|---|---:|---:|---:|---|---|---|---:|---:|---:|"""


def main(wanted: list[str]) -> None:
    """Print the table; names of systems are those to show."""
    print(HEAD)
    for system, environment in ENVIRONMENTS:
        if not wanted or system in wanted or f"{system}/{environment}" in wanted:
            with TemporaryDirectory() as folder:
                print(shown(system, environment, Path(folder)), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
