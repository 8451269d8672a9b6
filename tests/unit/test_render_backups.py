"""Velero keeps what the model says, for as long as it says, by a role of its own."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo
from rendered import artifact_of, artifacts_of, plan_of

from tarmac.base.errors import BadInput
from tarmac.plan.deploy import deploy

SYSTEM = """
tarmac: 1
system: demo
services: {web: {run: [bin/web], port: 8080}}
environments:
  first:
    cloud: aws
    region: eu-central-1
    zones: 3
    infrastructure: {%s}
"""


def made(kind):
    [found] = (a.data for a in artifacts_of("shop", "production") if a.data.get("kind") == kind)
    return found


def refused(infrastructure):
    with pytest.raises(BadInput) as found:
        deploy(demo(SYSTEM % infrastructure), "first", KINDS)
    return [str(problem) for problem in found.value.problems]


def test_the_shops_namespace_is_kept_every_six_hours_for_a_month():
    schedule = made("Schedule")
    assert schedule["metadata"]["name"] == "production-backup"
    assert schedule["spec"]["schedule"] == "0 */6 * * *"
    template = schedule["spec"]["template"]
    assert template["includedNamespaces"] == [plan_of("shop", "production").namespace]
    assert template["ttl"] == "720h"
    assert template["storageLocation"] == made("BackupStorageLocation")["metadata"]["name"]


def test_the_location_is_the_bucket_that_terraform_makes_and_its_role_writes():
    location = made("BackupStorageLocation")["spec"]
    bucket = "ecommerce-production-velero-backups-123456789012"
    assert location["objectStorage"] == {"bucket": bucket}
    assert (location["provider"], location["config"]) == ("aws", {"region": "us-east-1"})
    given = str(artifact_of("shop", "production", "infrastructure/production.auto.tfvars").content)
    assert f'bucket  = "{bucket}"' in given
    values = artifact_of("shop", "production", "backups/values/velero.yaml").data
    role = "arn:aws:iam::123456789012:role/ecommerce-production-velero"
    annotations = values["serviceAccount"]["server"]["annotations"]
    assert annotations == {"eks.amazonaws.com/role-arn": role}
    assert values["credentials"] == {"useSecret": False}


@pytest.mark.parametrize(
    ("backups", "said"),
    [
        (
            "backups: {schedule: every day}",
            "schedule is 'every day', not a schedule",
        ),
        (
            "backups: {keep: 6h}",
            "a backup is kept for 6h, and the next one is made after 6h, so at times there is none",
        ),
        (
            "backups: {schedule: 0 0 30 2 *}",
            "schedule is '0 0 30 2 *', not a schedule (bad day-of-month)",
        ),
        (
            "buckets: {velero-backups: {}}, backups: {}",
            "bucket 'velero-backups' is one of `buckets`, whose objects go by another rule",
        ),
    ],
)
def test_backups_that_would_not_be_there_are_refused_where_they_stand(backups, said):
    [found] = refused(backups)
    assert said in found
    assert "tarmac.yaml:9:" in found
