"""A compose file's services come over with what they are told; the rest is named."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from repository import found_in, system_of, text_of

from tarmac.adopt.writing.write import scalar
from tarmac.base.errors import BadInput
from tarmac.model import document

USER = "${stores.db.user}:${stores.db.password}"
SERVER = "app.listen(process.env.PORT)"
DB = """
  db:
    image: bitnami/postgresql:16.2-debian
    environment: {POSTGRESQL_USER: app, POSTGRESQL_PASSWORD: pw, POSTGRESQL_DATABASE: shop}
  cache: {image: "valkey/valkey:8-alpine"}
  api: {build: api, ports: ["3000:3000"]}
"""


def composed(services, **files):
    """Survey a repository whose compose file has these services beside database, cache and api."""
    code = {"api/package.json": '{"scripts": {"start": "node s.js"}}', "api/s.js": SERVER}
    code |= {"web/package.json": '{"scripts": {"start": "node s.js"}}', "web/s.js": SERVER}
    return found_in(**{"compose.yaml": f"services:{DB}{services}", **code, **files})


def web(lines, **files):
    """Survey it with a service `web` of these lines; return that service."""
    indented = "".join(f"\n    {line}" for line in ["build: ./web", *lines])
    found = composed(f"  web:{indented}\n", **files)
    assert system_of(found), text_of(found)
    return next(service for service in found.services if service.name == "web")


PRIVATE = {
    ".env": "TOKEN=hush-one\nPW=hush-two\nSMTP_PASS=hush-three\nLEVEL=debug\n",
    "web/.env": "JWT_SECRET=hush-four\nSENTRY_DSN=https://hush5@sentry.io/1\nREGION=eu-1\n",
}


def test_what_git_does_not_keep_is_not_written_where_git_keeps_it():
    lines = [
        "env_file: web/.env",
        "environment:",
        "  API_TOKEN: ${TOKEN}",
        "  MONGO_URI: mongodb://app:${PW}@db.example.com/x",
        "  SMTP_PASS: ${SMTP_PASS}",
        "  LOG_LEVEL: ${LEVEL}",
        "  JWT_KEY: for-development",
    ]
    service = web(lines, **PRIVATE)
    assert service.env == {"REGION": "eu-1", "LOG_LEVEL": "debug", "JWT_KEY": "for-development"}
    assert {*service.secrets} == {
        *("JWT_SECRET", "SENTRY_DSN", "API_TOKEN", "MONGO_URI", "SMTP_PASS")
    }
    # `.env` has this one by its own name; of the others only people can put it there.
    assert not any("SMTP_PASS" in line for line in service.to_do)
    assert (
        "put JWT_SECRET into the .env beside this file: its value is of web/.env" in service.to_do
    )
    whole = composed(
        "".join(["  web:\n    build: ./web\n", *(f"    {x}\n" for x in lines)]), **PRIVATE
    )
    assert "hush" not in text_of(whole)


def test_a_password_for_a_store_of_ours_is_the_stores_own_whoever_keeps_it():
    lines = ["environment: {DB_HOST: db, DB_PASS: '${PW}', DB_USER: app}"]
    service = web(lines, **PRIVATE)
    assert service.env["DB_PASS"] == "${stores.db.password}"
    assert service.secrets == ()


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (
            "a0: &a0 [x, x]\n"
            + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 9))
            + "services: {web: {build: ., environment: {A: *a8}}}\n",
            "aliases make it more than",
        ),
        ("services: " + "[" * 20000 + "]" * 20000, "nested deeper than 100"),
    ],
)
def test_a_file_that_grows_without_end_is_refused_at_once(text, wrong):
    with pytest.raises(BadInput, match=wrong):
        found_in(**{"compose.yaml": text})
    assert found_in(**{"k8s/a.yaml": text, "a.py": ""}).stores == ()


@pytest.mark.parametrize(
    ("image", "version"), [("mysql:8.4", "8.4"), ("bitnami/mariadb:11", ""), ("percona:8.0", "8.0")]
)
@pytest.mark.parametrize(
    ("scheme", "written"),
    [
        ("mysql", "${stores.base.url}"),
        ("mysql+pymysql", f"mysql+pymysql://{USER}@"),
        ("mysql2", f"mysql2://{USER}@"),
        ("jdbc:mariadb", "jdbc:mariadb://${stores.base.host}"),
    ],
)
def test_a_mysql_is_known_by_its_forks_and_addressed_as_its_libraries_ask(
    image, version, scheme, written
):
    base = f"""  base: {{image: "{image}", environment: {{MYSQL_DATABASE: shop}}}}\n"""
    url = f"{scheme}://app:pw@base:3306/shop" if scheme[0] == "m" else f"{scheme}://base:3306/shop"
    found = composed(f"{base}  web: {{build: ./web, environment: {{URL: '{url}'}}}}\n")
    assert system_of(found), text_of(found)
    store = next(store for store in found.stores if store.name == "base")
    assert (store.kind, store.version) == ("mysql", version)
    service = next(service for service in found.services if service.name == "web")
    assert service.env["URL"].startswith(written.replace("stores.db", "stores.base"))


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("postgres://app:pw@db:5432/shop", "${stores.db.url}"),
        ("postgresql://app:pw@db/shop?sslmode=disable", "${stores.db.url}?sslmode=disable"),
        (
            "postgresql+asyncpg://app:pw@db/shop",
            f"postgresql+asyncpg://{USER}@${{stores.db.host}}:${{stores.db.port}}/${{stores.db.database}}",
        ),
        (
            "jdbc:postgresql://db:5432/shop",
            "jdbc:postgresql://${stores.db.host}:${stores.db.port}/${stores.db.database}",
        ),
        ("redis://cache:6379", "${stores.cache.url}"),
        (
            "redis://cache:6379/3",
            f"redis://{USER}@${{stores.cache.host}}:${{stores.cache.port}}/3".replace(
                "{stores.db", "{stores.cache"
            ),
        ),
        ("cache:6379", "${stores.cache.address}"),
        ("http://api:3000", "${services.api.url}"),
        ("http://api:3000/v1/", "${services.api.url}/v1/"),
        ("ws://api:3000/live", "ws://${services.api.address}/live"),
        ("api:3000", "${services.api.address}"),
        ("http://example.com/api", "http://example.com/api"),
        ("rapid:3000", "rapid:3000"),
        ("price is ${1}", "price is $${1}"),
    ],
)
def test_an_address_becomes_a_reference(value, written):
    escaped = value.replace("$", "$$")
    assert web([f"environment: {{THING_URL: {escaped!r}}}"]).env == {"THING_URL": written}


def test_the_parts_of_an_address_belong_to_its_host():
    env = "{PGHOST: db, PGPORT: '5432', PGUSER: app, PGPASSWORD: pw, PGDATABASE: shop, NAME: app}"
    assert web([f"environment: {env}"]).env == {
        "PGHOST": "${stores.db.host}",
        "PGPORT": "${stores.db.port}",
        "PGUSER": "${stores.db.user}",
        "PGPASSWORD": "${stores.db.password}",
        "PGDATABASE": "${stores.db.database}",
        "NAME": "app",
    }


@pytest.mark.parametrize(
    "lines",
    [
        ["environment: {A: x, B: '1', C: }"],
        ["environment: [A=x, B=1, C]"],
        ["env_file: web.env", "environment: [C]"],
        ["env_file: [{path: ./web.env, required: false}]", "environment: {C: null}"],
        ["environment: {A: '${A:-x}', B: '${NO-1}', C: '${C}'}"],
    ],
)
def test_every_form_of_variables_is_read(lines):
    service = web(lines, **{"web.env": "A=x # not y\nB='1'\n", ".env": ""})
    assert service.env == {"A": "x", "B": "1"}
    assert list(service.missing) == ["C"]


def test_a_secret_of_dotenv_is_named_and_its_value_stays_there():
    service = web(["environment: ['API_TOKEN=${API_TOKEN}']"], **{".env": "API_TOKEN=hush\n"})
    assert service.secrets == ("API_TOKEN",)
    assert "hush" not in text_of(composed("", **{".env": "API_TOKEN=hush\n"}))
    assert service.env == {}


@pytest.mark.parametrize(
    ("lines", "ports"),
    [
        (["ports: ['8080:80']"], {"http": 8080}),
        (["ports: ['127.0.0.1:8080:80/tcp']"], {"http": 8080}),
        (["ports: [{target: 80, published: '8080'}]"], {"http": 8080}),
        (["ports: [3022:22]"], {"http": 3022}),
        (["ports: ['8080:80', '9229:9229']"], {"http": 8080}),
        (["ports: ['8080:80', '8081:81']"], {"http": 8080, "port-81": 8081}),
        (["expose: ['80']"], {"http": 8080}),
        (["ports: ['${WEB_PORT:-8088}:80']"], {"http": 8088}),
    ],
)
def test_every_form_of_a_port_is_read(lines, ports):
    assert web(lines).ports == ports


@pytest.mark.parametrize(
    ("lines", "run"),
    [
        (["command: npm run serve"], "npm run serve"),
        (["command: [node, s.js, --port, '80']"], "node s.js --port $PORT"),
        (["command: sh -c 'exec node s.js'"], "node s.js"),
        (["entrypoint: [node]", "command: [/app/s.js]"], "node s.js"),
        (["command: nodemon --inspect=0.0.0.0 s.js"], "node s.js"),
        ([], "npm start"),
    ],
)
def test_a_command_of_a_container_is_translated_for_this_machine(lines, run):
    assert web(lines).run == run


def test_a_dependency_between_services_is_written_once():
    service = web(["environment: {API: 'http://api:3000'}", "depends_on: [api, db]"])
    assert (service.calls, service.stores) == ((), ("db",))
    assert web(["depends_on: {api: {condition: service_healthy}}"]).calls == ("api",)


def test_a_volume_is_found_by_the_variable_that_names_it_or_in_the_programs_folder():
    service = web(
        [
            "volumes: ['files:/data/files', 'kept:/app/var/kept', './s.js:/app/s.js']",
            "environment: {UPLOADS: /data/files/up, LEVEL: '1'}",
        ],
        **{
            "web/Dockerfile": "FROM node\nWORKDIR /app\nCMD node s.js",
            "compose.override.yaml": "volumes: {files: , kept: }\n",
        },
    )
    assert service.volumes == {"files": "files", "kept": "var/kept"}
    assert service.env == {"UPLOADS": "${volumes.files.path}/up", "LEVEL": "1"}


def test_a_health_check_over_http_is_a_probe():
    check = "healthcheck: {test: [CMD, curl, -f, 'http://localhost:80/up?x']}"
    assert web([check]).probe == "/up?x"
    assert web(["healthcheck: {test: pgrep node}"]).probe == ""


def test_a_container_that_completes_becomes_a_task_of_the_service_that_waits_for_it():
    found = composed(
        """
  migrate: {build: web, command: node migrate.js, depends_on: [db]}
  web: {build: web, depends_on: {migrate: {condition: service_completed_successfully}}}
