"""The shop's Terraform, planned with the provider: what AWS would be asked to make.

No account is reached. Each test is one demand on the plan of production, or on its difference from
staging's.
"""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest
from experiments_of import exported
from rendered import ROOT, artifact_of, artifacts_of, plan_of
from terraformed import is_open

#: The provider has 700 MB: beside four busy loops it takes minutes to start.
pytestmark = pytest.mark.timeout(600)

TAGS = {"Project": "ecommerce", "Environment": "production", "ManagedBy": "terraform"}
CLUSTER = "ecommerce-production"
SERVERS = "shop/production/servers"


def tags(resource):
    return resource["tags_all"]


def by_tag(subnets, role):
    """Choose the subnets of load balancers: `elb` those of the internet, or `internal-elb`."""
    return [s for s in subnets.values() if tags(s).get(f"kubernetes.io/role/{role}") == "1"]


def statements(resource, document):
    return json.loads(resource[document])["Statement"]


def spec_of(kind):
    [made] = (a.data for a in artifacts_of("shop", "production") if a.data.get("kind") == kind)
    return made["spec"]


def test_root_modules_and_values_are_formatted_as_terraform_does(production):
    assert production.run("fmt", "-check", "-recursive") == ""


def test_root_and_modules_are_valid(planned):
    assert planned.is_valid, planned.said


def test_the_vpc_has_a_public_and_a_private_subnet_in_each_of_three_zones(planned):
    assert planned.one("aws_vpc")["cidr_block"] == "10.0.0.0/16"
    subnets = planned.of("aws_subnet")
    for role, third in (("elb", (1, 2, 3)), ("internal-elb", (10, 20, 30))):
        found = {s["availability_zone"]: s["cidr_block"] for s in by_tag(subnets, role)}
        zones = ("us-east-1a", "us-east-1b", "us-east-1c")
        assert found == {z: f"10.0.{n}.0/24" for z, n in zip(zones, third, strict=True)}


def test_no_subnet_gives_addresses_of_the_internet_and_none_overlap(planned):
    subnets = planned.of("aws_subnet").values()
    assert [s for s in subnets if s["map_public_ip_on_launch"]] == []
    networks = [ipaddress.ip_network(s["cidr_block"]) for s in subnets]
    assert [(a, b) for a in networks for b in networks if a is not b and a.overlaps(b)] == []


def test_production_has_a_nat_gateway_in_each_zone_and_staging_has_one(planned, staged):
    assert len(planned.of("aws_nat_gateway")) == 3
    assert len(staged.of("aws_nat_gateway")) == 1
    private = planned.of("aws_route_table")
    assert len([name for name in private if ".private[" in name]) == 3


def test_dns_is_on_and_s3_is_reached_past_the_nat_gateways(planned):
    vpc = planned.one("aws_vpc")
    assert (vpc["enable_dns_hostnames"], vpc["enable_dns_support"]) == (True, True)
    endpoint = planned.one("aws_vpc_endpoint")
    assert endpoint["service_name"] == "com.amazonaws.us-east-1.s3"
    assert endpoint["vpc_endpoint_type"] == "Gateway"
    tables = list(planned.references("aws_vpc_endpoint", "route_table_ids"))
    assert tables == ["aws_route_table.private"]


def test_subnets_have_the_tags_by_which_balancers_and_the_autoscaler_find_them(planned):
    subnets = planned.of("aws_subnet")
    public, private = by_tag(subnets, "elb"), by_tag(subnets, "internal-elb")
    assert len(public) == len(private) == 3
    for subnet in (*public, *private):
        assert tags(subnet)[f"kubernetes.io/cluster/{CLUSTER}"] == "shared"
    assert {tags(s).get("karpenter.sh/discovery") for s in private} == {CLUSTER}
    assert {tags(s).get("karpenter.sh/discovery") for s in public} == {None}


def test_whatever_takes_tags_says_project_environment_and_what_made_it(planned):
    taggable = {a: r for a, r in planned.resources.items() if "tags_all" in r}
    assert len(taggable) > 40
    assert {a: tags(r) for a, r in taggable.items() if not TAGS.items() <= tags(r).items()} == {}
    for template in planned.of("aws_launch_template").values():
        made = {t["resource_type"]: t["tags"] for t in template["tag_specifications"]}
        assert made.keys() == {"instance", "volume"}
        assert [t for t in made.values() if not TAGS.items() <= t.items()] == []


