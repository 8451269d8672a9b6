"""The Pulumi program of hello-dd, run against mocks: what AWS would be asked to make.

No account is reached, and no program `pulumi` is run. Each test is one demand on its resources.
"""

from __future__ import annotations

import json

import pytest
from pulumi_mocked import Previewed, opened, preview_of
from rendered import artifacts_of, plan_of

NAME = "hello-dd-production"
PRIVATE = [f"ec2:private-us-east-1{zone}" for zone in "abc"]


@pytest.fixture(scope="module")
def preview(tmp_path_factory) -> Previewed:
    """Write the program as it is rendered, and run it."""
    return preview_of("hello-dd", "production", tmp_path_factory.mktemp("pulumi"))


def test_the_preview_lists_the_network_the_cluster_and_the_stores(preview):
    assert preview.one("ec2/vpc:Vpc")["cidrBlock"] == "10.0.0.0/16"
    assert len(preview.of("ec2/subnet:Subnet")) == 6
    assert len(preview.of("ec2/natGateway:NatGateway")) == 3
    assert preview.one("eks/cluster:Cluster")["name"] == NAME
    assert len(preview.of("eks/addon:Addon")) == 5
    database = preview.one("rds/instance:Instance")
    assert (database["identifier"], database["multiAz"]) == (f"{NAME}-rds", True)
    cache = preview.one("elasticache/replicationGroup:ReplicationGroup")
    assert (cache["nodeType"], cache["numCacheClusters"]) == ("cache.t4g.small", 2)
    assert len(preview.of("ecr/repository:Repository")) == 3
    assert {"eks_cluster_name", "rds_endpoint", "redis_endpoint"} <= set(preview.exports)


def test_nodes_and_stores_are_in_private_subnets(preview):
    assert preview.one("eks/nodeGroup:NodeGroup")["subnetIds"] == PRIVATE
    assert preview.one("eks/cluster:Cluster")["vpcConfig"]["subnetIds"] == PRIVATE
    for kind in ("rds/subnetGroup:SubnetGroup", "elasticache/subnetGroup:SubnetGroup"):
        assert preview.one(kind)["subnetIds"] == PRIVATE
    subnets = preview.of("ec2/subnet:Subnet")
    assert [s for s in subnets.values() if s.get("mapPublicIpOnLaunch")] == []
    assert preview.one("rds/instance:Instance")["publiclyAccessible"] is False


def test_a_private_subnet_has_no_way_in_and_leaves_by_the_gateway_of_its_zone(preview):
    routes = preview.of("ec2/route:Route")
    assert {name: r["natGatewayId"] for name, r in routes.items() if "natGatewayId" in r} == {
        f"nat-us-east-1{zone}": f"ec2:us-east-1{zone}" for zone in "abc"
    }
    tables = preview.of("ec2/routeTableAssociation:RouteTableAssociation")
    own = {one["subnetId"]: one["routeTableId"] for one in tables.values()}
    assert {own[subnet] for subnet in PRIVATE} == set(PRIVATE), "none shares the public one's"
    assert routes["internet"]["routeTableId"] == "ec2:public"


def test_the_groups_of_stores_let_in_the_nodes_alone(preview):
    rules = preview.of("vpc/securityGroupIngressRule:SecurityGroupIngressRule")
    found = {
        name: (rule["securityGroupId"], rule["referencedSecurityGroupId"], rule["toPort"])
        for name, rule in rules.items()
    }
    assert found == {
        f"{NAME}-rds": (f"ec2:{NAME}-rds", "ec2:nodes", 5432),
        f"{NAME}-elasticache": (f"ec2:{NAME}-elasticache", "ec2:nodes", 6379),
    }
    assert [rule for rule in rules.values() if "cidrIpv4" in rule or "cidrIpv6" in rule] == []
    groups = preview.of("ec2/securityGroup:SecurityGroup").values()
    assert [group for group in groups if group.get("ingress")] == []
    [template] = preview.of("ec2/launchTemplate:LaunchTemplate").values()
    assert "ec2:nodes" in template["vpcSecurityGroupIds"]
    assert preview.one("rds/instance:Instance")["vpcSecurityGroupIds"] == [f"ec2:{NAME}-rds"]


def test_data_is_encrypted_kept_and_protected(preview):
    database = preview.one("rds/instance:Instance")
    assert (database["storageEncrypted"], database["deletionProtection"]) == (True, True)
    assert "manageMasterUserPassword" not in database
    assert database["skipFinalSnapshot"] is False
    cache = preview.one("elasticache/replicationGroup:ReplicationGroup")
    assert (cache["atRestEncryptionEnabled"], cache["transitEncryptionEnabled"]) == (True, True)
    keys = preview.of("kms/key:Key").values()
    assert {key["enableKeyRotation"] for key in keys} == {True}


def test_what_external_secrets_reads_of_its_servers_is_written_and_passwords_are_made_once(preview):
    read = {
        data["remoteRef"]["key"]
        for artifact in artifacts_of("hello-dd", "production")
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "ExternalSecret"
        for data in artifact.data["spec"].get("data", ())
    }
    under = "hello-dd/production"
    of_servers = {k for k in read if k.startswith((f"{under}/servers/", f"{under}/stores/"))}
    entries = preview.of("secretsmanager/secret:Secret")
    assert {entry["name"] for entry in entries.values()} == of_servers
    values = preview.of("secretsmanager/secretVersion:SecretVersion")
    hosts = {n: opened(v["secretString"]) for n, v in values.items() if n.endswith("/host")}
    assert hosts == {
        f"{under}/servers/{server}/host": f"{NAME}-{server}.example"
        for server in ("rds", "elasticache")
    }
    assert opened(values[f"{under}/servers/rds/admin-1"]["secretString"]) == "made by AWS"
    database = preview.one("rds/instance:Instance")
    assert opened(database["password"]) == "made by AWS"
    assert values.keys() == of_servers


def test_each_service_account_has_its_own_role_and_a_pod_not_its_nodes(preview):
    roles = {
        role["name"]: json.loads(role["assumeRolePolicy"])["Statement"][0]
        for name, role in preview.of("iam/role:Role").items()
        if name.startswith("account-")
    }
    planned = plan_of("hello-dd", "production").roles
    assert roles.keys() == {role.name for role in planned.values()}
    trusted = {
        subject
        for trust in roles.values()
        for key, subject in trust["Condition"]["StringEquals"].items()
        if key == "oidc.example/1:sub"
    }
    assert trusted == {f"system:serviceaccount:hello-dd:{name}" for name in planned}
    [template] = preview.of("ec2/launchTemplate:LaunchTemplate").values()
    assert template["metadataOptions"]["httpPutResponseHopLimit"] == 1
    assert template["metadataOptions"]["httpTokens"] == "required"