"""
    )
    services = {service.name: service for service in found.services}
    assert "migrate" not in services
    assert services["web"].tasks == {"migrate": "node migrate.js"}
    assert system_of(found).file.services["web"].tasks["migrate"].schedule is None


def test_an_override_file_and_anchors_are_laid_over():
    files = {
        "compose.yaml": """
            x-base: &base {build: web, environment: {A: one}}
            services:
              web: {<<: *base, ports: ['8080:80']}
            """,
        "compose.override.yaml": "services: {web: {environment: {B: two}}}",
        "web/package.json": '{"scripts": {"start": "node s.js"}}',
        "web/s.js": SERVER,
    }
    found = found_in(**files)
    assert found.services[0].env == {"A": "one", "B": "two"}
    assert found.origins == ("compose.yaml", "compose.override.yaml")


def test_what_cannot_come_over_is_named():
    found = composed(
        """
  search: {image: "solr:9", ports: ["9201:9200"]}
  tool: {image: x, profiles: [debug]}
  odd: {build: odd}
  web:
    build: web
    privileged: true
    environment: {SEARCH: "http://search:9200", bad-name: x}
"""
    )
    assert [line.split(":")[0] for line in found.left_out] == [
        "search",
        "tool",
        "web",
        "odd",
        "web",
    ]
    assert found.services[1].env == {"SEARCH": "http://localhost:9201"}
    assert text_of(found).count("\n# - ") == 5
    assert system_of(found)


def test_a_host_that_stands_in_the_code_is_pointed_out_where_it_asks_for_a_password():
    service = web(["depends_on: [db]"], **{"web/s.js": f"{SERVER}\nconnect('db')\n"})
    assert service.to_do == ("s.js:2 connects to the host 'db' by itself: have it read a variable",)


def test_stores_come_with_version_and_database():
    found = composed("")
    assert [(s.name, s.kind, s.version) for s in found.stores] == [
        ("db", "postgres", "16.2"),
        ("cache", "redis", "8"),
    ]
    assert system_of(found).file.stores["db"].database == "shop"


def test_a_broker_is_referred_to_without_topics():
    found = composed(
        """
  queue: {image: "nats:2.10"}
  web: {build: web, environment: {NATS_URL: "nats://queue:4222"}}
