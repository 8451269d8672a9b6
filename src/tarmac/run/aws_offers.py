"""Whether the regions of an environment have what it asks for, and whether its names are free.

`tarmac doctor --cloud` asks the AWS CLI, which changes nothing by it. Terraform would find out half
way through an apply. What the login may not ask is told, and fails nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tarmac.base.errors import TarmacError
from tarmac.base.installed import find_program
from tarmac.plan.cloud import CloudInfrastructure
from tarmac.plan.cluster import ClusterPlan
from tarmac.run.aws_login import answer
from tarmac.run.local.supervisor.checkup import ABSENT, OK, SILENT, TAKEN, Check

#: What the CLI says of a bucket of another account, and of a name that is free.
FORBIDDEN, NOT_FOUND = "(403)", "(404)"
#: So many questions are asked at once.
TOGETHER = 4


@dataclass(frozen=True)
class Offer:
    """What a region is to have."""

    name: str
    region: str
    types: tuple[str, ...]
    #: How the CLI lists them, and the key of a type in what it lists.
    command: tuple[str, ...]
    key: str


def checks(plan: ClusterPlan) -> list[Check]:
    """Ask for the types of nodes, the classes of servers and the names of buckets."""
    cloud, program = plan.cloud, find_program("aws")
    if cloud is None or program is None:
        return []
    feature = f"environment {plan.environment}"
    regions = [cloud.region, *([cloud.standby.region] if cloud.standby else [])]
    offers = [offer for region in regions for offer in _offers(cloud, region)]
    # The CLI takes a second to begin, and then waits for AWS.
    with ThreadPoolExecutor(TOGETHER) as pool:
        found = pool.map(lambda offer: _check(program, feature, offer), offers)
        return [*found, *pool.map(lambda name: _bucket(program, feature, name), _buckets(cloud))]


def _offers(cloud: CloudInfrastructure, region: str) -> Iterator[Offer]:
    groups = [group.types for group in cloud.nodes]
    groups += [pool.types for pool in (cloud.karpenter.pools if cloud.karpenter else ())]
    if types := tuple(sorted({kind for own in groups for kind in own})):
        filters = ("--filters", f"Name=instance-type,Values={','.join(types)}")
        command = ("ec2", "describe-instance-type-offerings", *filters)
        yield Offer(f"nodes in {region}", region, types, command, "InstanceType")
    for server in cloud.servers:
        kind, name = server.size.instance, f"{server.name} in {region}"
        if server.module == "postgres":
            database = "postgres" if server.disk_gb else "aurora-postgresql"
            asked = ("--engine", database, "--db-instance-class", kind)
            listing = ("rds", "describe-orderable-db-instance-options", *asked)
            yield Offer(name, region, (kind,), listing, "DBInstanceClass")
        elif server.module == "redis":
            # AWS lists no classes of caches but those that can be reserved.
            reserved = "describe-reserved-cache-nodes-offerings"
            reservable = ("elasticache", reserved, "--cache-node-type", kind)
            yield Offer(name, region, (kind,), reservable, "CacheNodeType")


def _check(program: str, feature: str, offer: Offer) -> Check:
    needed = ", ".join(offer.types)
    shown = ("--max-items", "100", "--query", f"*[].{offer.key}", "--output", "json")
    try:
        said = json.loads(answer(program, *offer.command, "--region", offer.region, *shown))
    except TarmacError as error:
        return Check(offer.name, SILENT, "", needed, feature, str(error).partition(": ")[2])
    except ValueError:
        return Check(offer.name, SILENT, "", needed, feature, "its answer is not JSON")
    there = [kind for kind in offer.types if kind in (said or ())]
    if missing := [kind for kind in offer.types if kind not in there]:
        what = f"{offer.region} has no {' and no '.join(missing)}"
        advice = f"{what}; write another one in `infrastructure`"
        return Check(offer.name, ABSENT, ", ".join(there), needed, feature, advice, fails=True)
    return Check(offer.name, OK, ", ".join(there), needed, feature)


def _buckets(cloud: CloudInfrastructure) -> Iterator[str]:
    """Yield the names that no other account in the world may have."""
    yield from (cloud.state_bucket,) if cloud.state_bucket else ()
    yield from (cloud.cdn.bucket,) if cloud.cdn else ()
    yield from (cloud.velero.bucket,) if cloud.velero else ()
    yield from cloud.buckets


def _bucket(program: str, feature: str, name: str) -> Check:
    what = f"bucket {name}"
    try:
        answer(program, "s3api", "head-bucket", "--bucket", name)
    except TarmacError as error:
        said = str(error).partition(": ")[2]
        if NOT_FOUND in said:
            return Check(what, OK, "free", "", feature)
        if FORBIDDEN in said:
            advice = "another account has it, or this login may not see it; write another name"
            return Check(what, TAKEN, "", "", feature, advice, fails=True)
        return Check(what, SILENT, "", "", feature, said)
    return Check(what, OK, "there", "", feature)
