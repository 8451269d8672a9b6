"""Deletes what has the project's tag, a tag `Expires` with a day that is past, and no user.

Disks that are attached to nothing, snapshots and addresses. With DRY_RUN, and by default, it only
lists. What has no such tag, or one that is not a day, is left alone.
"""

from __future__ import annotations

import datetime as dt
import os

import boto3


def is_stale(tags, project, today):
    """Tell whether a resource of the project has expired."""
    named = {tag["Key"]: tag["Value"] for tag in tags or ()}
    try:
        last = dt.date.fromisoformat(named.get("Expires", ""))
    except ValueError:
        return False
    return named.get("Project") == project and last < today


def found(ec2, project, today):
    """Yield what is to be deleted: its id, and the call that deletes it."""
    for page in ec2.get_paginator("describe_volumes").paginate():
        for one in page["Volumes"]:
            if one["State"] == "available" and is_stale(one.get("Tags"), project, today):
                yield one["VolumeId"], ec2.delete_volume, {"VolumeId": one["VolumeId"]}
    for page in ec2.get_paginator("describe_snapshots").paginate(OwnerIds=["self"]):
        for one in page["Snapshots"]:
            if is_stale(one.get("Tags"), project, today):
                yield one["SnapshotId"], ec2.delete_snapshot, {"SnapshotId": one["SnapshotId"]}
    for one in ec2.describe_addresses()["Addresses"]:
        if "AssociationId" not in one and is_stale(one.get("Tags"), project, today):
            yield one["AllocationId"], ec2.release_address, {"AllocationId": one["AllocationId"]}


def handler(_event, _context):
    """Delete, or list, what is stale today."""
    dry = os.environ.get("DRY_RUN", "true") != "false"
    today = dt.datetime.now(dt.UTC).date()
    stale = list(found(boto3.client("ec2"), os.environ["PROJECT"], today))
    for name, delete, arguments in stale:
        print(f"{'would delete' if dry else 'deletes'} {name}")
        if not dry:
            delete(**arguments)
    return {"dry_run": dry, "stale": [name for name, _, _ in stale]}
