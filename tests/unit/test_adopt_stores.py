"""What programs of other frameworks may do in stores: they know no rules about names."""

from __future__ import annotations

import json
import textwrap

import pytest
from demo_system import KINDS, KIT_SERVICES, demo, facts_for, problems
from repository import found_in, system_of

from tarmac.base.errors import BadInput
from tarmac.base.launch import redact, reveal, secrets_of
from tarmac.plan.resolve import resolve

SERVER = "app.listen(process.env.PORT)"
FOREIGN = (
    """
    tarmac: 1
    system: demo
    services:
      web:
        run: [node, server.js]
        port: 8080
        env: {CACHE: "${stores.cache.url}", NATS_URL: "${broker.url}"}
"""
    + KIT_SERVICES
    + """\
    stores: {orders-db: postgres, cache: redis}
    broker: nats
    """
)


def file_of(store, name, text=FOREIGN):
    """Read one file that a store is launched with, with made-up secrets."""
    system = demo(text)
    plan = resolve(system, "local", facts_for(system), KINDS)
    launch = next(node for node in plan.nodes if node.name == store).launch
    secrets = {secret.path: "s" for secret in secrets_of(launch)}
    return next(reveal(f.content, secrets) for f in launch.files if f.path == name)


def test_a_foreign_program_uses_any_key_and_a_kit_service_its_own():
    lines = file_of("cache", "users.acl").splitlines()
    web = next(line for line in lines if line.startswith("user web "))
    orders = next(line for line in lines if line.startswith("user order_service "))
    assert " ~* &* +@all -@admin" in web
    assert " ~order-service:* " in orders


def test_a_foreign_program_that_refers_to_the_broker_may_use_any_subject():
    assert problems(textwrap.dedent(FOREIGN)) == []
    lines = [line for line in file_of("broker", "nats.conf").splitlines() if '"web"' in line]
    assert json.dumps({"publish": ">", "subscribe": ">"}) in lines[0]


def test_a_kit_service_that_refers_to_the_broker_says_its_topics():
    wrong = FOREIGN.replace(
        "source: services/catalog, port: 8000",
        ('source: services/catalog, port: 8000, env: {B: "${broker.url}"}'),
    )
    assert any(
        "refers to the broker, but product-service has no topics" in p for p in problems(wrong)
    )


#: Where a service of the kit has keys too, nobody else clears them.
BESIDE_THE_KIT = "~* &* +@all -@admin +config|get +client|list -flushall -flushdb -swapdb"


def test_a_store_without_passwords_still_has_its_users():
    passwordless = FOREIGN.replace("cache: redis}", "cache: {kind: redis, passwordless: true}}")
    system = demo(passwordless)
    plan = resolve(system, "local", facts_for(system), KINDS)
    launch = next(node for node in plan.nodes if node.name == "cache").launch
    acl = next(f for f in launch.files if f.path == "users.acl")
    lines = reveal(acl.content, {s.path: "s" for s in secrets_of(launch)}).splitlines()
    assert lines[0] == f"user default on nopass {BESIDE_THE_KIT}"
    assert len(lines) == 4


def test_a_client_that_sends_a_password_without_a_name_is_served_if_it_is_a_foreign_programs():
    first, *_ = file_of("cache", "users.acl").splitlines()
    assert first == f"user default on >s {BESIDE_THE_KIT}"
    kit_alone = FOREIGN.replace('CACHE: "${stores.cache.url}", ', "")
    (first, *_) = file_of("cache", "users.acl", kit_alone).splitlines()
    assert first == "user default off"


def test_a_kind_that_always_asks_for_a_password_says_so():
    wrong = FOREIGN.replace(
        "orders-db: postgres,", "orders-db: {kind: postgres, passwordless: true},"
    )
    system = demo(wrong)
    with pytest.raises(
        BadInput, match="kind postgres always requires a password; remove this line"
    ):
        resolve(system, "local", facts_for(system), KINDS)


def test_a_foreign_program_may_use_all_of_a_rabbitmq_that_it_names_no_topics_of():
    text = FOREIGN.replace("broker: nats", "broker: rabbitmq")
    system = demo(text)
    facts = facts_for(system)
    plan = resolve(system, "local", facts, KINDS)
    launch = next(node for node in plan.nodes if node.name == "broker").launch
    secrets = {secret.path: "s" for secret in secrets_of(launch)}
    (definitions,) = [f for f in launch.files if f.path.endswith("definitions.json")]
    allowed = json.loads(reveal(definitions.content, secrets))["permissions"]
    rights = {permission["user"]: permission["configure"] for permission in allowed}
    assert rights["web"] == ".*"
    assert rights["order_service"] != ".*"


