"""The shop's Terraform applied to an emulated AWS, read back, and destroyed.

moto is no AWS: it has no quotas, no permissions and no real servers. What it proves is that the
provider carries out every step in its order, that what is made is what was asked for, and that
nothing is left. ElastiCache and addons are planned only: moto does not have enough of them.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from dataclasses import dataclass

import pytest
from emulated_aws import ACCOUNT, EmulatedAws, emulated_aws, fit
from terraformed import Terraform, tree

BUCKET = f"ecommerce-terraform-state-{ACCOUNT}"
CLUSTER = "ecommerce-production"
SERVER = "ecommerce-production-aurora"
ZONE = "ecommerce.example.com"
UNDER = "shop/production/servers"
LOCK = "production/terraform.tfstate.tflock"
#: Without protection, so that it can be destroyed; moto has too little of ElastiCache and Budgets.
CDN = (
    f'-var=cdn={{ bucket = "ecommerce-files-{ACCOUNT}", files = ["/static/*"], requests = 300, '
    "challenges = false }"
)
VALUES = ("-input=false", "-var=redis={}", "-var=protected=false", "-var=budget=null", CDN)
LONGEST_S = 600

pytestmark = pytest.mark.timeout(1200)


@dataclass(frozen=True)
class Applied:
    """A production that was made, and what was said on the way."""

    aws: EmulatedAws
    terraform: Terraform
    #: Of a second run while the first one held the lock.
    refused: str


@pytest.fixture(scope="module")
def applied(tmp_path_factory):
    folder = tmp_path_factory.mktemp("applied")
    root = tree("shop", "production", folder)
    fit(root)
    with emulated_aws(folder / "moto.log") as aws:
        state = Terraform.of(root / "state", **aws.env)
        state.run("init", "-input=false")
        state.run("apply", "-input=false", "-auto-approve")
        terraform = Terraform.of(root, **aws.env)
        path_style = "-backend-config=use_path_style=true"
        terraform.run("init", "-input=false", "-backend-config=backend.hcl", path_style)
        yield Applied(aws, terraform, _apply(aws, terraform))


def _apply(aws, terraform):
    """Apply, and meanwhile try to plan; return what that was told."""
    command = terraform.command("apply", "-auto-approve", *VALUES)
    with (terraform.folder / "apply.log").open("w+") as log:
        running = subprocess.Popen(
            command, cwd=terraform.folder, env=dict(terraform.env), stdout=log, stderr=log
        )
        try:
            _until_locked(aws, running)
            refused = terraform.run("plan", *VALUES, code=1)
            code = running.wait(timeout=LONGEST_S)
        finally:
            running.kill()
            running.wait()
        log.seek(0)
        assert code == 0, log.read()[-4000:]
    return refused


def _until_locked(aws, running):
    while running.poll() is None:
        [found] = aws.ask(("s3", "list_objects_v2", {"Bucket": BUCKET}))
        if LOCK in [entry["Key"] for entry in found.get("Contents", ())]:
            return
        time.sleep(0.2)
    pytest.fail("it ended without a lock")


def test_the_state_is_in_the_bucket_and_a_second_run_is_refused_by_its_lock(applied):
    [found] = applied.aws.ask(
        ("s3", "list_objects_v2", {"Bucket": BUCKET, "Prefix": "production/"})
    )
    assert [entry["Key"] for entry in found["Contents"]] == ["production/terraform.tfstate"]
    assert "Error acquiring the state lock" in applied.refused


def test_a_second_plan_changes_nothing(applied):
    said = applied.terraform.run("plan", "-detailed-exitcode", *VALUES)
    assert "No changes." in said


def test_network_and_cluster_are_there_as_the_roadmap_finds_them(applied):
    named = [{"Name": "tag:Name", "Values": ["ecommerce-production"]}]
    vpcs, subnets, gateways, cluster, groups = applied.aws.ask(
        ("ec2", "describe_vpcs", {"Filters": named}),
        ("ec2", "describe_subnets", {}),
        ("ec2", "describe_nat_gateways", {}),
        ("eks", "describe_cluster", {"name": "ecommerce-production"}),
        ("eks", "list_nodegroups", {"clusterName": "ecommerce-production"}),
    )
    [vpc] = vpcs["Vpcs"]
    own = [s for s in subnets["Subnets"] if s["VpcId"] == vpc["VpcId"]]
    assert sorted(s["CidrBlock"] for s in own) == sorted(
        [f"10.0.{n}.0/24" for n in (1, 2, 3, 10, 20, 30)]
    )
    assert {g["State"] for g in gateways["NatGateways"]} == {"available"}
    assert len(gateways["NatGateways"]) == 3
    assert cluster["cluster"]["status"] == "ACTIVE"
    assert sorted(groups["nodegroups"]) == ["general", "spot"]


def test_every_private_subnet_leaves_by_the_gateway_of_its_zone(applied):
    tables, subnets, gateways = applied.aws.ask(
        ("ec2", "describe_route_tables", {}),
        ("ec2", "describe_subnets", {}),
        ("ec2", "describe_nat_gateways", {}),
    )
    zones = {s["SubnetId"]: s["AvailabilityZone"] for s in subnets["Subnets"]}
    leads = {g["NatGatewayId"]: zones[g["SubnetId"]] for g in gateways["NatGateways"]}
    found = {
        zones[link["SubnetId"]]: leads[route["NatGatewayId"]]
        for table in tables["RouteTables"]
        for route in table["Routes"]
        if "NatGatewayId" in route
        for link in table["Associations"]
        if "SubnetId" in link
    }
    assert found == {f"us-east-1{z}": f"us-east-1{z}" for z in "abc"}


def test_aurora_is_private_and_lets_in_the_nodes_alone(applied):
    clusters, instances, groups = applied.aws.ask(
        ("rds", "describe_db_clusters", {}),
        ("rds", "describe_db_instances", {}),
        ("ec2", "describe_security_groups", {}),
    )
    [cluster] = clusters["DBClusters"]
    assert (cluster["Engine"], cluster["StorageEncrypted"]) == ("aurora-postgresql", True)
    assert [i["PubliclyAccessible"] for i in instances["DBInstances"]] == [False, False]
    by_name = {g["GroupName"]: g for g in groups["SecurityGroups"]}
    nodes = by_name["ecommerce-production-nodes"]["GroupId"]
    [rule] = by_name["ecommerce-production-aurora"]["IpPermissions"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpRanges"]) == (5432, 5432, [])
    assert [pair["GroupId"] for pair in rule["UserIdGroupPairs"]] == [nodes]


def test_the_password_of_the_global_database_is_in_its_secret_and_not_in_the_state(applied):
    key = "production/terraform.tfstate"
    whole, secret, state = applied.aws.ask(
        ("rds", "describe_global_clusters", {}),
        ("secretsmanager", "get_secret_value", {"SecretId": f"{UNDER}/aurora/admin-1"}),
        ("s3", "head_object", {"Bucket": BUCKET, "Key": key}),
    )
    [member] = whole["GlobalClusters"][0]["GlobalClusterMembers"]
    assert member["DBClusterArn"].rpartition(":")[2] == SERVER
    password = secret["SecretString"]
    assert len(password) == 40
    assert password.isalnum(), "it stands in a URL as it is"
    assert state["ContentLength"] > 100_000
    assert password not in applied.terraform.run("state", "pull")


def test_where_the_database_stands_is_in_the_entry_that_services_read(applied):
    clusters, entry = applied.aws.ask(
        ("rds", "describe_db_clusters", {}),
        ("secretsmanager", "get_secret_value", {"SecretId": f"{UNDER}/aurora/host"}),
    )
    [cluster] = clusters["DBClusters"]
    assert entry["SecretString"] == cluster["Endpoint"]


def test_both_entrances_are_asked_and_what_the_cdn_asks_fails_over(applied):
    zones, checks, acls, distributions = applied.aws.ask(
        ("route53", "list_hosted_zones", {}),
        ("route53", "list_health_checks", {}),
        ("wafv2", "list_web_acls", {"Scope": "CLOUDFRONT"}),
        ("cloudfront", "list_distributions", {}),
    )
    [zone] = zones["HostedZones"]
    [found] = applied.aws.ask(
        ("route53", "list_resource_record_sets", {"HostedZoneId": zone["Id"]})
    )
    records = found["ResourceRecordSets"]
    asked = {
        check["HealthCheckConfig"]["FullyQualifiedDomainName"]: check["Id"]
        for check in checks["HealthChecks"]
    }
    entrances = [f"entrance-{region}.{ZONE}" for region in ("us-east-1", "eu-west-1")]
    assert sorted(asked) == sorted(entrances)
    moving = {r["Failover"]: r for r in records if "Failover" in r}
    for role, entrance in zip(("PRIMARY", "SECONDARY"), entrances, strict=True):
        record = moving[role]
        assert (record["Name"], record["TTL"]) == (f"entrance.{ZONE}.", 10)
        assert [value["Value"] for value in record["ResourceRecords"]] == [entrance]
        assert record["HealthCheckId"] == asked[entrance]
    [cdn] = distributions["DistributionList"]["Items"]
    hosts = {r["Name"] for r in records if cdn["DomainName"] in str(r.get("AliasTarget"))}
    assert hosts == {f"{ZONE}.", f"api.{ZONE}."}
    assert [acl["Name"] for acl in acls["WebACLs"]] == ["ecommerce-production"]


def test_files_are_read_by_the_cdn_alone(applied):
    name = f"ecommerce-files-{ACCOUNT}"
    policy, block, distributions = applied.aws.ask(
        ("s3", "get_bucket_policy", {"Bucket": name}),
        ("s3", "get_public_access_block", {"Bucket": name}),
        ("cloudfront", "list_distributions", {}),
    )
    [cdn] = distributions["DistributionList"]["Items"]
    allowed = [s for s in json.loads(policy["Policy"])["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert allowed[0]["Condition"] == {"StringEquals": {"aws:SourceArn": cdn["ARN"]}}
    assert set(block["PublicAccessBlockConfiguration"].values()) == {True}


def test_a_services_role_trusts_its_own_service_account_and_reads_its_own_secrets(applied):
    asked = {"user-service": "user-service-role", "order-service": f"{CLUSTER}-order-service"}
    cluster, *found = applied.aws.ask(
        ("eks", "describe_cluster", {"name": CLUSTER}),
        *(("iam", "get_role", {"RoleName": role}) for role in asked.values()),
        *(
            ("iam", "get_role_policy", {"RoleName": role, "PolicyName": "own"})
            for role in asked.values()
        ),
    )
    issuer = cluster["cluster"]["identity"]["oidc"]["issuer"].removeprefix("https://")
    read = {}
    for service, role, policy in zip(asked, found[:2], found[2:], strict=True):
        [trust] = role["Role"]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"]["Federated"] == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{issuer}"
        assert trust["Condition"] == {
            "StringEquals": {
                f"{issuer}:aud": "sts.amazonaws.com",
                f"{issuer}:sub": f"system:serviceaccount:ecommerce-prod:{service}",
            }
        }
        [statement] = policy["PolicyDocument"]["Statement"]
        read[service] = set(statement["Resource"])
    entries = f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:shop/production"
    # Vault makes the user: where the server is, is all that it reads of the database.
    told = {path for path in read["user-service"] if "/aurora/" in path or "-db/" in path}
    assert told == {f"{entries}/servers/aurora/host-??????"}
    assert read["user-service"] & read["order-service"] == told


def test_no_two_roles_trust_one_service_account_and_none_trusts_all(applied):
    [roles] = applied.aws.ask(("iam", "list_roles", {}))
    subjects = [
        subject
        for role in roles["Roles"]
        for statement in role["AssumeRolePolicyDocument"]["Statement"]
        for key, subject in statement.get("Condition", {}).get("StringEquals", {}).items()
        if key.endswith(":sub")
    ]
    assert len(subjects) == len(set(subjects)) == 14, "workloads, set-ups, disks, nodes, backups"
    assert [subject for subject in subjects if "*" in subject] == []


def test_outputs_name_what_the_objects_of_the_cluster_need(applied):
    said = {
        name: o["value"] for name, o in json.loads(applied.terraform.run("output", "-json")).items()
    }
    assert said["vpc_id"].startswith("vpc-")
    assert said["eks_cluster_name"] == "ecommerce-production"
    assert re.match(r"ecommerce-production-aurora\.cluster-", said["rds_endpoint"]["aurora"])
    registry = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com"
    assert said["repositories"]["ecommerce/api-gateway"] == f"{registry}/ecommerce/api-gateway"


def test_destroy_leaves_nothing(applied):
    applied.terraform.run("destroy", "-auto-approve", *VALUES)
    assert applied.terraform.run("state", "list") == ""
    vpcs, clusters, databases, images, roles = applied.aws.ask(
        ("ec2", "describe_vpcs", {"Filters": [{"Name": "is-default", "Values": ["false"]}]}),
        ("eks", "list_clusters", {}),
        ("rds", "describe_db_clusters", {}),
        ("ecr", "describe_repositories", {}),
        ("iam", "list_roles", {}),
    )
    left = (vpcs["Vpcs"], clusters["clusters"], databases["DBClusters"], images["repositories"])
    assert (*left, roles["Roles"]) == ([], [], [], [], [])
