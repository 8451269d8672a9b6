"""Programs that a repository holds are recognised by what their own tools and code say."""

from __future__ import annotations

import pytest
from repository import folder_of, found_in, system_of, text_of

from tarmac.adopt.variables.code import health_path, named_hosts, variables

EXPRESS = 'const app = require("express")();\napp.listen(process.env.PORT || 3100);\n'
MAVEN = {"mvnw": "", ".mvn/wrapper/maven-wrapper.properties": ""}
FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"


def only(**files):
    """Survey a repository that has one service, and load what is written of it."""
    found = found_in(**files)
    assert len(found.services) == 1, [service.name for service in found.services]
    assert system_of(found)
    return found.services[0]


@pytest.mark.parametrize(
    ("files", "run", "port"),
    [
        (
            {"package.json": '{"scripts": {"start": "node s.js"}}', "s.js": EXPRESS},
            "npm start",
            3100,
        ),
        (
            {"package.json": '{"scripts": {"dev": "vite"}}', "pnpm-lock.yaml": ""},
            "pnpm run dev --host 127.0.0.1 --port $PORT --strictPort",
            5173,
        ),
        (
            {"package.json": '{"scripts": {"start": "node dist/a.js", "dev": "tsx a.ts"}}'},
            "npm run dev",
            None,
        ),
        ({"package.json": '{"scripts": {"start": "react-scripts start"}}'}, "npm start", 3000),
        ({"package.json": "{}", "server.js": EXPRESS}, "node server.js", 3100),
        ({"server.js": EXPRESS}, "node server.js", 3100),
        (
            {"requirements.txt": "fastapi", "app/main.py": FASTAPI},
            ".venv/bin/python -m uvicorn app.main:app --host 127.0.0.1 --port $PORT",
            8000,
        ),
        (
            {"pyproject.toml": "", "uv.lock": "", "src/shop/api.py": FASTAPI},
            "uv run python -m uvicorn shop.api:app --app-dir src --host 127.0.0.1 --port $PORT",
            8000,
        ),
        (
            {"requirements.txt": "django", "manage.py": ""},
            ".venv/bin/python manage.py runserver --noreload 127.0.0.1:$PORT",
            8000,
        ),
        (
            {"requirements.txt": "", "app.py": "from flask import Flask\napp = Flask(__name__)\n"},
            ".venv/bin/python -m flask --app app:app run --port $PORT",
            5000,
        ),
        (
            {"go.mod": "module x.test/a", "main.go": 'package main\nvar p = env("PORT", "7001")\n'},
            "go run .",
            7001,
        ),
        (
            {
                "go.mod": "module x.test/a",
                "main.go": 'package main\nvar port = "7002"\n'
                'func f() { if os.Getenv("PORT") != "" {} }',
            },
            "go run .",
            7002,
        ),
        ({"pom.xml": "<spring-boot>", "mvnw": ""}, "mvn -q spring-boot:run", 8080),
        ({"pom.xml": "<spring-boot>", **MAVEN}, "./mvnw -q spring-boot:run", 8080),
        (
            {"Main.java": "class Main { public static void main(String[] a) {} }"},
            "java Main.java",
            None,
        ),
        ({"Cargo.toml": '[package]\nname = "a"', "src/main.rs": ""}, "cargo run --quiet", None),
        (
            {"a.csproj": '<Project Sdk="Microsoft.NET.Sdk.Web">'},
            "dotnet run --no-launch-profile --urls http://127.0.0.1:$PORT",
            5000,
        ),
        ({"Procfile": "web: gunicorn app:app"}, "gunicorn app:app", 5000),
        (
            {
                "Dockerfile": 'FROM x\nEXPOSE 9000\nCMD ["python", "serve.py", "--port", "9000"]',
                "serve.py": "import x",
            },
            "python3 serve.py --port $PORT",
            9000,
        ),
    ],
)
def test_a_program_is_started_as_its_own_tools_start_it(files, run, port):
    service = only(**files)
    assert service.run == run
    assert not service.fixed
    assert next(iter(service.ports.values()), None) == port