def test_a_kind_whose_content_has_no_owners_says_so_where_it_is_to_be_shared():
    wrong = FOREIGN.replace("cache: redis}", "cache: {kind: redis, shared: true}}")
    system = demo(wrong)
    with pytest.raises(BadInput, match="kind redis has no owners; remove this line"):
        resolve(system, "local", facts_for(system), KINDS)


def test_the_port_of_a_grpc_service_is_no_page():
    more = "public: {}\n        probe: {grpc: true}"
    text = FOREIGN.replace("port: 8080", f"port: 8080\n        {more}")
    for written, address in ((FOREIGN, "http://localhost:8080"), (text, "localhost:8080")):
        system = demo(written)
        plan = resolve(system, "local", facts_for(system), KINDS)
        web = next(node for node in plan.nodes if node.name == "web")
        assert web.url == address
    assert web.page == ""


MINIO = """
    services:
      api:
        build: api
        ports: ["8000:8000"]
        environment:
          S3_ENDPOINT: ENDPOINT
          S3_ACCESS_KEY: minioadmin
          S3_SECRET_KEY: minioadmin
          S3_BUCKET: uploads
          S3_REGION: eu-central-1
      files:
        image: minio/minio:RELEASE.2025-01-01
        command: server /data
        environment: {MINIO_ROOT_USER: minioadmin, MINIO_ROOT_PASSWORD: minioadmin}
    """


@pytest.mark.parametrize("image", ["elasticsearch:8.14.0", "opensearchproject/opensearch:2"])
def test_what_searches_over_http_gets_an_address_with_its_login(image):
    compose = f"""
    services:
      api:
        build: ./api
        environment: {{ELASTICSEARCH_URL: "http://search:9200", ES_HOST: search}}
      search: {{image: {image}}}
    """
    code = {"api/package.json": '{"scripts": {"start": "x"}}', "api/s.js": SERVER}
    file = system_of(found_in(**{"compose.yaml": compose, **code})).file
    assert file.stores["search"].kind == "opensearch"
    assert file.services["api"].env == {
        "ELASTICSEARCH_URL": "${stores.search.url}",
        "ES_HOST": "${stores.search.host}",
    }


@pytest.mark.parametrize(
    ("told", "endpoint"),
    [
        ("http://files:9000", "${stores.files.endpoint}"),
        ("files:9000", "${stores.files.address}"),
    ],
)
def test_what_reaches_an_object_store_gets_its_keys_bucket_and_region(told, endpoint):
    code = {"api/package.json": '{"scripts": {"start": "x"}}', "api/s.js": SERVER}
    compose = MINIO.replace(": ENDPOINT", f": {told}")
    file = system_of(found_in(**{"compose.yaml": compose, **code})).file
    assert file.stores["files"].kind == "s3"
    assert file.services["api"].env == {
        "S3_ENDPOINT": endpoint,
        "S3_ACCESS_KEY": "${stores.files.user}",
        "S3_SECRET_KEY": "${stores.files.password}",
        "S3_BUCKET": "${stores.files.bucket}",
        "S3_REGION": "${stores.files.region}",
    }


@pytest.mark.parametrize(
    ("written", "bucket"),
    [("my_files", "my-files"), ("it", "it-bucket"), ("files_", "files")],
)
def test_a_bucket_has_a_name_that_clients_take(written, bucket):
    text = FOREIGN.replace(
        "stores: {orders-db", f"stores: {{s: {{kind: s3, database: {written}}}, orders-db"
    )
    text = text.replace('CACHE: "', 'BUCKET: "${stores.s.bucket}", CACHE: "')
    system = demo(text)
    plan = resolve(system, "local", facts_for(system), KINDS)
    assert redact(plan.node("web").launch.env["BUCKET"]) == bucket


TABLES = "CREATE TABLE a (n int);"