def test_an_experiment_of_a_lost_zone_finds_its_nodes_subnets_and_databases_by_their_tags(planned):
    wanted = {"Project": "ecommerce", "Environment": "production"}.items()
    made = [
        *planned.of("aws_subnet").values(),
        *planned.of("aws_rds_cluster").values(),
    ]
    assert len(made) == 7
    assert [one for one in made if not wanted <= tags(one).items()] == []


def test_the_cluster_is_of_the_version_of_the_objects_and_reached_by_named_networks(planned):
    cluster = planned.one("aws_eks_cluster")
    [network] = cluster["vpc_config"]
    assert (cluster["name"], cluster["version"]) == (
        CLUSTER,
        plan_of("shop", "production").cloud.kubernetes,
    )
    assert (network["endpoint_private_access"], network["endpoint_public_access"]) == (True, True)
    assert network["public_access_cidrs"] == ["203.0.113.0/24"]
    assert set(cluster["enabled_cluster_log_types"]) >= {"api", "audit", "authenticator"}
    assert cluster["encryption_config"][0]["resources"] == ["secrets"]
    assert cluster["access_config"][0]["authentication_mode"] == "API"


def test_another_version_of_kubernetes_is_one_variable(production):
    other = production.plan("-var=kubernetes_version=1.35").one("aws_eks_cluster")
    assert other["version"] == "1.35"


def group(planned, name):
    [found] = [g for g in planned.of("aws_eks_node_group").values() if g["node_group_name"] == name]
    [scaling] = found["scaling_config"]
    return found, (scaling["min_size"], scaling["desired_size"], scaling["max_size"])


def test_the_general_nodes_are_three_to_twenty_of_bottlerocket_and_staging_has_fewer(
    planned, staged
):
    general, counts = group(planned, "general")
    assert counts == (3, 5, 20)
    assert group(staged, "general")[1] == (2, 3, 10)
    assert (general["instance_types"], general["ami_type"]) == (["m5.large"], "BOTTLEROCKET_x86_64")
    assert (general["capacity_type"], general["labels"]) == ("ON_DEMAND", {"role": "general"})
    assert general["taint"] == []


def test_the_services_are_placed_on_the_general_nodes(planned):
    wanted = plan_of("shop", "production").settings.nodes
    labels = [g["labels"] for g in planned.of("aws_eks_node_group").values() if not g["taint"]]
    assert any(wanted.items() <= found.items() for found in labels)


def test_the_spot_nodes_are_tainted_and_of_three_types(planned):
    spot, counts = group(planned, "spot")
    assert counts == (0, 2, 20)
    assert spot["instance_types"] == ["m5.large", "m5a.large", "m5.xlarge"]
    assert spot["capacity_type"] == "SPOT"
    assert spot["labels"] == {"role": "spot", "capacity": "spot"}
    assert spot["taint"] == [{"key": "capacity", "value": "spot", "effect": "NO_SCHEDULE"}]


def test_nodes_have_encrypted_disks_and_no_pod_gets_their_role(planned):
    templates = planned.of("aws_launch_template").values()
    assert len(templates) == 2
    for template in templates:
        [metadata] = template["metadata_options"]
        assert (metadata["http_tokens"], metadata["http_put_response_hop_limit"]) == ("required", 1)
        [disk] = template["block_device_mappings"]
        assert disk["ebs"][0]["encrypted"] == "true"


def test_the_four_addons_are_there_and_the_disks_one_has_a_role_of_its_own(planned):
    addons = {a["addon_name"]: a for a in planned.of("aws_eks_addon").values()}
    four = {"coredns", "kube-proxy", "vpc-cni", "aws-ebs-csi-driver"}
    assert addons.keys() == four | {"metrics-server"}
    assert json.loads(addons["vpc-cni"]["configuration_values"]) == {"enableNetworkPolicy": "true"}
    disks = json.loads(addons["aws-ebs-csi-driver"]["configuration_values"])
    assert disks["defaultStorageClass"] == {"enabled": True}
    assert {a["resolve_conflicts_on_create"] for a in addons.values()} == {"OVERWRITE"}
    given = [a for a in addons.values() if a.get("service_account_role_arn", "unknown") is None]
    assert {a["addon_name"] for a in given} == addons.keys() - {"aws-ebs-csi-driver"}
    rights = {
        held["policy_arn"].rpartition("/")[2]
        for held in planned.of("aws_iam_role_policy_attachment").values()
        if held["role"] == "ecommerce-production-ebs"
    }
    assert rights == {"AmazonEBSCSIDriverPolicy"}