def test_a_virtual_environment_that_is_there_is_used_and_none_is_made():
    files = {"requirements.txt": "flask", "app.py": "app = Flask(__name__)"}
    assert only(**files).tasks
    service = only(**files, **{".venv/bin/python": ""})
    assert service.run.startswith(".venv/bin/python -m flask")
    assert not service.tasks


def test_a_virtual_environment_above_serves_the_folders_below():
    service = only(**{"services/a/app.py": "app = Flask(__name__)", ".venv/bin/python": ""})
    assert (service.name, service.folder) == ("a", "services/a")
    assert service.run.startswith("../../.venv/bin/python ")


def test_a_program_that_names_its_port_keeps_it():
    service = only(**{"package.json": '{"scripts": {"start": "node a"}}', "a.js": "x.listen(4444)"})
    assert (service.ports, service.fixed) == ({"http": 4444}, True)
    assert service.remarks == ("a.js:1 names its port",)


def test_a_program_that_is_compiled_first_has_the_time_for_it():
    found = found_in(
        **{"go.mod": "module a", "main.go": 'package main\nvar p = env("PORT", "7001")'}
    )
    probe = system_of(found).file.services["a"].probe
    assert (probe.tcp, probe.within) == (True, 300)


@pytest.mark.parametrize(
    ("script", "watch"), [("node a.js", ("a.js", "src")), ("nodemon a.js", ()), ("vite", ())]
)
def test_edits_are_watched_where_the_program_does_not_do_that_itself(script, watch):
    package = f'{{"scripts": {{"dev": "{script}"}}}}'
    files = {"package.json": package, "a.js": "", "src/b.ts": "", "tests/c.js": "", "README": ""}
    assert only(**files).watch == watch


def test_the_port_of_a_server_that_it_connects_to_is_not_its_own():
    service = only(**{"package.json": '{"scripts": {"start": "node a"}}', "a.js": "port: 6379,\n"})
    assert service.ports == {}


@pytest.mark.parametrize(
    ("code", "variable", "value"),
    [
        ('env("HTTP_PORT", "7000")', "HTTP_PORT", "${services.a.port}"),
        ('env("LISTEN_ADDR", ":7000")', "LISTEN_ADDR", "127.0.0.1:${services.a.port}"),
    ],
)
def test_a_program_gets_its_port_in_the_variable_that_it_reads(code, variable, value):
    service = only(**{"go.mod": "module a", "main.go": f"package main\n{code}"})
    assert service.ports == {"http": 7000}
    assert service.env[variable] == value


def test_a_second_port_variable_is_a_second_port():
    code = 'env("PORT", "7000"); env("METRICS_PORT", "7001")'
    service = only(**{"go.mod": "module a", "main.go": f"package main\n{code}"})
    assert service.ports == {"http": 7000, "metrics": 7001}
    assert service.env == {"METRICS_PORT": "${services.a.metrics_port}"}


def test_what_the_code_reads_is_given_made_up_or_named():
    service = only(
        **{
            "requirements.txt": "psycopg\nredis",
            "main.py": """
                import os
                url, cache = os.environ["DATABASE_URL"], os.getenv("REDIS_URL")
                key, level = os.environ["JWT_SECRET"], os.environ.get("LOG_LEVEL", "info")
                region, shop = os.environ["REGION"], os.environ["SHOP"]
                if __name__ == "__main__":
                    print(url, cache, key, level, region, shop)
                """,
            ".env": "SHOP=Ada's\nUNUSED=1\n",
        }
    )
    assert service.env == {
        "DATABASE_URL": "${stores.db.url}",
        "REDIS_URL": "${stores.cache.url}",
        "REGION": "us-east-1",  # for now
        "SHOP": "Ada's",
    }
    assert service.secrets == ("JWT_SECRET",)
    assert service.optional == ("LOG_LEVEL",)
    assert service.missing == {}


def test_a_variable_says_nothing_of_a_database_that_the_program_has_no_library_for():
    found = found_in(**{"main.py": "import os\nx = os.environ['DATABASE_URL']\nwhile True: pass\n"})
    assert found.stores == ()
    assert list(found.services[0].missing) == ["DATABASE_URL"]


