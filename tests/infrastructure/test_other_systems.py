"""The Terraform of the other systems: the same root, planned with their values."""

from __future__ import annotations

import json

import pytest
from rendered import artifact_of, artifacts_of, plan_of
from terraformed import is_open, tree, values_for

#: The provider has 700 MB: beside four busy loops it takes minutes to start.
pytestmark = pytest.mark.timeout(600)

#: Its zones, its NAT gateways, its servers.
SYSTEMS = {
    ("starter", "production"): (2, 2, {"rds": "db.t4g.small"}),
    ("trading", "production"): (3, 3, {"rds": "db.t4g.large"}),
    ("travel", "stg"): (3, 1, {}),
    ("travel", "prod"): (3, 3, {}),
}


@pytest.fixture(scope="module", params=SYSTEMS, ids="-".join)
def other(request, production, tmp_path_factory):
    """Plan another system in production's folder of the shop: the root is the same."""
    system, environment = request.param
    root = tree(system, environment, tmp_path_factory.mktemp("other"))
    return request.param, production.plan(values_for(system, environment, root))


def of(planned, module, kind):
    """List the resources of a type in a module."""
    found = planned.of(kind).items()
    return [after for address, after in found if address.startswith(f"module.{module}[")]


def test_it_has_its_network_cluster_repositories_and_servers(other):
    (system, environment), planned = other
    zones, gateways, servers = SYSTEMS[system, environment]
    settings = plan_of(system, environment)
    # With a firewall each zone has one for its endpoint, and one for the NAT gateway behind it.
    layers = 4 if settings.cloud.egress else 2
    assert len(planned.of("aws_subnet")) == layers * zones
    assert len(planned.of("aws_nat_gateway")) == gateways
    assert planned.one("aws_eks_cluster")["name"] == f"{system}-{environment}"
    assert len(planned.of("aws_eks_addon")) == 5
    repositories = {r["name"].rpartition("/")[2] for r in planned.of("aws_ecr_repository").values()}
    assert repositories == {service.name for service in settings.services}
    made = {r["instance_class"] for r in planned.of("aws_db_instance").values()}
    made |= {r["node_type"] for r in planned.of("aws_elasticache_replication_group").values()}
    assert made == set(servers.values())
    assert planned.of("aws_rds_cluster") == {}


def test_its_databases_are_private_encrypted_and_stand_by_in_another_zone(other):
    (system, environment), planned = other
    found = planned.of("aws_db_instance").values()
    assert len(found) == ("rds" in SYSTEMS[system, environment][2])
    for database in found:
        assert (database["multi_az"], database["publicly_accessible"]) == (True, False)
        assert (database["storage_encrypted"], database["deletion_protection"]) == (True, True)
        assert database["skip_final_snapshot"] is False
        assert database["manage_master_user_password"] is None
        assert (database["password"], database["password_wo"]) == (None, None)
        assert database["password_wo_version"] == 1
        assert database["backup_retention_period"] == {"starter": 7, "trading": 14}[system]


def test_each_service_account_names_the_role_that_trusts_it_alone(other):
    (system, environment), planned = other
    said = {
        metadata["name"]: role.rpartition("/")[2]
        for artifact in artifacts_of(system, environment)
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "ServiceAccount"
        for metadata in [artifact.data["metadata"]]
        if (role := metadata.get("annotations", {}).get("eks.amazonaws.com/role-arn"))
    }
    made = {role["name"] for role in of(planned, "service_role", "aws_iam_role")}
    assert said
    assert set(said.values()) == made
    assert said.keys() <= {workload.name for workload in plan_of(system, environment).with_setups}
    given = planned.data["variables"]["service_roles"]["value"]
    assert {name: role["role"] for name, role in given.items()} == said
    secrets = [path for role in given.values() for path in role["entries"]]
    assert [path for path in secrets if not path.startswith(f"{system}/{environment}/")] == []


def test_what_external_secrets_reads_of_its_servers_is_written_and_no_password_is_in_the_plan(
    other,
):
    (system, environment), planned = other
    entries = {entry["name"] for entry in planned.of("aws_secretsmanager_secret").values()}
    read = {
        data["remoteRef"]["key"]
        for artifact in artifacts_of(system, environment)
        if artifact.path.startswith("k8s/") and artifact.data.get("kind") == "ExternalSecret"
        for data in artifact.data["spec"].get("data", ())
    }
    made = {store.name for store in plan_of(system, environment).managed if store.made}
    of_servers = {
        key
        for key in read
        if "/servers/" in key or any(f"/stores/{store}/" in key for store in made)
    }
    assert entries == of_servers
    assert bool(entries) == ("rds" in SYSTEMS[system, environment][2])
    versions = planned.of("aws_secretsmanager_secret_version").values()
    # An address is known once its server is there; what is given in a write-only argument never is.
    assert {version.get("secret_string") for version in versions} <= {None}
    numbered = [version for version in versions if version["secret_string_wo_version"] == 1]
    assert len(numbered) == len([entry for entry in entries if not entry.endswith("/host")])


