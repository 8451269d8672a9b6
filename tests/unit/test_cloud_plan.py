"""What a cloud holds follows from the model, and what does not fit is refused where it stands."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo
from rendered import RENDERERS, plan_of

from tarmac.base.errors import BadInput
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


WITH_STANDBY = (
    "infrastructure: {standby: {region: eu-west-1}, servers: {aurora: {instance: db.r6g.large}, "
    "elasticache: {instance: cache.t4g.small}}}"
)
STORE_OF_SECRETS = "k8s/web/secretstore.yaml"


def served(server: str, store: str, sizes: str) -> str:
    """Write an environment with a server and sizes of servers."""
    return f"{AWS}, servers: {{{server}: [{store}]}}, infrastructure: {{servers: {{{sizes}}}}}"


def standing_by(more: str, beside: str = "") -> str:
    """Write an environment with a second region."""
    given = f"standby: {{region: eu-west-1, {more}}}"
    return f"{AWS}, infrastructure: {{{beside}{given}}}"


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


def test_hosts_are_in_the_zone_of_the_environments_domain_or_of_the_one_that_is_named():
    system = demo(
        SYSTEM.replace("port: 8080,", "port: 8080, public: {host: app},")
        + f"  first: {{{AWS}, domain: x.example.com, infrastructure: {{dns: {{}}}}}}\n"
        + f"  second: {{{AWS}, domain: x.example.com, infrastructure: "
        "{dns: {zone: example.com, existing: true}}}\n"
        + f"  third: {{{AWS}, domain: x.example.com, infrastructure: {{dns: {{zone: y.com}}}}}}\n"
    )
    first, second = (deploy(system, name, KINDS).cloud.dns for name in ("first", "second"))
    assert (first.zone, first.existing, first.hosts) == (
        "x.example.com",
        False,
        ("app.x.example.com",),
    )
    assert (second.zone, second.existing, second.hosts) == ("example.com", True, first.hosts)
    with pytest.raises(BadInput, match=r"app\.x\.example\.com is not in zone y\.com"):
        deploy(system, "third", KINDS)


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
            f"{AWS}, infrastructure: {{experiments: true}}",
            "experiments:",
            "no objective says when an experiment is to stop; write `objectives`",
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
            "node group general has min 4, desired 3, max 10; order them: min <= start <= max",
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
            f"{AWS}, infrastructure: {{cdn: {{}}}}",
            "cdn:",
            "the certificate of `cdn` is proven in a zone; write `dns: {}`, too",
        ),
        (
            f"{AWS}, infrastructure: {{dns: {{balancer: a.elb.eu-west-1.amazonaws.com}}}}",
            "balancer:",
            "is not a load balancer of eu-central-1; write the name that AWS gave it",
        ),
        (
            f"{AWS}, infrastructure: {{dns: {{records: external-dns}}, cdn: {{}}}}",
            "records:",
            "and `cdn` wants those of Terraform; remove it, or write `records: terraform`",
        ),
        (
            f"{AWS}, observability: {{metrics: datadog, costs: {{}}}}",
            "{}",
            "alerts on costs need Prometheus, not datadog; remove `costs`",
        ),
        (
            f"{AWS}, observability: {{costs: {{email: a@example.com}}}}",
            "{email",
            "`email` is told of a `budget`, and there is none; add it",
        ),
        (
            f"{AWS}, observability: {{costs: {{budget: 9, email: a@example.com}}}}",
            "{budget",
            "AWS Budgets is made by Terraform; remove `email`, or add `infrastructure`",
        ),
        (
            f"{AWS}, domain: example.com, infrastructure: {{dns: {{}}}}",
            "dns:",
            "no service is `public`, so a zone would have no host; remove `dns`",
        ),
        (
            f"{AWS}, infrastructure: {{dns: {{}}}}",
            "dns:",
            "the model has none; write `domain` for the system, or `zone`",
        ),
        (
            f"{AWS}, infrastructure: {{dns: {{zone: Example.com}}}}",
            "Example",
            "zone is 'Example.com'; write a name in small letters, e.g. app.example.com",
        ),
        (
            f"{AWS}, infrastructure: {{standby: {{region: eu-central-1}}}}",
            "region: eu-central-1}",
            "eu-central-1 is the first region, too; write another one",
        ),
        (
            standing_by("network: 10.0.0.0/18"),
            "network:",
            "overlaps 10.0.0.0/16 of the first region; write another one, e.g. 10.1.0.0/16",
        ),
        (
            standing_by("network: 10.1.0.0/24"),
            "network:",
            "a VPC is a network of IPv4 from /16 to /20 (this is 10.1.0.0/24)",
        ),
        (
            standing_by("zones: [eu-west-1a, us-east-1a]"),
            "zones: [eu",
            "`zones` is 3; name 3 zones of eu-west-1",
        ),
        (
            standing_by("balancer: a.elb.eu-west-1.amazonaws.com"),
            "balancer:",
            "hosts fail over in a zone; write `dns: {}`, too",
        ),
        (
            standing_by("service: web"),
            "service:",
            "standby asks unknown public service 'web'; there are none to choose from",
        ),
        (
            served("aurora", "db", "aurora: {instance: db.t4g.medium}").replace(
                "infrastructure: {", "infrastructure: {standby: {region: eu-west-1}, "
            ),
            "instance:",
            "a global database has no instances of db.t4g.medium; write db.r6g.large or its like",
        ),
        (
            served("rds", "db", "rds: {instance: db.r6g.large}").replace(
                "infrastructure: {", "infrastructure: {standby: {region: eu-west-1}, "
            ),
            "rds: [db]",
            "so `standby` would have none of its data; put its stores on aurora",
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


WEB_SECRETS = (
    "demo/first/stores/db/web/password-1",
    "demo/first/servers/rds/host",
    "demo/first/servers/elasticache/host",
)
DB_SECRETS = (
    "demo/first/stores/db/web/password-1",
    "demo/first/servers/rds/host",
    "demo/first/servers/rds/admin-1",
)


def test_a_service_has_the_role_of_what_it_needs_in_aws_and_one_without_secrets_has_none():
    more = "buckets: {papers: {}, uploads: {}}, roles: {web: {reads: [papers], writes: [uploads]}}"
    [plan] = planned(
        f"{AWS}, {ECR}, servers: {{rds: [db], elasticache: [cache]}}, "
        "infrastructure: {servers: {rds: {instance: db.t4g.small}, "
        f"elasticache: {{instance: cache.t4g.small}}}}, {more}}}"
    )
    setting_up, role = plan.roles["db"], plan.roles["web"]
    assert plan.roles.keys() == {"db", "web"}
    assert set(setting_up.secrets) == set(DB_SECRETS), "the administrator's password is its alone"
    assert (setting_up.reads, setting_up.writes, setting_up.allows) == ((), (), {})
    assert (role.account, role.name) == ("web", "demo-first-web")
    assert role.arn == "arn:aws:iam::123456789012:role/demo-first-web"
    assert set(role.secrets) == set(WEB_SECRETS)
    assert role.reads == ("demo-first-papers-123456789012",)
    assert role.writes == ("demo-first-uploads-123456789012",)
    assert {*role.reads, *role.writes} == set(plan.cloud.buckets)
    [other] = planned(f"{AWS}, secrets: script, infrastructure: {{}}")
    assert other.roles == {}, "a script makes up its secrets, so nothing is read in AWS"


@pytest.mark.parametrize(
    ("roles", "said"),
    [
        ("{wbe: {name: a}}", "role for unknown service 'wbe'; did you mean 'web'?"),
        ("{web: {reads: [paper]}}", "web reads unknown bucket 'paper'; did you mean 'papers'?"),
        ("{web: {writes: [x]}}", "web writes unknown bucket 'x'; choose one of: papers"),
        ("{web: {name: same}, api: {name: same, reads: [papers]}}", "role same is web's, too"),
        ("{api: {name: mine}}", "service 'api' needs nothing in AWS, so it has no role"),
        ("{web: {allows: {'s3:*': ['arn:aws:s3:::a']}}}", "write one action without a wildcard"),
        ("{web: {allows: {'s3:GetObject': ['*']}}}", "write an ARN, e.g. arn:aws:sqs:eu-west-1"),
        ("{web: {name: a/b}}", "use up to 61 letters"),
    ],
)
def test_roles_that_do_not_fit_are_refused_where_they_stand(roles, said):
    model = SYSTEM.replace("stores: {db", "  api: {run: [bin/api], port: 8081}\nstores: {db")
    more = f"infrastructure: {{buckets: {{papers: {{}}}}, roles: {roles}}}"
    with pytest.raises(BadInput) as found:
        deploy(demo(f"{model}  first: {{{AWS}, {more}}}\n"), "first", KINDS)
    problems = [str(problem) for problem in found.value.problems]
    assert [p for p in problems if said in p and "tarmac.yaml:8:" in p], problems


def test_a_roles_name_that_aws_would_not_take_is_refused_with_what_to_write():
    long = "a" * 38
    model = SYSTEM.replace("  web:", f"  {long}:")
    more = "project: of-twenty-letters-all, roles: {}"
    with pytest.raises(
        BadInput, match=rf"has 6\d characters, and AWS takes 61; write `roles: {{{long}"
    ):
        deploy(demo(f"{model}  first: {{{AWS}, infrastructure: {{{more}}}}}\n"), "first", KINDS)


def test_a_firewall_lets_out_what_the_model_calls_pulls_and_follows():
    model = SYSTEM.replace("port: 8080,", "port: 8080, externals: [pay],").replace(
        "environments:",
        "externals: {pay: {hosts: [api.stripe.com, '*.sentry.io']}}\n"
        "delivery: {repository: https://github.com/acme/demo, gitops: https://git.acme.com/a/b}\n"
        "environments:",
    )

    def let_out(more: str):
        given = f"  first: {{{AWS}, {more} infrastructure: {{egress: {{hosts: [.acme.org]}}}}}}\n"
        return deploy(demo(model + given), "first", KINDS).cloud.egress.hosts

    found = let_out(f"{ECR}, gitops: {{}},")
    docker = {"auth.docker.io", "production.cloudflare.docker.com", "registry-1.docker.io"}
    assert set(found) == docker | {
        ".acme.org",
        ".sentry.io",
        "123456789012.dkr.ecr.eu-central-1.amazonaws.com",
        "api.stripe.com",
        "git.acme.com",
    }
    assert "git.acme.com" not in let_out(""), "nothing follows it"


def test_subnets_of_a_firewall_and_of_what_is_behind_it_are_apart_from_all_others():
    environment = f"{AWS.replace('zones: 3', 'zones: 6')}, network: 10.32.0.0/20"
    [plan] = planned(f"{environment}, infrastructure: {{egress: {{}}}}")
    found = [n for s in plan.cloud.subnets for n in (s.public, s.private, s.firewall, s.nat)]
    assert len(found) == len(set(found)) == 24


def test_an_environment_that_chooses_pulumi_has_its_program_and_no_terraform():
    sizes = "rds: {instance: db.t4g.small}, elasticache: {instance: cache.t4g.small}"
    servers = f"servers: {{rds: [db], elasticache: [cache]}}, {ECR}"
    [plan] = planned(f"{AWS}, {servers}, infrastructure: {{by: pulumi, servers: {{{sizes}}}}}")
    made = {a.path: a for a in artifacts(plan, RENDERERS) if a.path.startswith("infrastructure/")}
    folder = "infrastructure/pulumi"
    assert {f"{folder}/__main__.py", f"{folder}/Pulumi.yaml"} < made.keys()
    assert [path for path in made if not path.startswith(f"{folder}/")] == []
    config = made[f"{folder}/Pulumi.first.yaml"].data["config"]
    assert config["aws:allowedAccountIds"] == ["123456789012"]
    assert config["environment:values"]["postgres"]["rds"]["instance"] == "db.t4g.small"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("buckets: {papers: {}}", "`by: pulumi` makes no buckets"),
        ("egress: {}", "`by: pulumi` makes no egress"),
        ("dns: {}", "`by: pulumi` makes no dns"),
        ("snapshots: 7", "`by: pulumi` makes no snapshots"),
    ],
)
def test_what_the_pulumi_program_does_not_make_is_refused(more, said):
    found = refused(f"{AWS}, infrastructure: {{by: pulumi, {more}}}")
    assert [problem for problem in found if f"{said}; remove it, or write" in problem], found


SECOND = "standby_of: first"


def test_a_second_region_s_cluster_is_the_first_one_s_but_for_what_belongs_to_the_region():
    asked = f"{ECR}, {SERVERS}, replicas: {{min: 3}}, approval: true, {WITH_STANDBY}"
    first, second = planned(f"{AWS}, {asked}", f"{SECOND}, replicas: {{min: 1}}")
    there, here = first.settings, second.settings
    assert (here.region, here.network) == ("eu-west-1", "10.1.0.0/16")
    assert here.registry == "123456789012.dkr.ecr.eu-west-1.amazonaws.com/demo"
    assert (here.replicas.min, there.replicas.min, here.approval) == (1, 3, False)
    assert (second.cloud, here.servers) == (None, there.servers)
    of_both = [{r.name: r.secrets for r in plan.roles.values()} for plan in (first, second)]
    assert of_both[1] == {f"{name}-dr": entries for name, entries in of_both[0].items()}
    [made] = [a.data["spec"] for a in artifacts(second, RENDERERS) if a.path == STORE_OF_SECRETS]
    assert made["provider"]["aws"]["region"] == "eu-west-1"


@pytest.mark.parametrize(
    ("second", "begins", "what"),
    [
        ("standby_of: frist", "standby_of", "environment 'frist' does not exist; did you mean"),
        ("standby_of: second", "standby_of", "'second' cannot stand by for itself; name the first"),
        (f"{SECOND}, region: eu-west-1", "", ""),
        (f"{SECOND}, region: us-east-1", "region", "`region` of a second region follows from"),
        (f"{SECOND}, network: 10.9.0.0/16", "network", "`network` of a second region follows from"),
    ],
)
def test_a_second_region_says_nothing_that_follows_from_the_first_one(second, begins, what):
    first = f"{AWS}, {ECR}, {SERVERS}, {WITH_STANDBY}"
    if not what:
        planned(first, second)
        return
    with pytest.raises(BadInput) as found:
        planned(first, second)
    place = f"systems/demo/tarmac.yaml:8:{len('  second: {') + second.index(begins) + 1}: "
    assert [p for p in map(str, found.value.problems) if p.startswith(place) and what in p]


def test_an_environment_without_a_second_region_has_nothing_that_stands_by():
    with pytest.raises(BadInput, match="'first' has no second region; write `infrastructure: "):
        planned(AWS, SECOND)