def test_parts_of_an_address_are_parts_of_one_store():
    service = only(
        **{
            "package.json": '{"scripts": {"start": "node a"}, "dependencies": {"pg": "8"}}',
            "a.js": "const {DB_HOST, DB_PORT = 5432, DB_USER, DB_PASSWORD, DB_NAME} = process.env",
        }
    )
    assert service.env == {
        "DB_HOST": "${stores.db.host}",
        "DB_NAME": "${stores.db.database}",
        "DB_PASSWORD": "${stores.db.password}",
        "DB_PORT": "${stores.db.port}",
        "DB_USER": "${stores.db.user}",
    }


MONOREPO = {
    "package.json": '{"workspaces": ["apps/*"], "scripts": {"dev": "turbo dev"}}',
    "package-lock.json": "{}",
    "apps/web/package.json": '{"scripts": {"dev": "vite"}, "dependencies": {"x": "1"}}',
    "apps/web/src/main.ts": "fetch(import.meta.env.VITE_API_URL)",
    "apps/catalog-service/package.json": '{"scripts": {"start": "node s.js"}}',
    "apps/catalog-service/s.js": EXPRESS,
    "apps/api/package.json": '{"scripts": {"start": "node s.js"}}',
    "apps/api/s.js": EXPRESS + "go(process.env.CATALOG_ADDR, process.env.FRONTEND_URL)",
    "packages/shared/package.json": '{"main": "index.js"}',
    "packages/shared/index.js": "module.exports = {}",
}


def test_a_repository_of_several_programs_is_several_services_that_find_each_other():
    found = found_in(**MONOREPO)
    services = {service.name: service for service in found.services}
    assert list(services) == ["api", "catalog-service", "web"]
    assert services["api"].env == {"CATALOG_ADDR": "${services.catalog-service.address}"}
    assert services["web"].env == {"VITE_API_URL": "${services.api.public_url}"}
    assert [next(iter(s.ports.values())) for s in found.services] == [3100, 3101, 5173]
    assert "install" not in services["api"].tasks
    assert "cd ../../ && npm ci" in services["web"].tasks["install"]
    assert system_of(found)


def test_what_several_share_is_installed_by_one_and_awaited_by_the_others():
    app = '{"scripts": {"start": "node s.js"}, "dependencies": {"express": "5"}}'
    found = found_in(
        **{f"apps/{name}/package.json": app for name in "ab"}, **{"package-lock.json": "{}"}
    )
    last = "../../node_modules/.package-lock.json"
    more = "npm install --no-save --no-audit --no-fund"
    assert [service.tasks["install"] for service in found.services] == [
        f"test -e {last} || (cd ../../ && npm ci --no-audit --no-fund || {more})",
        f"until test -e {last}; do sleep 0.2; done",
    ]


def test_two_programs_that_name_each_other_do_not_wait_for_each_other():
    code = 'package main\nfunc main() {{ get(os.Getenv("{}_URL"), env("PORT", "1")) }}'
    found = found_in(
        **{
            "a/go.mod": "module a",
            "a/main.go": code.format("B"),
            "b/go.mod": "module b",
            "b/main.go": code.format("A"),
        }
    )
    first, second = found.services
    assert first.env == {"B_URL": "${services.b.url}"}
    assert second.env == {}
    assert list(second.missing) == ["A_URL"]


def test_the_same_repository_gives_the_same_text():
    assert text_of(found_in(**MONOREPO)) == text_of(found_in(**dict(reversed(MONOREPO.items()))))


def test_a_repository_without_a_program_has_nothing_to_run():
    assert found_in(**{"README.md": "hello", "docs/a.py": "app = Flask(__name__)"}).services == ()


GRPC = """
import os, grpc
server = grpc.server(None)
server.add_insecure_port("127.0.0.1:" + os.environ["PORT"])
"""
DEPLOYED = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: prices}
spec:
  template:
    spec:
      containers:
      - name: server
        image: prices
        env:
        - {name: PORT, value: "7000"}
        - {name: PROFILER, value: "0"}
        - {name: UNREAD, value: x}
        - {name: CACHE_ADDR, value: "redis-cart:6379"}
