"""`deploy` is pure: one model gives the same variables and edges here and in every environment."""

from __future__ import annotations

from dataclasses import replace

import pytest
from demo_system import DEMO, KINDS, demo, facts_for
from rendered import TYPICAL, plan_of, system_of

from tarmac.base.errors import BadInput
from tarmac.base.launch import redact
from tarmac.model.conventions import SPANS_OF, SPANS_TO
from tarmac.model.edge import ENTRY
from tarmac.plan import callers
from tarmac.plan.cluster import secrets_of
from tarmac.plan.deploy import deploy
from tarmac.plan.resolve import resolve
from tarmac.plan.spans import trace_receiver
from tarmac.render.compose import compose
from tarmac.render.compose.parts.modes import staging
from tarmac.render.compose.parts.services import published
from tarmac.render.kubernetes import services as kubernetes_services

CLUSTER = """
    environments:
      production:
        servers: {rds: [orders-db]}
        replicas: {min: 3, max: 9, cpu: 70}
      kind: {}
    """


def cluster(environment: str = "kind", more: str = CLUSTER):
    return deploy(demo(DEMO + more), environment, KINDS)


def env_of(plan, name: str) -> dict[str, str]:
    return {key: redact(variable.value) for key, variable in plan.workload(name).env.items()}


@pytest.mark.parametrize(("system", "environment"), TYPICAL)
def test_a_service_gets_the_same_variables_as_on_a_laptop(system, environment):
    plan = plan_of(system, environment)
    # No vault makes users on a laptop.
    facts = replace(facts_for(system_of(system), environ={}), lease_s=plan.settings.lease_s)
    here = resolve(system_of(system), "local", facts, KINDS)
    # Where traces are kept, they are sent: nothing keeps them on a laptop.
    more = {SPANS_TO, SPANS_OF} if trace_receiver(plan.settings) else set()
    for workload in plan.services:
        # How a cluster issues caller tokens is its own; a laptop's facts here issue none.
        there = {name for name, one in workload.env.items() if one.origin != callers.ORIGIN}
        assert there == here.node(workload.name).launch.env.keys() | more


@pytest.mark.parametrize(
    ("given", "sent_to"),
    [
        ("observability: {traces: tempo}", "http://opentelemetry-collector.monitoring.svc:4318"),
        (
            "observability: {traces: jaeger}, monitoring: seen",
            "http://opentelemetry-collector.seen.svc:4318",
        ),
        ("observability: {metrics: datadog}", "http://datadog.monitoring.svc:4318"),
        ("observability: {}", None),
        ("observability: {traces: tempo}, target: compose", None),
        ("replicas: {min: 2}", None),
    ],
)
def test_spans_are_sent_where_an_environment_keeps_traces(given, sent_to):
    plan = cluster(more=f"\n    environments: {{kind: {{{given}}}}}\n")
    for workload in plan.services:
        env = env_of(plan, workload.name)
        assert env.get("OTEL_EXPORTER_OTLP_ENDPOINT") == sent_to
        said = "service.namespace=demo,deployment.environment.name=kind"
        assert env.get("OTEL_RESOURCE_ATTRIBUTES") == (said if sent_to else None)


def test_what_a_model_says_of_spans_wins():
    own = "{kind: {observability: {traces: tempo}, env: {order-service: {%s: 'http://own:4318'}}}}"
    plan = cluster(more=f"\n    environments: {own % SPANS_TO}\n")
    assert env_of(plan, "order-service")[SPANS_TO] == "http://own:4318"


@pytest.mark.parametrize(("system", "environment"), TYPICAL)
def test_every_declared_edge_is_allowed_and_nothing_else(system, environment):
    plan = plan_of(system, environment)
    allowed = {(edge.source, edge.target) for edge in plan.allowed if edge.source != "world"}
    declared = set()
    for edge in system_of(system).edges:
        if edge.source in (ENTRY, edge.target):
            continue
        topic = edge.kind in ("publish", "consume", "broker")
        declared.add((edge.source, "broker" if topic else edge.target))
    assert allowed == declared