def test_aurora_has_a_writer_and_a_reader_of_the_environments_class(planned, staged):
    cluster = planned.one("aws_rds_cluster")
    assert (cluster["engine"], cluster["engine_version"]) == ("aurora-postgresql", "17")
    for plan, size in ((planned, "db.r6g.large"), (staged, "db.t4g.medium")):
        instances = plan.of("aws_rds_cluster_instance").values()
        assert [(i["instance_class"], i["publicly_accessible"]) for i in instances] == [
            (size, False)
        ] * 2
        zones = [i["availability_zone"] for i in instances]
        assert len({*zones}) == 2, zones
    assert planned.of("aws_db_instance") == {}


def test_aurora_is_encrypted_monitored_backed_up_and_protected(planned, staged):
    cluster = planned.one("aws_rds_cluster")
    assert (cluster["storage_encrypted"], cluster["deletion_protection"]) == (True, True)
    assert (cluster["apply_immediately"], cluster["skip_final_snapshot"]) == (False, False)
    assert cluster["final_snapshot_identifier"] == "ecommerce-production-aurora-final"
    assert cluster["backup_retention_period"] == 35
    assert cluster["preferred_backup_window"] == "03:00-04:00"
    assert cluster["enabled_cloudwatch_logs_exports"] == ["postgresql"]
    for made in (cluster, staged.one("aws_rds_cluster")):
        assert (made["manage_master_user_password"], made["master_password_wo_version"]) == (
            None,
            1,
        )
        assert (made["master_password"], made["master_password_wo"]) == (None, None)
    for instance in planned.of("aws_rds_cluster_instance").values():
        assert instance["monitoring_interval"] == 60
    [own] = planned.of("aws_rds_cluster_parameter_group").values()
    assert {"name": "rds.force_ssl", "value": "1"}.items() <= own["parameter"][-1].items()
    other = staged.one("aws_rds_cluster")
    assert other["backup_retention_period"] == 7
    assert (other["deletion_protection"], other["apply_immediately"]) == (False, True)


def test_stores_let_in_nodes_and_nothing_else(planned):
    rules = planned.of("aws_vpc_security_group_ingress_rule").values()
    assert sorted((r["from_port"], r["to_port"]) for r in rules) == [(5432, 5432), (6379, 6379)]
    assert [r for r in rules if r["cidr_ipv4"] or r["cidr_ipv6"] or r["prefix_list_id"]] == []
    assert planned.of("aws_security_group_rule") == {}
    [closed] = planned.of("aws_default_security_group").values()
    assert (closed.get("ingress", []), closed.get("egress", [])) == ([], [])


def test_stores_are_in_the_private_subnets(planned):
    calls = planned.data["configuration"]["root_module"]["module_calls"]
    for module in ("postgres", "redis"):
        said = calls[module]["expressions"]["subnet_ids"]["references"]
        assert said[0] == "module.network.private_subnet_ids"


def test_redis_has_three_nodes_that_take_over_from_each_other_encrypted(planned):
    redis = planned.one("aws_elasticache_replication_group")
    assert (redis["node_type"], redis["num_cache_clusters"]) == ("cache.r6g.large", 3)
    assert (redis["automatic_failover_enabled"], redis["multi_az_enabled"]) == (True, True)
    assert redis["at_rest_encryption_enabled"] == "true"
    assert redis["transit_encryption_enabled"]
    assert redis["snapshot_retention_limit"] == 7


def test_every_service_has_a_repository_that_scans_and_moves_no_tag(planned):
    services = {service.name for service in plan_of("shop", "production").services}
    repositories = planned.of("aws_ecr_repository").values()
    assert {r["name"] for r in repositories} == {f"ecommerce/{name}" for name in services}
    for repository in repositories:
        assert repository["image_tag_mutability"] == "IMMUTABLE"
        assert repository["image_scanning_configuration"] == [{"scan_on_push": True}]
    rules = [
        json.loads(p["policy"])["rules"] for p in planned.of("aws_ecr_lifecycle_policy").values()
    ]
    assert len(rules) == len(services)
    assert {len(found) for found in rules} == {2}


def test_images_are_pulled_from_a_repository_that_one_environment_makes(planned, staged):
    images = {
        workload.image.rpartition(":")[0] for workload in plan_of("shop", "production").services
    }
    made = {r["name"] for r in planned.of("aws_ecr_repository").values()}
    assert {image.partition("/")[2] for image in images} == made
    assert staged.of("aws_ecr_repository") == {}, "two that make one repository undo each other"


