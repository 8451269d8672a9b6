"""trading's cluster as eksctl's file: taken by eksctl, and the one that Terraform makes.

eksctl is real and asks moto, to which `eks_versions` adds the one answer that it lacks.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from copy import deepcopy

import built
import eks_versions
import jsonschema
import pytest
import yaml
from emulated_aws import EmulatedAws, emulated_aws
from rendered import artifact_of, artifacts_of, plan_of

FILE = "infrastructure/eksctl.yaml"
GET = "there is no eksctl; run .ci/eksctl (`make tools`)"


@pytest.fixture(scope="module")
def file():
    return artifact_of("trading", "production", FILE).data


@pytest.fixture(scope="module")
def schema():
    if (found := built.newest("eksctl-*/schema.json")) is None:
        pytest.skip(GET)
    return jsonschema.Draft7Validator(json.loads(found.read_text()))


def test_the_file_is_as_eksctls_schema_wants_it(file, schema):
    assert [error.message for error in schema.iter_errors(file)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("vpc", "nat", "gateway"), "Highly"),
        (("managedNodeGroups", 0, "amiFamily"), "Bottlerockets"),
        (("managedNodeGroups", 0, "desired"), 3),
        (("metadata", "region"), None),
    ],
)
def test_a_wrong_value_or_key_is_told(file, schema, path, value):
    wrong = deepcopy(file)
    *inside, key = path
    place = wrong
    for step in inside:
        place = place[step]
    place[key] = value
    assert list(schema.iter_errors(wrong))


def test_it_is_the_cluster_that_terraform_makes(file):
    cloud = plan_of("trading", "production").cloud
    said = file["metadata"]
    assert (said["name"], said["region"], said["version"]) == (
        "trading-production",
        cloud.region,
        cloud.kubernetes,
    )
    assert file["availabilityZones"] == [subnets.zone for subnets in cloud.subnets]
    assert file["vpc"]["cidr"] == cloud.network
    assert file["vpc"]["nat"] == {"gateway": "HighlyAvailable"}
    assert file["vpc"]["clusterEndpoints"] == {"privateAccess": True, "publicAccess": False}
    [group], [nodes] = file["managedNodeGroups"], cloud.nodes
    counts = (group["minSize"], group["desiredCapacity"], group["maxSize"])
    assert counts == (nodes.min, nodes.desired, nodes.max)
    assert group["labels"] == {"role": nodes.name}
    assert (group["privateNetworking"], group["volumeEncrypted"]) == (True, True)
    assert (group["disableIMDSv1"], group["disablePodIMDS"]) == (True, True)
    addons = {addon["name"] for addon in file["addons"]}
    four = {"coredns", "kube-proxy", "vpc-cni", "aws-ebs-csi-driver"}
    assert addons == four | {"metrics-server"}


def test_each_service_account_has_the_role_that_its_annotation_names(file):
    made = {one["metadata"]["name"]: one["roleName"] for one in file["iam"]["serviceAccounts"]}
    said = {
        metadata["name"]: role.rpartition("/")[2]
        for artifact in artifacts_of("trading", "production")
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "ServiceAccount"
        for metadata in [artifact.data["metadata"]]
        if (role := metadata.get("annotations", {}).get("eks.amazonaws.com/role-arn"))
    }
    assert made == said
    for one in file["iam"]["serviceAccounts"]:
        statements = one["attachPolicy"]["Statement"]
        assert one["roleOnly"], "the rendered objects have the account"
        assert not [s for s in statements if "*" in s["Resource"] or "*" in str(s["Action"])]


def test_an_environment_that_does_not_ask_has_none():
    assert [a for a in artifacts_of("travel", "prod") if a.path == FILE] == []


@pytest.fixture(scope="module")
def aws(tmp_path_factory) -> Iterator[EmulatedAws]:
    version = plan_of("trading", "production").cloud.kubernetes
    with (
        emulated_aws(tmp_path_factory.mktemp("aws") / "moto.log") as found,
        eks_versions.before(found, (version,)) as asked,
    ):
        yield asked


def dry_run(aws: EmulatedAws, file) -> subprocess.CompletedProcess[str]:
    """Ask eksctl what it would make of a file."""
    if (program := built.newest("eksctl-*/eksctl")) is None:
        pytest.skip(GET)
    return subprocess.run(
        [program, "create", "cluster", "--dry-run", "--config-file=-"],
        input=yaml.safe_dump(file),
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", **aws.env},
        capture_output=True,
        text=True,
        check=False,
    )


def test_eksctl_takes_the_file_and_would_make_that_cluster(aws, file):
    done = dry_run(aws, file)
    assert done.returncode == 0, done.stderr
    made = yaml.safe_load(done.stdout)
    assert {key: made["metadata"][key] for key in file["metadata"]} == file["metadata"]
    assert made["availabilityZones"] == file["availabilityZones"]
    (group,), (said,) = made["managedNodeGroups"], file["managedNodeGroups"]
    for key in ("name", "minSize", "maxSize", "desiredCapacity", "instanceTypes", "amiFamily"):
        assert group.get(key) == said.get(key), key


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (("metadata", "version"), "1.99", "invalid version"),
        (("managedNodeGroups", 0, "desired"), 3, "unknown field"),
    ],
)
def test_eksctl_refuses_a_wrong_value_or_key(aws, file, path, value, told):
    wrong = deepcopy(file)
    *inside, key = path
    place = wrong
    for step in inside:
        place = place[step]
    place[key] = value
    done = dry_run(aws, wrong)
    assert done.returncode != 0
    assert told in done.stderr