"""
    )
    assert found.services[1].env == {"NATS_URL": "${broker.url}"}
    assert system_of(found).file.broker.kind == "nats"


def test_a_file_that_is_no_yaml_is_named_with_its_line():
    with pytest.raises(BadInput, match=r"^compose.yaml:3:1: not YAML"):
        found_in(**{"compose.yaml": "services:\n  - [\n"})


def test_yaml_alone_would_make_a_number_of_two_ports():
    assert yaml.safe_load("a: 3022:22") != {"a": "3022:22"}, "the reason why all is read as text"


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1))
def test_a_text_is_read_back_as_it_was_written(text):
    for inside in (False, True):
        written = scalar(text, inside=inside)
        line = f"a: {{b: {written}}}\n" if inside else f"a:\n  b: {written} # end\n"
        assert document.parse(line.encode(), "f").data == {"a": {"b": text}}


@pytest.mark.parametrize(
    ("env", "passwordless"),
    [
        ("{REDIS_HOST: cache, REDIS_PORT: 6379}", True),
        ("{REDIS_HOST: cache, REDIS_PASSWORD: ''}", False),
        ("{REDIS_URL: 'redis://cache:6379'}", False),
        ("{PGHOST: db}", False),
    ],
)
def test_a_store_whose_program_knows_no_password_asks_for_none(env, passwordless):
    found = composed(f"  web: {{build: web, environment: {env}}}\n")
    assert any(store.passwordless for store in found.stores) is passwordless
    assert system_of(found).file.stores["cache"].passwordless is passwordless


def test_a_database_that_several_use_is_one_owners_for_all_of_them():
    env = "environment: {DATABASE_URL: 'postgres://app:pw@db/shop'}"
    two = composed(f"  web: {{build: ./web, {env}}}\n  other: {{build: ./api, {env}}}\n")
    assert system_of(two).file.stores["db"].shared
    one = composed(f"  web: {{build: ./web, {env}}}\n")
    assert not system_of(one).file.stores["db"].shared


CELERY = """
services:
  worker:
    build: ./queue
    command: celery -A tasks worker
  monitor:
    build: ./queue
    command: celery -A tasks flower
    ports: ["5555:5555"]
    depends_on: [worker]