def test_in_a_cluster_all_is_found_by_its_name_on_the_ports_of_the_model():
    plan = cluster()
    env = env_of(plan, "order-service")
    assert env["PRODUCT_SERVICE_URL"] == "http://product-service:8000"
    assert env["DATABASE_URL"] == (
        "postgresql://order_service:<secret stores/orders-db/order-service>@orders-db:5432/orders"
    )
    assert (env["HOST"], env["PORT"]) == ("0.0.0.0", "3003")
    assert plan.workload("payment-service").ports == {"health": 8080}
    assert plan.workload("web").routes[0].host == "www.demo.example.com"


def test_what_a_managed_server_offers_is_secret_for_each_user_alone():
    plan = cluster("production")
    assert env_of(plan, "order-service")["DATABASE_URL"] == (
        "<secret stores/orders-db/order-service/url>"
    )
    assert env_of(plan, "web")["STORE"] == "<secret stores/orders-db/web/url>"
    assert "orders-db" not in {workload.name for workload in plan.workloads}
    assert [(store.name, store.server, store.port) for store in plan.managed] == [
        ("orders-db", "rds", 5432)
    ]


def test_an_environment_has_numbers_and_values_of_its_own():
    own = "kind: {domain: k.example.org, env: {order-service: {TTL_S: '60'}}}"
    plan = cluster("kind", CLUSTER.replace("kind: {}", own))
    assert env_of(plan, "order-service")["TTL_S"] == "60"
    assert env_of(plan, "order-service")["JWT_ISSUER"] == "https://k.example.org"
    scale = cluster("production").workload("order-service").scale
    assert (scale.least, scale.most, scale.stay, scale.automatic) == (3, 9, 2, True)


@pytest.mark.parametrize(
    ("own", "scheme"), [("{}", "http"), ("{ingress: {tls: it}}", "https"), ("{cloud: x}", "https")]
)
def test_public_addresses_are_secure_where_something_ends_tls(own, scheme):
    told = DEMO.replace("STORE:", "ME: ${services.web.public_url}\n          STORE:")
    plan = deploy(demo(told + CLUSTER.replace("kind: {}", f"kind: {own}")), "kind", KINDS)
    assert env_of(plan, "web")["ME"] == f"{scheme}://www.demo.example.com"


@pytest.mark.parametrize(
    "edit",
    [
        ("JWT_ISSUER:", "SENTRY_DSN: x\n      JWT_ISSUER:"),
        ("env: {JWKS_URL", "secrets: [SENTRY_DSN]\n        env: {JWKS_URL"),
        ("kind: {}", "kind: {env: {order-service: {SENTRY_DSN: x}}}"),
    ],
)
def test_an_image_can_send_errors_where_any_environment_says_where_to(edit):
    plain = cluster().workload("order-service").extras
    more = deploy(demo((DEMO + CLUSTER).replace(*edit)), "production", KINDS)
    assert "sentry" not in plain
    assert "sentry" in more.workload("order-service").extras


def test_a_stores_server_holds_its_files_data_and_set_up_as_docker_here_would():
    store = cluster().workload("orders-db")
    assert store.image == "postgres:18"
    assert store.volumes == {"data": "/data"}
    assert [(file.path, file.secret) for file in store.files] == [("/etc/tarmac_hba.conf", False)]
    (setup,) = store.once
    waits, _, says = setup.argv[-1].partition("done; ")
    assert waits.startswith("until pg_isready ")
    assert says.startswith("exec psql ")
    assert setup.files[0].secret
    assert {secret.path for secret in secrets_of(store)} == {
        "stores/orders-db/admin",
        "stores/orders-db/order-service",
        "stores/orders-db/web",
    }


def test_an_environment_that_is_not_there_and_a_store_that_nothing_runs_are_errors():
    with pytest.raises(
        BadInput, match=r"environment 'prodction' does not exist; did you mean 'production'"
    ):
        cluster("prodction")
    with pytest.raises(BadInput, match=r"environment 'kind' does not exist; write"):
        cluster("kind", "")
    mail = DEMO.replace("stores:\n      orders-db", "stores:\n      post: mail\n      orders-db")
    no_image = replace(KINDS["mail"], providers=KINDS["mail"].providers[:1])
    with pytest.raises(BadInput, match=r"'post' has no server there: .* \{mail: \[post"):
        deploy(demo(mail + CLUSTER), "kind", {**KINDS, "mail": no_image})