def test_its_buckets_are_private_encrypted_versioned_and_forget(other):
    (system, environment), planned = other
    account = plan_of(system, environment).cloud.account
    wanted = {"starter": {"backups"}, "travel": {"backups", "logs"}}.get(system, set())
    made = {bucket["bucket"] for bucket in of(planned, "bucket", "aws_s3_bucket")}
    assert made == {f"{system}-{environment}-{name}-{account}" for name in wanted}
    blocked = of(planned, "bucket", "aws_s3_bucket_public_access_block")
    keys = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    assert len(blocked) == len(wanted)
    assert {b[k] for b in blocked for k in (*keys, "restrict_public_buckets")} <= {True}
    for kind in ("versioning", "server_side_encryption_configuration", "lifecycle_configuration"):
        assert len(of(planned, "bucket", f"aws_s3_bucket_{kind}")) == len(wanted)
    for sealed in of(planned, "bucket", "aws_s3_bucket_server_side_encryption_configuration"):
        [rule] = sealed["rule"]
        [default] = rule["apply_server_side_encryption_by_default"]
        assert default["sse_algorithm"] == "aws:kms"
    rules = of(planned, "bucket", "aws_s3_bucket_lifecycle_configuration")
    assert all(rule["rule"][0]["expiration"][0]["days"] > 0 for rule in rules)


def test_its_stores_let_in_nodes_alone(other):
    (system, environment), planned = other
    rules = planned.of("aws_vpc_security_group_ingress_rule").values()
    assert len(rules) == len(SYSTEMS[system, environment][2])
    assert [rule for rule in rules if rule["cidr_ipv4"] or rule["cidr_ipv6"]] == []


def test_its_roles_allow_no_wildcard_and_none_is_open(other):
    (system, environment), planned = other
    found = list(planned.statements())
    assert len(found) >= 3
    assert [address for address, statement in found if is_open(statement)] == []
    roles = {role["name"] for role in planned.of("aws_iam_role").values()}
    machines = [
        a.data["spec"]["role"]
        for a in artifacts_of(system, environment)
        if a.path.startswith("k8s/") and a.data.get("kind") == "EC2NodeClass"
    ]
    assert bool(machines) == ((system, environment) == ("travel", "prod"))
    for role in machines:  # of the nodes that Karpenter makes, and its own
        assert {role, f"{system}-{environment}-karpenter"} <= roles


def test_its_hosts_lead_to_its_balancer_or_to_the_cdn_before_it(other):
    (system, environment), planned = other
    records = {
        (record["name"], record["type"]): record["alias"][0]
        for record in planned.of("aws_route53_record").values()
        if record.get("alias")
    }
    zones = [zone["name"] for zone in planned.of("aws_route53_zone").values()]
    if system == "trading":
        assert zones == ["yourdomain.com"]
        entrance = records.pop(("entrance-us-east-1.yourdomain.com", "A"))
        assert entrance["name"].endswith(".elb.us-east-1.amazonaws.com")
        # The zone of its network load balancers: every account has the same.
        assert (entrance["zone_id"], entrance["evaluate_target_health"]) == ("Z26RNL4JYFTOTI", True)
        assert records.keys() == {("app.yourdomain.com", kind) for kind in ("A", "AAAA")}
        assert "module.cdn[0].name" in module_inputs(planned, "dns", "cdn")
    elif (system, environment) == ("travel", "prod"):
        assert zones == ["travelsources.com"]
        names = {"travelsources.com", "api.travelsources.com"}
        assert records.keys() == {
            (name, "A") for name in (*names, "entrance-eu-west-1.travelsources.com")
        }
        assert {records[name, "A"]["name"] for name in names} == {
            "entrance-eu-west-1.travelsources.com"
        }
    elif (system, environment) == ("travel", "stg"):
        assert (zones, records) == (["stg.travelsources.com"], {})
    else:
        assert (zones, records) == ([], {})


