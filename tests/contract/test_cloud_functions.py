"""The functions of an account on an emulated AWS, and the patterns of its rules with samples."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from emulated_aws import emulated_aws

MODULE = Path(__file__).parents[2] / "src/tarmac/assets/organization/account/modules/events"
PATTERNS = json.loads((MODULE / "patterns.json").read_text())
#: What AWS sends, shortened: https://docs.aws.amazon.com/eventbridge/latest/userguide/
HEAD = {
    "id": "1",
    "account": "333333333333",
    "region": "eu-west-1",
    "resources": [],
    "version": "0",
}
SAMPLES = {
    "attack": (
        {**HEAD, "source": "aws.guardduty", "detail-type": "GuardDuty Finding"},
        {"severity": 8, "title": "An instance asks a mining pool"},
        {"severity": 2, "title": "An API was called from an unusual place"},
    ),
    "alarm": (
        {**HEAD, "source": "aws.cloudwatch", "detail-type": "CloudWatch Alarm State Change"},
        {"alarmName": "api", "state": {"value": "ALARM"}},
        {"alarmName": "api", "state": {"value": "OK"}},
    ),
    "snapshot-failed": (
        {**HEAD, "source": "aws.backup", "detail-type": "Backup Job State Change"},
        {"state": "FAILED", "resourceArn": "arn:aws:ec2:eu-west-1:333333333333:volume/vol-1"},
        {"state": "COMPLETED", "resourceArn": "arn:aws:ec2:eu-west-1:333333333333:volume/vol-1"},
    ),
}
MATCHING = """
import json, sys
from moto.events.models import EventPattern
pattern, events = json.load(sys.stdin)
print(json.dumps([EventPattern.load(json.dumps(pattern)).matches_event(e) for e in events]))
"""
CALLING = """
import json, sys
sys.path.insert(0, sys.argv[1])
module = __import__(sys.argv[2])
print(json.dumps(module.handler(json.load(sys.stdin), None)))
"""
ZONE = {"AvailabilityZone": "eu-west-1a", "Size": 1}
#: Tags of a disk, and whether it is stale.
DISKS = {
    "expired": ({"Project": "travel", "Expires": "2020-01-31"}, True),
    "later": ({"Project": "travel", "Expires": "2999-01-31"}, False),
    "without a day": ({"Project": "travel"}, False),
    "no day": ({"Project": "travel", "Expires": "soon"}, False),
    "another project's": ({"Project": "shop", "Expires": "2020-01-31"}, False),
    "without tags": ({}, False),
}


@pytest.fixture(scope="module")
def aws(tmp_path_factory):
    with emulated_aws(tmp_path_factory.mktemp("moto") / "log") as found:
        yield found


def python(aws, code, given, *arguments, **env):
    """Run code in the emulator's Python, which has boto3; return its last line, as data."""
    region = {"AWS_DEFAULT_REGION": "eu-west-1", "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [str(aws.python), "-B", "-c", code, *arguments],
        input=json.dumps(given), env={**region, **aws.env, **env},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def called(aws, name, event, **env):
    return python(aws, CALLING, event, str(MODULE / "functions"), name, **env)


@pytest.mark.parametrize("rule", PATTERNS)
def test_a_rule_takes_its_event_and_no_other(aws, rule):
    head, wanted, other = SAMPLES[rule]
    elsewhere = {**head, "source": "travel.orders", "detail": wanted}
    events = [{**head, "detail": wanted}, {**head, "detail": other}, elsewhere]
    assert python(aws, MATCHING, [PATTERNS[rule], events]) == [True, False, False]


def test_every_rule_has_samples():
    assert SAMPLES.keys() == PATTERNS.keys()


@pytest.mark.parametrize("rule", SAMPLES)
def test_an_event_is_published_to_the_topic_and_not_in_a_dry_run(aws, rule):
    [topic] = aws.ask(("sns", "create_topic", {"Name": "events"}), region="eu-west-1")
    event = {**SAMPLES[rule][0], "detail": SAMPLES[rule][1]}
    assert called(aws, "alert", event, TOPIC=topic["TopicArn"]) == {"published": True}
    assert called(aws, "alert", event, TOPIC="none", DRY_RUN="true") == {"published": False}


def tagged(kind, tags):
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": listed}]} if tags else {}


def test_what_is_stale_is_deleted_and_nothing_else_and_a_dry_run_only_lists(aws):
    def ask(*calls):
        return aws.ask(*(("ec2", call, given) for call, given in calls), region="eu-west-1")

    stale_tags = DISKS["expired"][0]
    made = ask(*(("create_volume", ZONE | tagged("volume", tags)) for tags, _ in DISKS.values()))
    ids = {name: one["VolumeId"] for name, one in zip(DISKS, made, strict=True)}
    image = ask(("describe_images", {}))[0]["Images"][0]
    [used, runs] = ask(
        ("create_volume", ZONE | tagged("volume", stale_tags)),
        (
            "run_instances",
            {"ImageId": image["ImageId"], "MinCount": 1, "MaxCount": 1,
             "Placement": {"AvailabilityZone": "eu-west-1a"}},
        ),
    )  # fmt: skip
    attached = {"VolumeId": used["VolumeId"], "Device": "/dev/sdh"}
    instance = runs["Instances"][0]["InstanceId"]
    later = ids["later"]
    _, old, young, address = ask(
        ("attach_volume", attached | {"InstanceId": instance}),
        ("create_snapshot", {"VolumeId": later} | tagged("snapshot", stale_tags)),
        ("create_snapshot", {"VolumeId": later} | tagged("snapshot", DISKS["later"][0])),
        ("allocate_address", tagged("elastic-ip", stale_tags)),
    )
    stale = {ids["expired"], old["SnapshotId"], address["AllocationId"]}

    def there():
        volumes, snapshots, addresses = ask(
            ("describe_volumes", {}),
            ("describe_snapshots", {"OwnerIds": ["self"]}),
            ("describe_addresses", {}),
        )
        return {
            *(one["VolumeId"] for one in volumes["Volumes"]),
            *(one["SnapshotId"] for one in snapshots["Snapshots"]),
            *(one["AllocationId"] for one in addresses["Addresses"]),
        }

    before = there()
    assert {*ids.values(), used["VolumeId"], young["SnapshotId"], *stale} <= before
    listed = called(aws, "cleanup", {}, PROJECT="travel")
    assert (listed["dry_run"], set(listed["stale"])) == (True, stale)
    assert there() == before
    done = called(aws, "cleanup", {}, PROJECT="travel", DRY_RUN="false")
    assert (done["dry_run"], set(done["stale"])) == (False, stale)
    assert there() == before - stale
