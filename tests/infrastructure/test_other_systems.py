"""The Terraform of the other systems: the same root, planned with their values."""

from __future__ import annotations

import pytest
from rendered import plan_of
from terraformed import tree

#: The provider has 700 MB: beside four busy loops it takes minutes to start.
pytestmark = pytest.mark.timeout(600)

#: Its zones, its NAT gateways, its servers.
SYSTEMS = {
    ("starter", "production"): (2, 2, {"rds": "db.t4g.small"}),
    ("trading", "production"): (3, 3, {"rds": "db.t4g.large"}),
    ("hello-dd", "production"): (3, 3, {"rds": "db.t4g.medium", "elasticache": "cache.t4g.small"}),
    ("travel", "dev"): (2, 1, {}),
    ("travel", "prod"): (3, 3, {}),
}


@pytest.fixture(scope="module", params=SYSTEMS, ids="-".join)
def other(request, production, tmp_path_factory):
    """Plan another system in production's folder of the shop: the root is the same."""
    system, environment = request.param
    root = tree(system, environment, tmp_path_factory.mktemp("other"))
    # Beside its own root: that of the shop is looked at by other tests.
    values = root / "with_absent.tfvars"
    # What the shop has and this one has not must not stay.
    absent = {"postgres", "redis"} - {s.module for s in plan_of(system, environment).cloud.servers}
    own = (root / f"{environment}.auto.tfvars").read_text()
    values.write_text(own + "".join(f"{module} = {{}}\n" for module in sorted(absent)))
    return request.param, production.plan(f"-var-file={values}")


def test_it_has_its_network_cluster_repositories_and_servers(other):
    (system, environment), planned = other
    zones, gateways, servers = SYSTEMS[system, environment]
    settings = plan_of(system, environment)
    assert len(planned.of("aws_subnet")) == 2 * zones
    assert len(planned.of("aws_nat_gateway")) == gateways
    assert planned.one("aws_eks_cluster")["name"] == f"{system}-{environment}"
    assert len(planned.of("aws_eks_addon")) == 4
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
        assert database["manage_master_user_password"]


def test_its_buckets_are_private_encrypted_versioned_and_forget(other):
    (system, environment), planned = other
    account = plan_of(system, environment).cloud.account
    wanted = {"starter": {"backups"}, "travel": {"backups", "logs"}}.get(system, set())
    made = {bucket["bucket"] for bucket in planned.of("aws_s3_bucket").values()}
    assert made == {f"{system}-{environment}-{name}-{account}" for name in wanted}
    blocked = planned.of("aws_s3_bucket_public_access_block").values()
    keys = ("block_public_acls", "block_public_policy", "ignore_public_acls")
    assert len(blocked) == len(wanted)
    assert {b[k] for b in blocked for k in (*keys, "restrict_public_buckets")} <= {True}
    for kind in ("versioning", "server_side_encryption_configuration", "lifecycle_configuration"):
        assert len(planned.of(f"aws_s3_bucket_{kind}")) == len(wanted)
    [*rules] = planned.of("aws_s3_bucket_lifecycle_configuration").values()
    assert all(rule["rule"][0]["expiration"][0]["days"] > 0 for rule in rules)


def test_its_stores_let_in_nodes_alone_and_its_roles_are_closed(other):
    (system, environment), planned = other
    rules = planned.of("aws_vpc_security_group_ingress_rule").values()
    assert len(rules) == len(SYSTEMS[system, environment][2])
    assert [rule for rule in rules if rule["cidr_ipv4"] or rule["cidr_ipv6"]] == []
    names = {role["name"] for role in planned.of("aws_iam_role").values()}
    assert f"{system}-{environment}-secrets" in names