def test_external_dns_changes_the_zone_of_its_environment_and_no_other(other):
    (system, environment), planned = other
    made = of(planned, "records", "aws_iam_role")
    if (system, environment) != ("travel", "stg"):
        assert made == []
        return
    [role] = made
    values = artifact_of(system, environment, "dns/values/external-dns.yaml").data
    annotated = values["serviceAccount"]["annotations"]["eks.amazonaws.com/role-arn"]
    assert annotated == f"arn:aws:iam::222222222222:role/{role['name']}"
    assert values["domainFilters"] == ["stg.travelsources.com"]
    # The zone's number is known once it is made, so the policy is not in the plan.
    assert "module.dns[0].zone_id" in module_inputs(planned, "records", "allows")


def module_inputs(planned, module, name):
    """List what the root gives a module for a variable refers to."""
    calls = planned.data["configuration"]["root_module"]["module_calls"]
    return set(calls[module]["expressions"][name]["references"])


def test_trading_has_a_certificate_a_firewall_and_files_that_the_cdn_alone_reads(other):
    (system, _), planned = other
    if system != "trading":
        assert planned.of("aws_cloudfront_distribution") == {}
        assert planned.of("aws_wafv2_web_acl") == {}
        return
    certificate = planned.one("aws_acm_certificate")
    assert (certificate["domain_name"], certificate["validation_method"]) == (
        "app.yourdomain.com",
        "DNS",
    )
    assert len(planned.of("aws_acm_certificate_validation")) == 1
    cdn = planned.one("aws_cloudfront_distribution")
    [viewed] = cdn["viewer_certificate"]
    assert (cdn["aliases"], viewed["minimum_protocol_version"]) == (
        ["app.yourdomain.com"],
        "TLSv1.2_2021",
    )
    [default] = cdn["default_cache_behavior"]
    assert (default["viewer_protocol_policy"], default["target_origin_id"]) == (
        "redirect-to-https",
        "entrance",
    )
    found = {b["path_pattern"]: b for b in cdn["ordered_cache_behavior"]}
    static = found["/static/*"]
    assert (static["target_origin_id"], static["compress"]) == ("files", True)
    plain = [p for p, b in found.items() if b["viewer_protocol_policy"] == "allow-all"]
    assert plain == ["/.well-known/acme-challenge/*"]
    [blocked] = of(planned, "cdn", "aws_s3_bucket_public_access_block")
    assert (blocked["restrict_public_buckets"], blocked["block_public_policy"]) == (True, True)


def test_tradings_firewall_counts_addresses_and_has_the_rules_against_known_attacks(other):
    (system, _), planned = other
    if system != "trading":
        assert planned.of("aws_wafv2_web_acl") == {}
        return
    acl = planned.one("aws_wafv2_web_acl")
    assert acl["scope"] == "CLOUDFRONT"
    rules = {rule["name"]: rule for rule in acl["rule"]}
    [rate] = rules.pop("rate")["statement"][0]["rate_based_statement"]
    assert (rate["limit"], rate["aggregate_key_type"]) == (6000, "IP")
    assert {"AWSManagedRulesCommonRuleSet", "AWSManagedRulesSQLiRuleSet"} <= rules.keys()
    assert [name for name, rule in rules.items() if rule["override_action"][0]["count"]] == []
    assert module_inputs(planned, "cdn", "web_acl_arn") >= {"module.firewall[0].arn"}
    assert list(planned.references("aws_cloudfront_distribution", "web_acl_id")) == [
        "var.web_acl_arn"
    ]


def test_travels_production_leaves_by_a_firewall_that_drops_what_is_not_on_its_list(other):
    (system, environment), planned = other
    if (system, environment) != ("travel", "prod"):
        assert planned.of("aws_networkfirewall_firewall") == {}
        return
    firewall = planned.one("aws_networkfirewall_firewall")
    assert (firewall["delete_protection"], firewall["subnet_change_protection"]) == (True, True)
    assert len(firewall["subnet_mapping"]) == 3
    [policy] = planned.one("aws_networkfirewall_firewall_policy")["firewall_policy"]
    assert policy["stateless_default_actions"] == ["aws:forward_to_sfe"]
    assert "aws:drop_established" in policy["stateful_default_actions"]
    assert policy["stateful_engine_options"][0]["rule_order"] == "STRICT_ORDER"
    assert len(policy["stateful_rule_group_reference"]) == 2
    groups = {
        group["name"]: group["rule_group"][0]["rules_source"][0]
        for group in planned.of("aws_networkfirewall_rule_group").values()
    }
    [hosts] = groups["travel-prod-hosts"]["rules_source_list"]
    assert hosts["generated_rules_type"] == "ALLOWLIST"
    assert set(plan_of(system, environment).cloud.egress.hosts) < set(hosts["targets"])
    others = groups["travel-prod-others"]["stateful_rule"]
    assert {(r["header"][0]["protocol"], r["action"]) for r in others} == {
        ("ICMP", "DROP"),
        ("UDP", "DROP"),
    }
    log = planned.one("aws_networkfirewall_logging_configuration")["logging_configuration"][0]
    [kept] = of(planned, "egress", "aws_cloudwatch_log_group")
    [said] = log["log_destination_config"]
    assert (said["log_type"], said["log_destination"]["logGroup"]) == ("ALERT", kept["name"])
    assert kept["retention_in_days"] == 365
    assert "aws_kms_key.this.arn" in planned.references("aws_cloudwatch_log_group", "kms_key_id")