def test_no_policy_allows_everything_and_no_role_is_open(planned):
    found = list(planned.statements())
    assert len(found) >= 4
    assert [address for address, statement in found if is_open(statement)] == []


def test_keys_are_renewed_each_year(planned):
    keys = planned.of("aws_kms_key").values()
    assert len(keys) == 4
    assert {key["enable_key_rotation"] for key in keys} == {True}


def test_each_service_account_that_needs_aws_has_a_role_of_its_own_and_others_have_none(planned):
    accounts = {
        artifact.data["metadata"]["name"]: artifact.data["metadata"]
        for artifact in artifacts_of("shop", "production")
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "ServiceAccount"
    }
    said = {
        name: metadata.get("annotations", {}).get("eks.amazonaws.com/role-arn")
        for name, metadata in accounts.items()
    }
    assert said.pop("api-gateway") is None, "it has no secret, and calls nothing in AWS"
    assert said["user-service"] == "arn:aws:iam::123456789012:role/user-service-role"
    made = {r["name"]: r for r in planned.of("aws_iam_role").values()}
    given = planned.data["variables"]["service_roles"]["value"]
    assert {n: arn.rpartition("/")[2] for n, arn in said.items()} == {
        name: role["role"] for name, role in given.items()
    }
    assert {role["role"] for role in given.values()} <= made.keys()
    assert {role["namespace"] for role in given.values()} == {"ecommerce-prod"}


def test_a_role_reads_the_entries_of_its_own_service_alone(planned):
    given = planned.data["variables"]["service_roles"]["value"]
    found: dict[str, set[str]] = {}
    for artifact in artifacts_of("shop", "production"):
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "ExternalSecret":
            keys = {entry["remoteRef"]["key"] for entry in artifact.data["spec"]["data"]}
            service = artifact.data["metadata"]["labels"]["app.kubernetes.io/name"]
            found[service] = keys | found.get(service, set())
    assert {name: set(role["entries"]) for name, role in given.items()} == found
    # Services have users that Vault makes: the administrator's password is read by set-ups alone.
    readers = {name for name, keys in found.items() if f"{SERVERS}/aurora/admin-1" in keys}
    assert readers == {store.name for store in plan_of("shop", "production").setups}
    assert len(readers) == 4
    assert f"{SERVERS}/aurora/host" in found["order-service"]


def test_a_pod_does_not_get_the_role_of_its_node(planned):
    options = [one["metadata_options"][0] for one in planned.of("aws_launch_template").values()]
    assert {(o["http_tokens"], o["http_put_response_hop_limit"]) for o in options} == {
        ("required", 1)
    }
    pods = [
        a.data["spec"]["template"]["spec"]
        for a in artifacts_of("shop", "production")
        if a.path.startswith("k8s/") and a.data.get("kind") in ("Deployment", "StatefulSet", "Job")
    ]
    assert pods
    assert [pod for pod in pods if pod.get("hostNetwork")] == []


def test_alarms_and_role_of_an_experiment_are_those_that_its_template_names(planned):
    drill = ROOT / "systems/shop/drills/zone-lost.yaml"
    [template] = exported("fis", drill, environment="production")
    alarms = {one["alarm_name"]: one for one in planned.of("aws_cloudwatch_metric_alarm").values()}
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"
    named = [one["value"].removeprefix(arn) for one in template["stopConditions"]]
    assert named == ["ecommerce-prod-api_availability"]
    alarm = alarms[named[0]]
    assert (alarm["namespace"], alarm["treat_missing_data"]) == ("ecommerce-prod", "breaching")
    recorded = artifact_of("shop", "production", "observability/rules/slo-api-availability.yaml")
    assert alarm["metric_name"] in str(recorded.content)
    # A page calls a person when the budget of 0.05 % burns 14.4 times as fast as it may.
    assert alarm["threshold"] == pytest.approx(1 - 14.4 * 0.0005)
    roles = [role["name"] for role in planned.of("aws_iam_role").values()]
    assert template["roleArn"].rpartition("/")[2] in roles
    assert template["targets"]["nodes"]["resourceTags"].items() <= TAGS.items()


def test_the_plan_is_as_large_as_the_guide_says_and_has_the_roadmaps_outputs(planned):
    page = (ROOT / "docs/how-to/from-model-to-aws.md").read_text()
    assert f"Plan: {len(planned.resources)} to add" in page
    outputs = planned.data["planned_values"]["outputs"]
    assert {"vpc_id", "eks_cluster_name", "rds_endpoint"} <= outputs.keys()