@pytest.mark.parametrize("name", ["compose", "repository"])
def test_an_environment_that_is_called_as_a_target_has_that_one(name):
    more = f"\n    environments: {{{name}: {{}}, other: {{}}, of: {{target: {name}}}}}\n"
    found = demo(DEMO + more).file.environments
    assert {key: one.target for key, one in found.items()} == {
        name: name,
        "other": "cluster",
        "of": name,
    }


def test_two_services_with_the_same_public_path_are_refused_where_an_ingress_tells_them_apart():
    two = DEMO.replace("host: www, paths: [/]", "")
    both = two.replace("order-service:\n", "order-service:\n        public: {}\n", 1)
    assert both.count("public: {}") == 2
    more = "\n    environments: {kind: {}, compose: {}}\n"
    with pytest.raises(BadInput, match=r"tarmac.yaml:\d+:\d+: / of demo.example.com is public of"):
        deploy(demo(both + more), "kind", KINDS)
    deploy(demo(both + more), "compose", KINDS)


IMAGED = """
    tarmac: 1
    system: demo
    services:
      web: {run: npm run dev, port: 5173, image_port: 80, public: {}, probe: {http: /}}
      api:
        run: node s.js
        port: 3000
        env: {WEB: "${services.web.url}", PAGE: "${services.web.public_url}"}
    environments: {kind: {}, compose: {}}
    """


def test_a_program_with_an_image_of_its_own_is_rendered_where_that_listens():
    plan = deploy(demo(IMAGED), "kind", KINDS)
    web = plan.workload("web")
    assert (web.ports, web.ready.port, env_of(plan, "web")["PORT"]) == ({"http": 80}, 80, "80")
    assert [route.port for route in web.routes] == [80]
    assert env_of(plan, "api")["WEB"] == "http://web:80"
    assert [allowed.port for allowed in plan.allowed if allowed.target == "web"] == [80, 80]


def test_on_one_machine_people_know_it_by_the_port_of_the_model():
    plan = deploy(demo(IMAGED), "compose", KINDS)
    assert published(plan)["web"] == [{"target": 80, "published": "5173", "host_ip": "127.0.0.1"}]
    (entry,) = staging(plan).content["services"]["web"]["ports"]
    assert (entry["target"], entry["published"]) == (80, "5173")
    assert env_of(plan, "api")["PAGE"] == "http://localhost:5173"


def test_an_image_without_a_port_to_move_is_refused():
    with pytest.raises(BadInput, match="image_port"):
        demo(IMAGED.replace("port: 5173, ", ""))


WRITES = IMAGED.replace(
    "image_port: 80,", "writable: {tmp: /app/tmp, /var/cache/x: /var/cache/x/}, image_port: 80,"
)


def test_folders_that_a_program_writes_to_are_its_own_and_empty_wherever_it_runs():
    plan = deploy(demo(WRITES), "kind", KINDS)
    pod = kubernetes_services.deployment(plan, plan.workload("web")).content["spec"]["template"]
    (container,) = pod["spec"]["containers"]
    paths = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    empty = {volume["name"] for volume in pod["spec"]["volumes"] if "emptyDir" in volume}
    assert paths == {"tmp": "/tmp", "scratch-1": "/app/tmp", "scratch-2": "/var/cache/x"}
    assert empty == paths.keys()
    assert container["securityContext"]["readOnlyRootFilesystem"]
    written = compose.base(plan).content["services"]["web"]["tmpfs"]
    assert [entry.partition(":")[0] for entry in written] == ["/tmp", "/app/tmp", "/var/cache/x"]


@pytest.mark.parametrize("path", ["app", "/", "/tmp/", ""])
def test_what_is_no_folder_of_an_image_is_refused(path):
    with pytest.raises(BadInput, match="no path of a folder in its image"):
        demo(WRITES.replace("/app/tmp", f"'{path}'"))
