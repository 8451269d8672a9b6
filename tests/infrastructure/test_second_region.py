"""A second region: its own plan, its cluster's tree, and what in the first one's leads there.

Of the shop, where no other system is named.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace

import pytest
from objects import objects_of
from rendered import plan_of
from terraformed import Terraform, offline_tree, without_role

#: The provider has 700 MB: beside four busy loops it takes minutes to start.
pytestmark = pytest.mark.timeout(600)

REGION, OTHER = "us-east-1", "eu-west-1"
ZONE = "ecommerce.example.com"
UNDER = "shop/production/servers"


@pytest.fixture(scope="module")
def second(production):
    """Give the second region its workspace, and leave the first one's selected."""
    production.run("workspace", "new", OTHER)
    production.run("workspace", "select", "default")
    return replace(production, env={**production.env, "TF_WORKSPACE": OTHER})


@pytest.fixture(scope="module")
def standby(second):
    return second.plan("-var-file=secondary.tfvars")


def test_the_second_region_names_nothing_of_the_first_one(standby):
    assert len(standby.resources) > 60
    assert REGION not in json.dumps(standby.data["planned_values"])
    zones = {subnet["availability_zone"] for subnet in standby.of("aws_subnet").values()}
    assert zones == {f"{OTHER}{end}" for end in "abc"}


def test_values_of_the_first_region_are_refused_in_the_workspace_of_the_second(second):
    said = second.run("plan", "-input=false", code=1)
    assert "The second region has a workspace of its region's name" in " ".join(
        said.replace("│", " ").split()
    )


def test_networks_and_names_of_both_regions_are_apart(planned, standby):
    first, other = (
        ipaddress.ip_network(plan.one("aws_vpc")["cidr_block"]) for plan in (planned, standby)
    )
    assert not first.overlaps(other)
    # Names of roles are one space for all regions of an account.
    names = [{r["name"] for r in p.of("aws_iam_role").values()} for p in (planned, standby)]
    assert names[0] & names[1] == set()
    assert {"user-service-role-dr", "ecommerce-production-order-service-dr"} <= names[1]


def test_a_pilot_light_has_one_node_and_one_variable_makes_the_others(second, standby):
    [(address, pilot)] = standby.of("aws_eks_node_group").items()
    assert 'aws_eks_node_group.this["pilot"]' in address
    assert pilot["capacity_type"] == "ON_DEMAND"
    [size] = pilot["scaling_config"]
    assert (size["min_size"], size["desired_size"]) == (1, 1)
    serving = second.plan("-var-file=secondary.tfvars", "-var=pilot_light=false")
    sizes = {
        group["node_group_name"]: group["scaling_config"][0]["desired_size"]
        for group in serving.of("aws_eks_node_group").values()
    }
    assert sizes == {"general": 5, "spot": 2}


def test_a_pilot_light_of_travel_grows_by_one_variable(tmp_path):
    root = offline_tree("travel", "prod", tmp_path)
    values = root / "prod.auto.tfvars"
    values.write_text(without_role(values))
    terraform = Terraform.of(root)
    terraform.run("init", "-input=false")
    terraform.run("workspace", "new", "eu-central-1")
    pilot, serving = (
        terraform.plan("-var-file=secondary.tfvars", *more).of("aws_eks_node_group")
        for more in ((), ("-var=pilot_light=false",))
    )
    sizes = [
        {
            one["node_group_name"]: one["scaling_config"][0]["desired_size"]
            for one in groups.values()
        }
        for groups in (pilot, serving)
    ]
    assert sizes == [{"pilot": 1}, {"general": 4}]


def test_images_are_copied_to_the_second_region_with_their_tags(planned):
    [given] = planned.one("aws_ecr_replication_configuration")["replication_configuration"]
    [rule] = given["rule"]
    [destination] = rule["destination"]
    assert destination["region"] == OTHER
    kept = {repository["name"] for repository in planned.of("aws_ecr_repository").values()}
    assert {one["filter"] for one in rule["repository_filter"]} == kept
    copies = planned.of("aws_ecr_repository_creation_template").values()
    assert {one["prefix"] for one in copies} == kept
    assert {one["image_tag_mutability"] for one in copies} == {"IMMUTABLE"}