def test_the_bill_of_what_has_the_environments_tag_is_held_against_its_budget(planned):
    budget = planned.one("aws_budgets_budget")
    assert (budget["limit_amount"], budget["limit_unit"]) == ("1600", "USD")
    assert budget["time_unit"] == "MONTHLY"
    assert budget["cost_filter"] == [
        {"name": "TagKeyValue", "values": ["user:Budget$ecommerce-production"]}
    ]
    told = {one["notification_type"]: one["threshold"] for one in budget["notification"]}
    assert told == {"ACTUAL": 80, "FORECASTED": 100}
    assert all(
        resource["tags_all"]["Budget"] == "ecommerce-production"
        for kind in ("aws_rds_cluster", "aws_eks_cluster", "aws_nat_gateway")
        for resource in planned.of(kind).values()
    )


def test_staging_differs_by_values_and_not_by_modules(planned, staged):
    def kinds(plan):
        return {address.split("[")[0] for address in plan.resources}

    # One keeps the repositories; a second region, node pools and backups are production's.
    apart = (
        "module.registry",
        "aws_ecr_replication_configuration",
        "aws_ecr_repository_creation_template",
        "module.dns",
        "module.experiments",
        "module.bucket",
        "module.budget",
        "module.karpenter",
        "module.velero",
        "aws_secretsmanager",
        "data.aws_lb_hosted_zone_id",
    )
    only = {a for a in kinds(planned) ^ kinds(staged) if not a.startswith(apart)}
    assert only == set()


def test_the_state_is_encrypted_locked_and_in_a_bucket_of_the_account():
    text = str(artifact_of("shop", "production", "infrastructure/backend.hcl").content)
    said = {
        name.strip(): value for name, _, value in (t.partition(" = ") for t in text.splitlines())
    }
    assert said == {
        "bucket": '"ecommerce-terraform-state-123456789012"',
        "key": '"production/terraform.tfstate"',
        "region": '"us-east-1"',
        "encrypt": "true",
        "use_lockfile": "true",
    }


def test_no_file_names_a_path_of_this_machine(production):
    files = [p for p in Path(production.folder).rglob("*.tf") if ".terraform" not in p.parts]
    assert len(files) > 20
    assert [p.name for p in files if "/root/" in p.read_text() or "/opt/" in p.read_text()] == []


def test_karpenter_hears_what_aws_takes_back_and_gives_nodes_the_role_of_the_groups(planned):
    queue = planned.one("aws_sqs_queue")
    assert (queue["name"], queue["sqs_managed_sse_enabled"]) == (CLUSTER, True)
    heard = [
        json.loads(rule["event_pattern"])["detail-type"]
        for address, rule in planned.of("aws_cloudwatch_event_rule").items()
        if "karpenter" in address
    ]
    assert sorted(kind for [kind] in heard) == [
        "AWS Health Event",
        "EC2 Instance Rebalance Recommendation",
        "EC2 Instance State-change Notification",
        "EC2 Spot Instance Interruption Warning",
    ]
    machine = spec_of("EC2NodeClass")
    roles = {role["name"] for role in planned.of("aws_iam_role").values()}
    assert {machine["role"], f"{CLUSTER}-karpenter"} <= roles
    [found] = machine["securityGroupSelectorTerms"]
    groups = planned.of("aws_security_group").values()
    [nodes] = [one for one in groups if one["name"] == f"{CLUSTER}-nodes"]
    assert found["tags"].items() <= tags(nodes).items()
    tag = planned.one("aws_ec2_tag")
    assert {tag["key"]: tag["value"]} == found["tags"]


def test_velero_writes_to_its_own_bucket_whose_objects_outlive_its_backups(planned):
    bucket = spec_of("BackupStorageLocation")["objectStorage"]["bucket"]
    assert bucket in {one["bucket"] for one in planned.of("aws_s3_bucket").values()}
    [rules] = [
        one["rule"]
        for address, one in planned.of("aws_s3_bucket_lifecycle_configuration").items()
        if bucket in address
    ]
    assert rules[0]["expiration"][0]["days"] == 37
    assert spec_of("Schedule")["template"]["ttl"] == "720h"
    assert f"{CLUSTER}-velero" in {role["name"] for role in planned.of("aws_iam_role").values()}