"""


def test_a_program_that_only_its_container_names_has_its_packages_installed_once():
    files = {"queue/requirements.txt": "celery", "queue/tasks.py": "from celery import Celery"}
    found = found_in(**{"compose.yaml": CELERY, **files})
    worker, monitor = system_of(found).file.services.values()
    assert "pip install -q -r requirements.txt" in str(worker.tasks["install"].run)
    assert str(monitor.tasks["install"].run[0]).startswith("until test -e .venv/.installed")


def test_who_has_no_port_is_not_called():
    files = {"queue/requirements.txt": "celery", "queue/tasks.py": "import celery"}
    found = found_in(**{"compose.yaml": CELERY, **files})
    assert not system_of(found).file.services["monitor"].calls


def test_a_line_of_several_programs_is_translated_program_by_program():
    files = {"queue/requirements.txt": "celery", "queue/tasks.py": "import celery"}
    line = CELERY.replace(
        "celery -A tasks flower", "sleep 1 && python init.py && celery -A tasks flower"
    )
    found = found_in(**{"compose.yaml": line, **files})
    started = found.services[1].run
    assert started == (
        "sleep 1 && .venv/bin/python init.py && "
        ".venv/bin/python -m celery -A tasks flower --port=$PORT"
    )


def test_the_example_of_a_env_file_stands_for_one_that_git_does_not_keep():
    example = "DB_URI=postgres://app:pw@db:5432/shop\nQUEUE=mail\nAPP_SECRET=changeme\n"
    service = web(["env_file: .env"], **{".env.example": example})
    assert service.env == {"DB_URI": "${stores.db.url}", "QUEUE": "mail"}
    assert service.secrets == ("APP_SECRET",)
    kept = web(["env_file: .env"], **{".env.example": example, ".env": "QUEUE=post\n"})
    assert kept.env == {"QUEUE": "post"}


def test_a_secret_that_several_list_has_one_value():
    env = "environment: {APP_SECRET: '${APP_SECRET}'}"
    two = composed(f"  web: {{build: ./web, {env}}}\n  other: {{build: ./api, {env}}}\n")
    assert system_of(two).file.secrets == ("APP_SECRET",)
    assert system_of(composed(f"  web: {{build: ./web, {env}}}\n")).file.secrets == ()


def test_of_several_programs_in_one_project_each_is_asked_for_its_own_port():
    compose = """
    services:
      auth:
        build: {context: ., dockerfile: ./apps/auth/Dockerfile}
        command: npm run start auth
      api:
        build: {context: ., dockerfile: ./apps/api/Dockerfile}
        command: npm run start api
    """
    code = {"apps/auth/Dockerfile": "FROM node", "apps/api/Dockerfile": "FROM node"}
    code |= {"apps/auth/main.ts": "process.env.QUEUE", "apps/api/main.ts": "app.listen(5000)"}
    code |= {"libs/db.ts": "process.env.DB_HOST", "package.json": '{"scripts": {"start": "x"}}'}
    auth, api = found_in(**{"compose.yaml": compose, **code}).services
    assert auth.ports == {}
    assert set(auth.missing) == {"QUEUE", "DB_HOST"}
    assert api.ports == {"http": 5000}
    assert set(api.missing) == {"DB_HOST"}


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        (
            "CORS_ORIGINS",
            "http://localhost:3000,http://x.dev",
            "${services.api.public_url},http://x.dev",
        ),
        ("ANY_URL", "http://localhost:3000/v1", "${services.api.public_url}/v1"),
        ("VITE_API_URL", "http://api:3000", "${services.api.public_url}"),
        ("SITE_URL", "http://localhost:8080", "${services.web.public_url}"),
        ("OTHER_URL", "http://localhost:4444", "http://localhost:4444"),
    ],
)
def test_an_address_for_browsers_is_the_public_one_and_nobody_waits_for_it(name, value, written):
    service = web(["ports: ['8080:3000']", f"environment: {{{name}: {value!r}}}"])
    assert service.env == {name: written}


def test_a_front_end_and_its_server_do_not_wait_for_each_other():
    compose = """
    services:
      web: {build: web, ports: ["8080:3000"], environment: {API: "http://api:3000"}}
      api: {build: api, ports: ["9000:3000"], environment: {CORS: "http://localhost:8080"}}
    """
    code = {f"{name}/package.json": '{"scripts": {"start": "x"}}' for name in ("web", "api")}
    code |= {f"{name}/s.js": SERVER for name in ("web", "api")}
    services = system_of(found_in(**{"compose.yaml": compose, **code})).file.services
    assert services["web"].env == {"API": "${services.api.url}"}
    assert services["api"].env == {"CORS": "${services.web.public_url}"}


def test_of_several_public_services_one_has_the_domain_and_the_others_a_host():
    found = found_in(
        **{
            "compose.yaml": """
                services:
                  api:
                    build: ./api
                    ports: ["4000:4000"]
                    environment: {CORS_ORIGIN: "http://localhost:8080"}
                  web:
                    build: ./web
                    ports: ["8080:8080"]
                    environment: {API_URL: "http://api:4000"}
            """,
            "api/package.json": '{"scripts": {"start": "node s.js"}}',
            "api/s.js": SERVER,
            "web/package.json": '{"scripts": {"start": "node s.js"}}',
            "web/s.js": SERVER,
        }
    )
    services = system_of(found).file.services
    assert (services["web"].public.host, services["api"].public.host) == (None, "api")
    assert "${services.web.public_url}" in services["api"].env["CORS_ORIGIN"]