def test_what_the_second_cluster_takes_from_git_fits_what_terraform_makes_there(planned, standby):
    accounts = [
        account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"].rpartition("/")[2]
        for account in objects_of("shop", "dr", "ServiceAccount")
        if account["metadata"].get("annotations")
    ]
    made = {role["name"] for role in standby.of("aws_iam_role").values()}
    assert len(accounts) > 10
    assert set(accounts) <= made
    stores = objects_of("shop", "dr", "SecretStore")
    assert {one["spec"]["provider"]["aws"]["region"] for one in stores} == {OTHER}
    images = {workload.image for workload in plan_of("shop", "dr").services}
    kept = {repository["name"] for repository in planned.of("aws_ecr_repository").values()}
    registry = f"123456789012.dkr.ecr.{OTHER}.amazonaws.com/"
    assert {image.removeprefix(registry).partition(":")[0] for image in images} == kept


def test_aurora_of_the_second_region_follows_the_first_ones(planned, standby):
    whole = planned.one("aws_rds_global_cluster")
    leads, follows = planned.one("aws_rds_cluster"), standby.one("aws_rds_cluster")
    assert whole["global_cluster_identifier"] == follows["global_cluster_identifier"]
    assert whole["deletion_protection"] is True
    assert standby.of("aws_rds_global_cluster") == {}
    assert list(planned.references("aws_rds_global_cluster", "source_db_cluster_identifier"))
    assert leads["cluster_identifier"] != follows["cluster_identifier"]
    assert (follows["storage_encrypted"], follows["deletion_protection"]) == (True, True)


def test_the_password_of_a_global_database_is_in_no_plan(planned, standby):
    leads = planned.one("aws_rds_cluster")
    # AWS manages none of a global database, and refuses to be asked.
    assert leads["manage_master_user_password"] is None
    assert (leads["master_password"], leads["master_password_wo"]) == (None, None)
    assert leads["master_password_wo_version"] == 1
    secrets = {s["name"]: s for s in planned.of("aws_secretsmanager_secret").values()}
    copied = {name: [r["region"] for r in s.get("replica", ())] for name, s in secrets.items()}
    assert copied.pop(f"{UNDER}/aurora/admin-1") == [OTHER]
    versions = planned.of("aws_secretsmanager_secret_version").values()
    assert [v.get("secret_string_wo") for v in versions] == [None] * len(versions)
    assert [v for v in versions if v.get("secret_string")] == []
    # Where a server stands is each region's own.
    hosts = {f"{UNDER}/aurora/host", f"{UNDER}/elasticache/host"}
    assert set(copied) == hosts
    assert {s["name"] for s in standby.of("aws_secretsmanager_secret").values()} == hosts


def test_route_53_asks_each_region_by_a_name_that_leads_there_alone(planned):
    checks = planned.of("aws_route53_health_check").values()
    asked = {(c["type"], c["port"], c["resource_path"]) for c in checks}
    assert asked == {("HTTPS", 443, "/health")}
    assert [(c["failure_threshold"], c["request_interval"]) for c in checks] == [(3, 10), (3, 10)]
    entrances = {
        record["name"]: record["alias"][0]["name"]
        for record in planned.of("aws_route53_record").values()
        if record["name"].startswith("entrance-")
    }
    assert entrances.keys() == {f"entrance-{region}.{ZONE}" for region in (REGION, OTHER)}
    for name, balancer in entrances.items():
        region = name.removeprefix("entrance-").partition(".")[0]
        assert balancer.endswith(f".elb.{region}.amazonaws.com")


def test_every_host_fails_over_and_no_answer_is_kept_for_longer_than_ten_seconds(planned):
    records = [r for r in planned.of("aws_route53_record").values() if r["set_identifier"]]
    roles = {
        (r["name"], r["failover_routing_policy"][0]["type"]): r["set_identifier"] for r in records
    }
    assert roles == {
        (host, role): region
        for host in (ZONE, f"api.{ZONE}")
        for role, region in (("PRIMARY", REGION), ("SECONDARY", OTHER))
    }
    named = [r for r in records if r["name"] != ZONE]
    assert {(r["type"], r["ttl"]) for r in named} == {("CNAME", 10)}
    # The zone's own name can be no CNAME; of an alias AWS sets the time, 60 s.
    own = [r["alias"][0] for r in records if r["name"] == ZONE]
    assert [alias["evaluate_target_health"] for alias in own] == [True, True]
    others = [r for r in planned.of("aws_route53_record").values() if not r["set_identifier"]]
    assert [r["name"] for r in others if not r["name"].startswith("entrance-")] == []
