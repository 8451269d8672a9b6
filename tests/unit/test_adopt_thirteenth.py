"""What the thirteenth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in, runs

from tarmac.adopt.variables.dotenv_files import is_secret


@pytest.mark.parametrize(
    ("profiles", "names"),
    [
        (("dev", "prod"), {"web-0"}),
        (("web", "worker"), {"web-0", "web-1"}),
        (("test", "prod"), {"app"}),  # only what its folder shows is left
    ],
)
def test_a_profile_counts_where_no_program_starts_without_one(profiles, names):
    lines = [
        f"  web-{n}: {{build: ., command: flask run, profiles: [{profile}]}}"
        for n, profile in enumerate(profiles)
    ]
    compose = "\n".join(("services:", "  db: {image: 'postgres:16'}", *lines))
    assert runs(found_in(**{"compose.yaml": compose} | FLASK)).keys() == names


def test_an_image_that_brings_postgresql_under_another_name_is_postgresql():
    compose = """
    services:
      web: {build: ., environment: {DATABASE_URL: "postgres://a:b@db:5432/notes"}}
      db: {image: "pgautoupgrade/pgautoupgrade:17-alpine"}
    """
    found = found_in(**{"compose.yaml": compose} | FLASK)
    assert {store.name: (store.kind, store.version) for store in found.stores} == {
        "db": ("postgres", "17")
    }
    assert found.services[0].env["DATABASE_URL"] == "${stores.db.url}"


def test_a_path_of_a_container_in_a_variable_is_the_one_of_the_file_here():
    compose = """
    services:
      web:
        build: ./web
        volumes: ["./web:/app", "./shared:/shared:ro", "uploads:/app/uploads"]
        environment:
          TEMPLATES: /app/templates
          LOG_FILE: /app/logs/web.log
          PYTHONPATH: /app:/shared/lib
          UPLOAD_DIR: /app/uploads
          BASE_PATH: /app
          ZONES_DIR: /usr/share/zoneinfo
    volumes: {uploads: {}}
    """
    files = {f"web/{name}": text for name, text in FLASK.items()}
    files |= {"web/templates/a.html": "", "shared/lib/a.py": ""}
    (web,) = found_in(**{"compose.yaml": compose} | files).services
    assert web.folder == "web"
    assert {name: web.env[name] for name in web.env if name.isupper()} == {
        "TEMPLATES": "templates",
        "LOG_FILE": "logs/web.log",
        "PYTHONPATH": ".:../shared/lib",
        "UPLOAD_DIR": "${volumes.uploads.path}",
        "BASE_PATH": "/app",
        "ZONES_DIR": "/usr/share/zoneinfo",
    }


def test_a_path_that_only_the_image_has_is_the_one_of_what_it_copies():
    compose = "services: {web: {build: ., environment: {SETTINGS: /app/conf/web.toml}}}"
    (web,) = found_in(**{"compose.yaml": compose, "conf/web.toml": ""} | FLASK).services
    assert web.env["SETTINGS"] == "conf/web.toml"


def test_a_path_of_a_container_in_an_option_is_the_folder_here():
    compose = """
    services:
      web:
        build: {context: .}
        volumes: ["./src/web:/app"]
        command: [uvicorn, "--app-dir=/app", "--reload-dir=/app", "main:app"]
    """
    files = {
        "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY src/web /app\n",
        "src/web/requirements.txt": "fastapi\nuvicorn\n",
        "src/web/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    }
    (web,) = found_in(**{"compose.yaml": compose} | files).services
    assert "--app-dir=. " in web.run
    assert "/app" not in web.run


def test_what_an_image_installs_of_its_own_is_installed_here():
    files = {
        "requirements.txt": "flask\n",
        "setup.py": "",
        "src/lib/setup.py": "",
        "src/notes/web.py": "from flask import Flask\napp = Flask(__name__)\n",
    }
    dockerfile = (
        "FROM python:3.12\nCOPY src/lib /src/lib\nRUN pip install -r requirements.txt\n"
        "RUN pip install --editable . \\\n  && pip install -e /src/lib[dev]\n"
        'CMD ["gunicorn", "notes.web:app"]\n'
    )
    (app,) = found_in(**files, Dockerfile=dockerfile).services
    assert "pip install -q -r requirements.txt -e . -e src/lib &&" in app.tasks["install"]


@pytest.mark.parametrize(
    ("packages", "migrates"),
    [("flask\nalembic==1.13\n", True), ("Flask-Migrate\n", True), ("flask\n", False)],
)
def test_tables_are_made_by_alembic_where_its_packages_have_it(packages, migrates):
    files = FLASK | {"requirements.txt": packages, "alembic.ini": "[alembic]\n"}
    (app,) = found_in(**files).services
    assert ("migrate" in app.tasks) is migrates


@pytest.mark.parametrize(
    ("script", "run"),
    [
        ("webpack --watch --progress", None),
        ("NODE_ENV=production webpack", None),
        ("webpack serve --mode development", "npm start -- --host 127.0.0.1 --port $PORT"),
        ("webpack-dev-server --hot", "npm start -- --host 127.0.0.1 --port $PORT"),
    ],
)
def test_webpack_is_a_program_where_it_serves(script, run):
    package = f'{{"scripts": {{"start": "{script}"}}, "devDependencies": {{"webpack": "5"}}}}'
    found = found_in(**{"pages/package.json": package} | FLASK)
    assert {one.name: one.run for one in found.services}.get("pages") == run


def test_a_module_that_a_remark_keeps_out_of_the_build_is_not_made():
    pom = "<project><parent>spring-boot</parent><artifactId>{}</artifactId>{}</project>"
    needs = "<dependencies><artifactId>lib</artifactId></dependencies>"
    files = {
        "pom.xml": "<modules><module>lib</module><module>web</module>"
        "<!-- <module>old</module> --></modules><packaging>pom</packaging>",
        "lib/pom.xml": pom.format("lib", ""),
        "old/pom.xml": pom.format("old", ""),
        "web/pom.xml": pom.format(
            "web", needs.replace("</dep", "<artifactId>old</artifactId></dep")
        ),
        "lib/src/main/java/Lib.java": "class Lib {}\n",
        "old/src/main/java/Old.java": "class Old {}\n",
        "web/src/main/java/Web.java": "@SpringBootApplication\nclass Web {}\n",
    }
    (web,) = found_in(**files).services
    assert "-pl lib -am" in web.tasks["install"]


def test_an_image_of_a_workspace_starts_what_its_package_builds():
    files = {
        "pnpm-lock.yaml": "",
        "pnpm-workspace.yaml": "packages: [apps/*]\n",
        "package.json": '{"scripts": {"build": "pnpm -r build"}}',
        "apps/cart/package.json": '{"name": "cart", "scripts": {"build": "nest build"}, '
        '"dependencies": {"a": "1"}}',
        "apps/cart/src/main.ts": "app.listen(process.env.PORT)",
        "apps/cart/Dockerfile": 'FROM node:20\nCMD ["node", "apps/cart/dist/main.js"]\n',
    }
    (cart,) = found_in(**files).services
    assert cart.run == "pnpm run build && node dist/main.js"


@pytest.mark.parametrize("name", ["OIDC_TOKEN_ENDPOINT", "TOKEN_ADDRESS", "SECRET_DOMAIN"])
def test_an_address_is_no_secret(name):
    assert not is_secret(name)


def test_the_address_of_a_person_is_not_that_of_the_mail_server():
    code = "import os\nfrom flask_mail import Mail\nos.environ['EMAIL']\nos.environ['MAIL_HOST']\n"
    files = FLASK | {
        "app.py": f"{FLASK['app.py']}{code}",
        "requirements.txt": "flask\nflask-mail\n",
    }
    (app,) = found_in(**files).services
    assert "EMAIL" not in app.env
    assert app.env["MAIL_HOST"] == "mail"


def test_the_home_of_an_image_is_not_carried_over():
    dockerfile = f"{FLASK['Dockerfile']}ENV HOME=/home/app\nENV HOMEPAGE=/notes\n"
    (app,) = found_in(**FLASK | {"Dockerfile": dockerfile}).services
    assert "HOME" not in app.env
    assert app.env["HOMEPAGE"] == "/notes"


@pytest.mark.parametrize("needs", ["depends_on: [a-db]", "labels: []"])
def test_of_several_databases_a_program_has_the_one_that_is_its_own(needs):
    code = "import os\nfrom fastapi import FastAPI\nimport psycopg\napp = FastAPI()\n"
    reads = "".join(f"os.environ['DB_{end}']\n" for end in ("HOST", "PORT", "USER", "PASSWORD"))
    compose = f"""
    services:
      users-api: {{build: ./users}}
      orders-api: {{build: ./orders, {needs}}}
      {"a-db" if "depends" in needs else "orders-db"}: {{image: "postgres:16"}}
      users-db: {{image: "postgres:16"}}
    """
    files = {}
    for name in ("users", "orders"):
        files[f"{name}/requirements.txt"] = "fastapi\nuvicorn\npsycopg\n"
        files[f"{name}/main.py"] = code + reads
        files[f"{name}/Dockerfile"] = 'FROM python:3.12\nCMD ["uvicorn", "main:app"]\n'
    found = found_in(**{"compose.yaml": compose} | files)
    hosts = {service.name: service.env["DB_HOST"] for service in found.services}
    own = "a-db" if "depends" in needs else "orders-db"
    assert hosts == {
        "users-api": "${stores.users-db.host}",
        "orders-api": f"${{stores.{own}.host}}",
    }


def deployed(name, image, host="", env=""):
    """Write a deployment, and the Service before it where it has one."""
    service = (
        f"\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {host}}}\n"
        f"spec: {{selector: {{app: {name}}}}}\n"
    )
    return (
        f"apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n"
        f"spec: {{template: {{metadata: {{labels: {{app: {name}}}}}, "
        f"spec: {{containers: [{{image: '{image}', env: [{env}]}}]}}}}}}\n{service * bool(host)}"
    )


@pytest.mark.parametrize(
    ("name", "image", "files"),
    [
        ("orders-depl", "acme/x1", {}),
        ("one", "acme/shop-orders:2", {}),
        (
            "one",
            "acme/x1:2",
            {"skaffold.yaml": "build:\n  artifacts:\n  - image: acme/x1\n    context: orders\n"},
        ),
        ("one", "acme/x1", {"Tiltfile": "docker_build('acme/x1', './orders', only=['.'])\n"}),
    ],
)
def test_a_deployment_is_of_the_program_that_its_image_is_built_of(name, image, files):
    env = "{name: DB_HOST, value: orders-db-srv.default}, {name: DB_PASS, value: pw1}"
    code = "import os\nimport psycopg\nos.environ['DB_HOST']\nos.environ['DB_PASS']\n"
    files = files | {
        "k8s/users.yaml": deployed("users-db", "postgres:16", "users-db-srv"),
        "k8s/orders.yaml": deployed("orders-db", "postgres:16", "orders-db-srv"),
        "k8s/program.yaml": deployed(name, image, env=env),
        "orders/requirements.txt": "flask\npsycopg\n",
        "orders/app.py": f"{FLASK['app.py']}{code}",
        "users/requirements.txt": "flask\n",
        "users/app.py": FLASK["app.py"],
    }
    found = found_in(**files)
    (orders,) = (service for service in found.services if service.name == "orders")
    assert orders.env["DB_HOST"] in ("orders-db-srv", "${stores.orders-db-srv.host}")
    assert orders.env["DB_PASS"] == "${stores.orders-db-srv.password}"
    assert not any("images whose programs are not here" in line for line in found.left_out)


TWO = """
    services:
      web: {build: ., command: flask run, environment: {DEBUG: "1"}}
      db: {image: "postgres:16"}
    """


def test_the_files_that_compose_is_told_to_read_are_one_system():
    files = {
        "compose.yaml": TWO,
        "compose.dev.yaml": "services: {web: {environment: {LEVEL: info}}}\n",
        "compose.more.yaml": "services: {cache: {image: 'redis:7'}}\n",
        ".env.example": "COMPOSE_FILE=compose.yaml:compose.dev.yaml\n",
    }
    found = found_in(**files | FLASK)
    assert {store.name for store in found.stores} == {"db"}
    assert found.services[0].env.keys() >= {"DEBUG", "LEVEL"}


OF_USERS = """
    services:
      users_api: {build: ., ports: ["8001:8000"]}
      users_db: {image: "postgres:16"}
    networks: {shop: {name: shop}}
    """
OF_ORDERS = """
    services:
      orders_api: {build: ., ports: ["8002:8000"]}
      orders_db: {image: "postgres:16"}
    networks: {shop: {external: true}}
    """


@pytest.mark.parametrize(
    ("more", "names"),
    [
        ({}, {"users-api", "orders-api"}),
        ({"orders/compose.yaml": OF_ORDERS.replace("{external: true}", "{}")}, {"users", "orders"}),
        (
            {
                "orders/compose.yaml": OF_ORDERS.replace("external", "internal"),
                "Makefile": "up:\n\tcompose -f users/compose.yaml -f orders/compose.yaml up\n",
            },
            {"users-api", "orders-api"},
        ),
        # Two that are alike are systems beside each other.
        (
            {"orders/compose.yaml": OF_USERS.replace("name: shop", "external: true")},
            {"users", "orders"},
        ),
    ],
)
def test_files_of_several_folders_are_one_system_where_something_says_so(more, names):
    files = {"users/compose.yaml": OF_USERS, "orders/compose.yaml": OF_ORDERS} | more
    for folder in ("users", "orders"):
        files |= {f"{folder}/{name}": text for name, text in FLASK.items()}
    assert runs(found_in(**files)).keys() == names


def test_programs_reach_a_database_without_the_pooler_before_it():
    compose = """
    services:
      web:
        build: .
        command: flask run
        environment: {DATABASE_URL: "postgres://a:b@pool:6432/notes"}
        depends_on: [pool]
      pool: {image: "edoburu/pgbouncer:1", environment: {DB_HOST: db}, depends_on: [db]}
      db: {image: "postgres:16"}
    """
    found = found_in(**{"compose.yaml": compose} | FLASK)
    assert found.services[0].env["DATABASE_URL"] == "${stores.db.url}"
    assert "pool: programs reach db without it" in found.left_out


def test_a_health_check_tells_where_a_program_listens():
    compose = """
    services:
      web: {build: ., command: flask run, ports: ["80:8080"]}
      geo: {build: ., command: flask run, healthcheck: {test: "nc -z localhost 7001"}}
      rate: {build: ., command: flask run, healthcheck: {test: [CMD, curl, "http://0.0.0.0:7002/"]}}
      pings: {build: ., command: celery -A app worker, healthcheck: {test: "nc -z web 7003"}}
    """
    found = found_in(**{"compose.yaml": compose} | FLASK)
    ports = {service.name: service.ports.get("http") for service in found.services}
    assert (ports["geo"], ports["rate"], ports["pings"]) == (7001, 7002, None)


def test_the_name_of_a_variable_says_which_service_is_meant_before_its_number():
    files = {
        "gate/.env.example": "USERS_SERVICE_URL=http://localhost:3002\nPORT=3000\n",
        "gate/server.js": "app.listen(process.env.PORT)\nprocess.env.USERS_SERVICE_URL\n",
        "users-service/.env.example": "PORT=3001\n",
        "users-service/server.js": "app.listen(process.env.PORT)\n",
        "orders-service/.env.example": "PORT=3002\n",
        "orders-service/server.js": "app.listen(process.env.PORT)\n",
    }
    files |= {f"{path.split('/')[0]}/package.json": "{}" for path in files}
    (gate,) = (one for one in found_in(**files).services if one.name == "gate")
    assert gate.env["USERS_SERVICE_URL"].startswith("${services.users-service.")


FLAGS = """package main
import ("flag"; "net/http")
func main() {
	port := flag.Int("port", 8080, "where it listens")
	geo := flag.String("geo", "geo:8080", "where geo is")
	flag.Parse()
	http.ListenAndServe(fmt.Sprintf(":%d", *port), nil)
}
"""


def test_one_go_program_of_several_services_is_told_its_port_and_found_by_its_flags():
    compose = """
    services:
      web: {build: ., entrypoint: shop web, ports: ["5001:8080"]}
      geo: {build: ., entrypoint: shop geo, healthcheck: {test: "nc -z localhost 8080"}}
    """
    dockerfile = "FROM golang:1.22\nWORKDIR /src\nCOPY . .\nRUN go install ./cmd/...\n"
    files = {"go.mod": "module example.com/shop\n", "cmd/shop/main.go": FLAGS}
    found = found_in(**{"compose.yaml": compose, "Dockerfile": dockerfile} | files)
    assert runs(found) == {
        "web": "go run ./cmd/shop --port $PORT web",
        "geo": "go run ./cmd/shop --port $PORT geo",
    }
    assert found.hosts
    assert found.services[0].calls == ("geo",)


def test_a_workspace_has_the_one_program_of_its_crates():
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["api", "domain"]\n',
        "api/Cargo.toml": '[package]\nname = "api"\n',
        "api/src/bin/serve.rs": "fn main() {}\n",
        "api/src/bin/migrate.rs": "fn main() {}\n",
        "domain/Cargo.toml": '[package]\nname = "domain"\n',
        "domain/src/lib.rs": "",
        "Dockerfile": "FROM rust:1.82\nWORKDIR /app\nCOPY api ./api\nCOPY ./app.env ./.env\n",
        "app.env": "PORT=8080\nLOG_FILE=/app/logs/a.log\nLEVEL=debug\n",
        "compose.yaml": """
            services:
              app: {build: ., ports: ["8080:8080"], volumes: ["./app.env:/app/.env"]}
            """,
    }
    (app,) = found_in(**files).services
    assert app.run == "cargo run --quiet --bin serve"
    assert app.env["LEVEL"] == "debug"
    assert app.env["LOG_FILE"] == "logs/a.log"


def test_programs_of_one_build_are_named_beside_a_file_that_has_the_first_of_them():
    pom = "<project><parent>spring-boot</parent><artifactId>{}</artifactId>{}</project>"
    spring = "@SpringBootApplication\nclass A { public static void main(String[] a) {} }\n"
    needs = "<dependencies><artifactId>lib</artifactId></dependencies>"
    modules = ("config", "users", "orders", "lib")
    listed = "".join(f"<module>{module}</module>" for module in modules)
    files = {
        "pom.xml": f"<modules>{listed}<!-- <module>old</module> --></modules>",
        "compose.yaml": "services: {config: {build: ./config, ports: ['8888:8888']}}\n",
        "config/Dockerfile": "FROM openjdk:17\nCOPY target/a.jar a.jar\nCMD java -jar a.jar\n",
        "old/pom.xml": pom.format("old", ""),
        "old/src/main/java/A.java": spring,
    }
    for module in modules:
        files[f"{module}/pom.xml"] = pom.format(module, needs * (module == "users"))
        files[f"{module}/src/main/java/A.java"] = spring
    assert {one.name for one in found_in(**files).services} == {"config", "users", "orders"}