---
kind: Deployment
metadata: {name: redis-cart}
spec: {template: {spec: {containers: [{image: "redis:7-alpine"}]}}}
---
kind: Deployment
metadata: {name: {{ .Values.name }}}
"""


def test_a_grpc_service_is_asked_for_its_health_and_is_not_public():
    checks = f"{GRPC}health_pb2_grpc.add_HealthServicer_to_server(None, server)\n"
    plain = found_in(**{"prices/requirements.txt": "grpcio", "prices/main.py": GRPC})
    asked = found_in(**{"prices/requirements.txt": "grpcio", "prices/main.py": checks})
    (before,), (after,) = (system_of(f).file.services.values() for f in (plain, asked))
    assert before.public is None
    assert before.probe is None
    assert after.probe is not None
    assert after.probe.grpc


def test_what_a_deployment_tells_its_program_and_the_stores_beside_it_come_over():
    code = "import os\nos.environ['PROFILER'], os.environ['CACHE_ADDR'], os.environ['PORT']\n"
    files = {"prices/requirements.txt": "redis", "prices/main.py": code}
    whole, _, broken = DEPLOYED.rpartition("---")
    found = found_in(**files, **{"k8s/a.yaml": whole, "k8s/b.yaml": broken})
    file = system_of(found).file
    assert file.services["prices"].env == {
        "PROFILER": "0",
        "CACHE_ADDR": "${stores.redis-cart.address}",
    }
    assert file.stores["redis-cart"].version == "7"


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("main.ts", "configService.get<string>('QUEUE_NAME')", "QUEUE_NAME"),
        ("main.ts", "this.config.getOrThrow('QUEUE_NAME')", "QUEUE_NAME"),
        ("Program.cs", 'builder.Configuration["CART_ADDR"]', "CART_ADDR"),
        ("Program.cs", 'Environment.GetEnvironmentVariable("CART_ADDR")', "CART_ADDR"),
    ],
)
def test_a_variable_is_seen_in_nest_and_in_net(file, text, name):
    assert list(variables(folder_of({file: text}))) == [name]


def test_what_a_go_program_can_do_without_is_not_reported_as_missing():
    text = 'a := os.Getenv("BANNER")\nb := os.Getenv("CART_ADDR")\nc := os.Getenv("API_TOKEN")\n'
    reads = variables(folder_of({"main.go": text}))
    assert {name: read.default for name, read in reads.items()} == {
        "API_TOKEN": None,
        "BANNER": "",
        "CART_ADDR": None,
    }


def test_what_a_dockerfile_installs_by_name_is_installed_here_too():
    dockerfile = """
    FROM python:3.12
    RUN pip install -U pip setuptools
    RUN pip install -r requirements.txt && \\
        pip install --no-cache-dir gunicorn==23.0.0 "psycopg[binary]"
    RUN pip install -e .
    CMD gunicorn app:app
    """
    files = {"app.py": "import flask\napp = flask.Flask(__name__)", "requirements.txt": "flask"}
    install = only(**files, Dockerfile=dockerfile).tasks["install"]
    assert "pip install -q -r requirements.txt gunicorn==23.0.0 psycopg[binary] &&" in install


@pytest.mark.parametrize(
    ("file", "text", "path"),
    [
        ("app.py", '@app.route("/health_check")', "/health_check"),
        ("app.py", "@app.get('/api/healthz')", "/api/healthz"),
        ("app.py", "@router.get('/health')", ""),
        ("app.py", "@app.get('/health/{part}')", ""),
        ("s.js", "app.get('/ready', (q, r) => r.send())", "/ready"),
        ("main.go", 'http.HandleFunc("/healthz", ok)', "/healthz"),
        ("main.go", 'mux.HandleFunc("GET /readyz", ok)', "/readyz"),
        ("Program.cs", 'app.MapHealthChecks("/health");', "/health"),
    ],
)
def test_where_the_app_says_that_it_is_well_is_asked(file, text, path):
    assert health_path(folder_of({file: text})) == path


def test_a_front_end_with_no_such_route_keeps_its_port_as_its_probe():
    files = {"package.json": '{"scripts": {"start": "node s.js"}}', "s.js": EXPRESS}
    assert system_of(found_in(**files)).file.services["app"].probe is None
    more = f"{EXPRESS}app.get('/health', ok);"
    probe = system_of(found_in(**{**files, "s.js": more})).file.services["app"].probe
    assert probe is not None
    assert probe.http == "/health"


@pytest.mark.parametrize("name", ["world", "postgres", "broker"])
def test_a_folder_whose_name_no_service_may_have_gives_one_that_may(name):
    code = {
        f"services/{n}/package.json": '{"scripts": {"start": "node s.js"}}' for n in (name, "a")
    }
    code |= {f"services/{n}/s.js": EXPRESS for n in (name, "a")}
    found = found_in(**code)
    assert [service.name for service in found.services] == sorted(["a", f"{name}-app"])
    assert system_of(found), text_of(found)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('command.Parameters.AddWithValue("@vote", vote);', []),
        ('OpenDbConnection("Server=db;Username=postgres;");', ["db"]),
        ("psycopg.connect('host=db user=x')", ["db"]),
        ("url = 'postgres://postgres:postgres@db/postgres'", ["db"]),
        ("url = f'postgres://{user}:{password}@db/x'", ["db"]),
        ("get('http://vote:80/')", ["vote"]),
    ],
)
def test_a_containers_name_in_the_code_is_seen_where_it_is_a_host(text, names):
    is_host = {"db", "vote"}.__contains__
    assert list(named_hosts(folder_of({"Program.cs": text}), is_host)) == names


def test_what_config_maps_and_secrets_give_a_deployment_comes_over_from_the_main_tree():
    """As a bank has it: addresses by envFrom, databases of images of its own, and a second tree."""
    config = """
        kind: ConfigMap
        metadata: {name: addresses}
        data: {CONTACTS_ADDR: "contacts:8080", ROUTING: "883745000", DB_URI: "postgresql://a:b@db:5432/x"}
        ---
        kind: Secret
        metadata: {name: keys}
        data: {REGION: ZXVyb3Bl}
        """
    web = """
        kind: Deployment
        metadata: {name: web}
        spec:
          template:
            spec:
              containers:
                - image: bank/web
                  envFrom: [{configMapRef: {name: addresses}}]
                  env:
                    - name: AREA
                      valueFrom: {secretKeyRef: {name: keys, key: REGION}}
        """
    database = """
        kind: StatefulSet
        metadata: {name: db}
        spec: {template: {spec: {containers: [{image: "bank/accounts-db:v1"}]}}}
        """
    app = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
    reads = "".join(f"os.environ['{n}']\n" for n in ("CONTACTS_ADDR", "ROUTING", "DB_URI", "AREA"))
    found = found_in(
        **{
            "extras/k8s/config.yaml": config.replace("883745000", "1"),
            "kubernetes-manifests/config.yaml": config,
            "kubernetes-manifests/web.yaml": web,
            "kubernetes-manifests/db.yaml": database,
            "src/accounts-db/Dockerfile": "FROM postgres:16-alpine\nCOPY init.sql /x/",
            "src/web/requirements.txt": "flask\npsycopg",
            "src/web/app.py": app + reads,
            "src/contacts/requirements.txt": "flask",
            "src/contacts/app.py": app,
        }
    )
    system_of(found)
    services = {service.name: service for service in found.services}
    assert services["web"].env == {
        "AREA": "europe",
        "CONTACTS_ADDR": "${services.contacts.address}",
        "DB_URI": "${stores.db.url}",
        "ROUTING": "883745000",
    }
    assert [(store.name, store.kind, store.version) for store in found.stores] == [
        ("db", "postgres", "16")
    ]
    assert found.stores[0].remarks == (
        "src/accounts-db/Dockerfile adds files to postgres:16-alpine, which are not carried over",
    )