def loading(mounted: str, image: str = "postgres", **files: str):
    """The store of a compose file that mounts something where its image loads it from."""
    compose = f"""
    services:
      api: {{build: api, environment: {{DATABASE_URL: "postgres://db/x"}}}}
      db: {{image: {image}, volumes: ["{mounted}"]}}
    """
    code = {"api/package.json": '{"scripts": {"start": "x"}}', "api/s.js": SERVER}
    (store,) = found_in(**{"compose.yaml": compose, **code, **files}).stores
    return store


@pytest.mark.parametrize("image", ["postgres", "mysql:8", "mariadb"])
def test_files_that_a_databases_image_loads_are_loaded_in_its_order(image):
    files = {"sql/2.sql": "INSERT INTO a VALUES (1);", "sql/1.sql": TABLES, "sql/x/3.sql": TABLES}
    store = loading("./sql:/docker-entrypoint-initdb.d", image, **files)
    assert (store.init, store.remarks) == (("sql/1.sql", "sql/2.sql"), ())
    one = loading("./sql/2.sql:/docker-entrypoint-initdb.d/0.sql:ro", image, **files)
    assert one.init == ("sql/2.sql",)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("2.sh", "psql -c 'x'", "it is not an SQL file"),
        ("2.sql", "  \n", "it is empty, or no text"),
        ("2.sql", "\\copy a from b\n", "it has a psql command"),
        ("2.sql", "USE shop;\n", "it has another database"),
        ("2.sql", "create database other;", "it has statements that need an administrator"),
        ("2.sql", "ALTER TABLE a OWNER TO shop;", "it has users of its own"),
    ],
)
def test_from_what_a_user_of_a_store_cannot_load_on_nothing_is(name, content, why):
    files = {"sql/1.sql": TABLES, f"sql/{name}": content, "sql/3.sql": TABLES}
    store = loading("./sql:/docker-entrypoint-initdb.d", **files)
    assert store.init == ("sql/1.sql",)
    assert store.remarks == (
        f"sql/{name} is not loaded into it, nor sql/3.sql: {why}; do that by a task of a service",
    )


def test_a_store_that_takes_no_sql_says_what_its_container_loads():
    store = loading("./js:/docker-entrypoint-initdb.d", "redis", **{"js/a.js": "db.x.insert({})"})
    assert store.init == ()
    assert "js/a.js: loaded by its container" in store.remarks[0]


@pytest.mark.parametrize("copy", ["sql/1.sql sql/2.sql", "--chown=70:70 sql/*.sql", "sql/"])
def test_files_that_an_image_copies_there_are_loaded(copy):
    compose = """
    services:
      api: {build: api, environment: {DATABASE_URL: "postgres://db/x"}}
      db: {build: pg}
    """
    files = {
        "compose.yaml": compose,
        "api/package.json": '{"scripts": {"start": "x"}}',
        "api/s.js": SERVER,
        "pg/Dockerfile": f"FROM postgres:16\nCOPY {copy} \\\n  /docker-entrypoint-initdb.d/\n",
        "pg/sql/1.sql": TABLES,
        "pg/sql/2.sql": "INSERT INTO a VALUES (1);",
    }
    (store,) = found_in(**files).stores
    assert (store.init, store.remarks) == (("pg/sql/1.sql", "pg/sql/2.sql"), ())


def test_what_is_loaded_first_needs_a_kind_that_takes_sql_and_a_user():
    text = FOREIGN.replace("cache: redis}", "cache: {kind: redis, init: [a.sql]}}")
    system = demo(text)
    with pytest.raises(BadInput, match="a store of kind redis takes no init; remove it"):
        resolve(system, "local", facts_for(system), KINDS)
    system = demo(
        FOREIGN.replace("cache: redis}", "cache: redis, s: {kind: postgres, init: [a.sql]}}")
    )
    with pytest.raises(BadInput, match="no service uses 's', so its tables are never created"):
        resolve(system, "local", facts_for(system), KINDS)


def test_files_are_loaded_by_the_store_itself_past_its_wires():
    system = demo(
        FOREIGN.replace("orders-db: postgres", "orders-db: {kind: postgres, init: [a.sql, b.sql]}")
    )
    plan = resolve(system, "local", facts_for(system), KINDS)
    assert [seed.file.rpartition("/")[2] for seed in plan.seeds] == ["a.sql", "b.sql"]
    assert all(seed.is_init and seed.service == "orders-db" for seed in plan.seeds)
    port = plan.node("orders-db").ports["main"]
    assert all(f":{port}/" in redact(seed.url) for seed in plan.seeds)