def test_what_travels_production_sends_passes_the_firewall_before_a_nat_gateway_and_back(other):
    (system, environment), planned = other
    routes = planned.of("aws_route")
    out = [route for address, route in routes.items() if ".nat[" in address]
    if (system, environment) != ("travel", "prod"):
        assert {"nat_gateway_id" in route for route in out} == {False}, "known once it is made"
        assert [route for route in out if route["vpc_endpoint_id"]] == []
        return
    # An endpoint is known once it is made, and nothing else is where a private subnet leaves.
    assert {route["nat_gateway_id"] for route in out} == {None}
    assert {"vpc_endpoint_id" in route for route in out} == {False}
    ways = {(r["name"]): r["expressions"] for r in network_resources(planned, "aws_route")}
    assert "var.firewall_endpoints" in ways["nat"]["vpc_endpoint_id"]["references"]
    assert "aws_route_table.firewall" in ways["inspected"]["route_table_id"]["references"]
    assert "aws_nat_gateway.this" in ways["inspected"]["nat_gateway_id"]["references"]
    # The table of the NAT gateways' own subnets, in which no load balancer is.
    assert "aws_route_table.nat" in ways["back"]["route_table_id"]["references"]
    assert "var.firewall_endpoints" in ways["back"]["vpc_endpoint_id"]["references"]
    back = {route["destination_cidr_block"] for a, route in routes.items() if ".back[" in a}
    assert back == {zone.private for zone in plan_of(system, environment).cloud.subnets}
    [gateway] = network_resources(planned, "aws_nat_gateway")
    assert "aws_subnet.nat" in gateway["expressions"]["subnet_id"]["references"]
    assert "module.egress[0].endpoints" in module_inputs(planned, "network", "firewall_endpoints")


def network_resources(planned, kind):
    """List the resources of a type in the network's module, as they are written."""
    calls = planned.data["configuration"]["root_module"]["module_calls"]
    return [r for r in calls["network"]["module"]["resources"] if r["type"] == kind]


def test_snapshots_are_made_every_night_of_what_has_its_tags_and_travels_are_copied(other):
    (system, environment), planned = other
    cloud = plan_of(system, environment).cloud
    if cloud.snapshot_days is None:
        assert planned.of("aws_backup_plan") == {}
        return
    [rule] = planned.one("aws_backup_plan")["rule"]
    assert rule["schedule"] == "cron(0 2 * * ? *)"
    assert [kept["delete_after"] for kept in rule["lifecycle"]] == [35]
    selection = planned.one("aws_backup_selection")
    assert "arn:aws:ec2:*:*:volume/*" in selection["resources"]
    [wanted] = selection["condition"]
    tags = {e["key"].partition("/")[2]: e["value"] for e in wanted["string_equals"]}
    assert tags == {"Project": system, "Environment": environment}
    # The disks of pods have them, too.
    [disks] = [a for a in planned.of("aws_eks_addon").values() if "ebs" in a["addon_name"]]
    given = json.loads(disks["configuration_values"])["controller"]["extraVolumeTags"]
    assert tags.items() <= given.items()
    vaults = {vault["name"] for vault in planned.of("aws_backup_vault").values()}
    name = f"{system}-{environment}"
    copied = {f"{name}-copies"} if cloud.standby else set()
    assert vaults == {name} | copied
    assert len(rule["copy_action"]) == len(copied)
    # With the provider of the other region, and a key there.
    calls = planned.data["configuration"]["root_module"]["module_calls"]["copies"]["module"]
    assert {r["provider_config_key"] for r in calls["resources"]} == {"aws.standby"}
    assert {r["type"] for r in calls["resources"]} == {"aws_backup_vault", "aws_kms_key"}
