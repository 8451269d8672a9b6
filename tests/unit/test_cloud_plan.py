"""What a cloud holds follows from the model, and what does not fit is refused where it stands."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo
from rendered import RENDERERS, plan_of

from tarmac.errors import BadInput
from tarmac.plan.deploy import deploy
from tarmac.render.collect import artifacts

SYSTEM = """
tarmac: 1
system: demo
services:
  web: {run: [bin/web], port: 8080, env: {DB: "${stores.db.url}", CACHE: "${stores.cache.url}"}}
stores: {db: postgres, cache: redis}
environments:
"""
AWS = "cloud: aws, region: eu-central-1, zones: 3"
SERVERS = "servers: {aurora: [db], elasticache: [cache]}"
ECR = "registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/demo"


def served(server: str, store: str, sizes: str) -> str:
    """Write an environment with a server and sizes of servers."""
    return f"{AWS}, servers: {{{server}: [{store}]}}, infrastructure: {{servers: {{{sizes}}}}}"


def planned(*environments: str):
    names = ("first", "second")
    lines = "".join(f"  {name}: {{{e}}}\n" for name, e in zip(names, environments, strict=False))
    system = demo(SYSTEM + lines)
    return [deploy(system, name, KINDS) for name, _ in zip(names, environments, strict=False)]


def refused(environment: str) -> list[str]:
    with pytest.raises(BadInput) as found:
        planned(environment)
    return [str(problem) for problem in found.value.problems]


def test_an_environment_that_does_not_ask_has_no_terraform():
    [plan] = planned(f"{AWS}, {SERVERS}")
    assert plan.cloud is None
    assert [a for a in artifacts(plan, RENDERERS) if a.path.startswith("infrastructure/")] == []


def test_subnets_follow_from_network_and_zones():
    [plan] = planned(f"{AWS}, network: 10.32.0.0/20, infrastructure: {{}}")
    assert [(s.zone, s.public, s.private) for s in plan.cloud.subnets] == [
        ("eu-central-1a", "10.32.0.16/28", "10.32.0.160/28"),
        ("eu-central-1b", "10.32.0.32/28", "10.32.1.64/28"),
        ("eu-central-1c", "10.32.0.48/28", "10.32.1.224/28"),
    ]


def test_nothing_but_what_the_model_has_is_made():
    [plan] = planned(f"{AWS}, infrastructure: {{}}")
    cloud = plan.cloud
    assert (cloud.servers, cloud.repositories, cloud.account, cloud.state_bucket) == (
        (),
        (),
        None,
        None,
    )
    assert (cloud.project, cloud.nat, [group.name for group in cloud.nodes]) == (
        "demo",
        3,
        ["general"],
    )
    backend = next(a for a in artifacts(plan, RENDERERS) if a.path.endswith("backend.hcl"))
    assert "bucket" not in str(backend.content)
    assert "terraform init -backend-config=backend.hcl -backend-config=bucket=NAME" in backend.notes


def test_without_protection_one_gateway_is_enough():
    [plan] = planned(f"{AWS}, infrastructure: {{protected: false}}")
    assert plan.cloud.nat == 1


def test_nodes_of_arm_start_from_an_image_of_arm():
    groups = "{general: {types: [m7g.large]}, old: {types: [m5.large, r5.large]}}"
    [plan] = planned(f"{AWS}, infrastructure: {{nodes: {groups}}}")
    assert [(group.name, group.arm) for group in plan.cloud.nodes] == [
        ("general", True),
        ("old", False),
    ]


def test_the_last_of_two_environments_keeps_the_repositories_of_their_registry():
    one = f"{AWS}, {ECR}, infrastructure: {{}}"
    first, second = planned(one, one)
    assert (first.cloud.repositories, first.cloud.keeper) == ((), "second")
    assert (second.cloud.repositories, second.cloud.keeper) == (("demo/web",), "second")
    assert second.cloud.state_bucket == "demo-terraform-state-123456789012"


def test_each_of_two_environments_with_a_registry_of_its_own_keeps_it():
    other = ECR.replace("123456789012", "210987654321")
    first, second = planned(
        f"{AWS}, {ECR}, infrastructure: {{}}", f"{AWS}, {other}, infrastructure: {{}}"
    )
    assert first.cloud.repositories == second.cloud.repositories == ("demo/web",)


def test_a_server_that_is_not_of_aws_is_made_elsewhere():
    [plan] = planned(
        f"{AWS}, servers: {{aurora: [db], memorystore: [cache]}}, infrastructure: "
        "{servers: {aurora: {instance: db.r6g.large}}}"
    )
    assert [server.name for server in plan.cloud.servers] == ["aurora"]
    assert plan.cloud.others == ("memorystore",)


def test_an_rds_server_has_a_disk_and_aurora_none():
    size = "instance: db.t4g.medium, disk: 100Gi"
    [plan] = planned(
        f"{AWS}, servers: {{rds: [db]}}, infrastructure: {{servers: {{rds: {{{size}}}}}}}"
    )
    [server] = plan.cloud.servers
    assert (server.module, server.disk_gb, server.version) == ("postgres", 100, "17")
    [aurora] = [s for s in plan_of("shop", "production").cloud.servers if s.name == "aurora"]
    assert aurora.disk_gb is None


@pytest.mark.parametrize(
    ("environment", "begins", "what"),
    [
        (
            "infrastructure: {}, zones: 3",
            "infrastructure:",
            "`infrastructure` is made in AWS, in a region; write `cloud: aws` and `region`",
        ),
        (
            f"{AWS}, network: 10.0.0.0/8, infrastructure: {{}}",
            "network:",
            "a VPC is a network of IPv4 from /16 to /20 (this is 10.0.0.0/8)",
        ),
        (
            "cloud: aws, region: eu-central-1, infrastructure: {}",
            "{cloud",
            "EKS is spread over 2 to 6 zones, and this is 1; write `zones: 3`",
        ),
        (
            f"{AWS}, infrastructure: {{zones: [eu-central-1a, eu-central-1b]}}",
            "zones: [eu",
            "2 zones are named and `zones` is 3; name 3",
        ),
        (
            f"{AWS}, infrastructure: {{zones: [us-east-1a, eu-central-1b, eu-central-1c]}}",
            "zones: [us",
            "zone us-east-1a is not in region eu-central-1; write eu-central-1a and its like",
        ),
        (
            f"{AWS}, infrastructure: {{nat: 2}}",
            "nat:",
            "nat is 2; write 1, or 3: one in a zone",
        ),
        (
            f"{AWS}, infrastructure: {{nodes: {{general: {{min: 4, desired: 3}}}}}}",
            "general:",
            "node group general has min 4, desired 3, max 10; have none of them above the next",
        ),
        (
            f"{AWS}, infrastructure: {{nodes: {{general: {{types: [m5.large, m7g.large]}}}}}}",
            "general:",
            "instance types of two architectures, and one image; make two groups",
        ),
        (
            f"{AWS}, infrastructure: {{nodes: {{general: {{spot: true}}}}}}",
            "nodes:",
            "no node group keeps a node that is not `spot`; give one of them `min: 2`",
        ),
        (
            served("aurora", "db", "aurara: {instance: db.r6g.large}"),
            "aurara",
            "infrastructure has a size for unknown server 'aurara'; did you mean 'aurora'?",
        ),
        (
            f"{AWS}, servers: {{aurora: [db]}}, infrastructure: {{}}",
            "aurora: [db]",
            "write its instance class under `infrastructure: {servers: {aurora: ...}}`",
        ),
        (
            served("rds", "cache", "rds: {instance: db.r6g.large}"),
            "rds: [cache]",
            "rds cannot serve 'cache', which is Redis (Valkey); put it on elasticache",
        ),
        (
            served("rds", "db", "rds: {instance: db.r6g.large, instances: 3}"),
            "rds: [db]",
            "server 'rds' has 2 instances at most, not 3; write `instances: 2` or fewer",
        ),
        (
            f"{AWS}, infrastructure: {{api_networks: [0.0.0.0/0]}}",
            "0.0.0.0/0",
            "is the whole internet; write the networks of those who operate the cluster",
        ),
    ],
)
def test_what_does_not_fit_is_refused_where_it_stands(environment, begins, what):
    line = f"  first: {{{environment}}}"
    place = f"systems/demo/tarmac.yaml:7:{line.index(begins) + 1}: "
    found = refused(environment)
    assert any(problem.startswith(place) and problem.endswith(what) for problem in found), found
