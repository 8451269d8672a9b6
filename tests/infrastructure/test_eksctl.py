"""trading's cluster as eksctl's file: valid by its schema, and the one that Terraform makes."""

from __future__ import annotations

import json
from copy import deepcopy

import built
import jsonschema
import pytest
from rendered import artifact_of, artifacts_of, plan_of

FILE = "infrastructure/eksctl.yaml"
GET = "there is no schema of eksctl; run .ci/eksctl (`make tools`)"


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
