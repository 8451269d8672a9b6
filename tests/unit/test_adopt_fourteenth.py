"""Workspaces, brokers and steps, as repositories not met before have them, on files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs

from tarmac.adopt.survey.survey import survey


def test_a_package_of_a_workspace_is_started_where_its_stage_works():
    dockerfile = (
        "FROM node:20 AS deps\nWORKDIR /home/web\nCOPY ./src/package.json ./package.json\n"
        "FROM deps AS dev\nWORKDIR /home/web/apps/shop\nCMD [yarn, dev]\n"
    ).replace("[yarn, dev]", '["yarn", "dev"]')
    compose = """
    services:
      web:
        build: {context: ., dockerfile: ./src/Dockerfile, target: dev}
        volumes: ["./src:/home/web"]
        ports: ["3000:3000"]
    """
    scripts = '{"scripts": {"%s": "node server.js"}, "dependencies": {"a": "1"}}'
    files = {
        "src/Dockerfile": dockerfile,
        "src/package.json": scripts % "test",
        "src/apps/shop/package.json": scripts % "dev",
        "src/apps/shop/server.js": "app.listen(3000)",
    }
    (web,) = found_in(**{"compose.yaml": compose} | files).services
    assert (web.folder, web.run) == ("src/apps/shop", "yarn dev")


@pytest.mark.parametrize(
    ("lock", "more", "program"),
    [
        (
            "pnpm-lock.yaml",
            {"pnpm-workspace.yaml": "packages:\n  - 'apps/*'\n  - packages/*\n"},
            "pnpm",
        ),
        ("package-lock.json", {"package.json": '{"workspaces": ["apps/*", "packages/*"]}'}, "npm"),
        ("yarn.lock", {"package.json": '{"workspaces": {"packages": ["packages/*"]}}'}, "yarn"),
    ],
)
def test_packages_of_a_workspace_are_built_once_before_the_programs_that_have_them(
    lock, more, program
):
    library = '{"name": "%s", "main": "dist/index.js", "scripts": {"build": "tsc"}, %s}'
    on = '"dependencies": {"@shop/%s": "*"}'
    files = {
        lock: "",
        "packages/core/package.json": library % ("@shop/core", on % "base"),
        "packages/base/package.json": library % ("@shop/base", '"dependencies": {}'),
    }
    for name in ("api", "web"):
        files[f"apps/{name}/package.json"] = '{"scripts": {"start": "node a.js"}, %s}' % (
            on % "core"
        )
        files[f"apps/{name}/a.js"] = "app.listen(process.env.PORT)"
    api, web = found_in(**files | more).services
    made = {name: task for name, task in api.tasks.items() if name.startswith("build-")}
    assert made == {
        "build-base": "test -e ../../packages/base/dist/index.js || "
        f"(cd ../../packages/base && {program} run build)",
        "build-core": "test -e ../../packages/core/dist/index.js || "
        f"(cd ../../packages/core && {program} run build)",
    }
    assert list(made) == ["build-base", "build-core"]
    assert web.tasks["build-core"].startswith("until test -e ../../packages/core/dist/index.js;")


def test_a_package_that_others_have_as_it_is_is_not_built():
    files = {
        "package-lock.json": "{}",
        "package.json": '{"workspaces": ["packages/*"]}',
        "packages/core/package.json": '{"name": "@shop/core", "main": "src/index.ts", '
        '"scripts": {"build": "tsc"}}',
        "apps/api/package.json": '{"scripts": {"start": "node a.js"}, '
        '"dependencies": {"@shop/core": "*"}}',
        "apps/api/a.js": "app.listen(process.env.PORT)",
    }
    (api,) = found_in(**files).services
    assert list(api.tasks) == ["install"]


@pytest.mark.parametrize(
    ("reads", "broker"),
    [
        ("process.env.RABBITMQ_URL", "rabbitmq"),
        ("process.env.RABBITMQ_URL || 'none'", None),
        ("if (process.env.RABBITMQ_URL) {}", None),
    ],
)
def test_a_broker_that_the_code_insists_on_is_there_beside_a_file_of_databases(reads, broker):
    files = {
        "compose.yaml": """
            services:
              api: {build: ., command: npm start}
              db: {image: "postgres:16"}
            """,
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"amqplib": "1"}}',
        "a.js": f"app.listen(3000)\n{reads}\n",
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"})
    assert (found.broker.kind if found.broker else None) == broker


@pytest.mark.parametrize("command", ["celery -A app flower", "celery -A app flower --port=5555"])
def test_the_pages_of_celery_are_told_their_port(command):
    compose = f"""
    services:
      web: {{build: ., command: flask run, ports: ["80:8000"]}}
      pages: {{build: ., command: {command}, ports: ["5556:5555"]}}
    """
    found = found_in(**{"compose.yaml": compose} | FLASK)
    pages = next(one for one in found.services if one.name == "pages")
    assert pages.run.endswith("celery -A app flower --port=$PORT")
    assert (pages.fixed, pages.ports["http"]) == (False, 5556)


def test_an_image_that_copies_what_lies_above_is_built_from_there():
    dockerfile = (
        "FROM node:20\nWORKDIR /app\nCOPY package*.json ./\nCOPY src/shared ./src/shared\n"
        "COPY src/{0} ./src/{0}\nENV PORT={1}\nEXPOSE {1}\n"
        'CMD ["node", "src/shared/start.js", "{0}"]\n'
    )
    files = {
        "package.json": '{"scripts": {"lint": "eslint ."}, "dependencies": {"a": "1"}}',
        "src/shared/start.js": "app.listen(process.env.PORT)\n",
        "src/auth/Dockerfile": dockerfile.format("auth", 3001),
        "src/auth/a.js": "",
        "src/user/Dockerfile": dockerfile.format("user", 3002),
        "src/user/a.js": "",
    }
    found = found_in(**files)
    assert runs(found) == {
        "auth": "node src/shared/start.js auth",
        "user": "node src/shared/start.js user",
    }
    assert {one.folder for one in found.services} == {""}


@pytest.mark.parametrize(
    ("files", "loads"),
    [
        ({"cmd/a/main.go": "package main\n", "go.mod": "module a\n"}, True),
        ({"src/main.rs": "fn main() {}\n", "Cargo.toml": 'sqlx = "0.8"\n'}, True),
        ({"src/main.rs": "sqlx::migrate!().run(&pool)\n", "Cargo.toml": 'sqlx = "0.8"\n'}, False),
    ],
)
def test_steps_are_loaded_unless_the_program_carries_them_out_itself(files, loads):
    compose = """
    services:
      web: {build: ., environment: {DATABASE_URL: "postgres://a:b@db/notes"}}
      db: {image: "postgres:16"}
    """
    steps = {"migrations/1_a.up.sql": "CREATE TABLE a (n int);\n"}
    dockerfile = 'FROM alpine\nCMD ["web"]\n'
    (store,) = found_in(
        **{"compose.yaml": compose, "Dockerfile": dockerfile} | steps | files
    ).stores
    assert bool(store.init) is loads


@pytest.mark.parametrize(
    ("command", "run"),
    [
        ("gulp browsersync", "npx gulp browsersync"),
        ("vite", "npx vite --host 127.0.0.1 --port $PORT --strictPort"),
    ],
)
def test_a_command_of_a_package_is_run_as_its_tools_run_it(command, run):
    files = {
        "compose.yaml": f"services: {{pages: {{build: ., command: {command}}}}}\n",
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "package.json": '{"devDependencies": {"gulp": "4", "vite": "5"}}',
    }
    (pages,) = found_in(**files).services
    assert pages.run == run


def test_the_login_of_a_broker_is_not_that_of_the_database_beside_it():
    reads = "".join(
        f"process.env.{begin}_{end}\n"
        for begin in ("STORE", "APP_MQ")
        for end in ("HOST", "USERNAME", "PASSWORD")
    )
    files = {
        "compose.yaml": """
            services:
              api: {build: ., command: npm start}
              db: {image: "postgres:16"}
            """,
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"pg": "8"}}',
        "a.js": f"app.listen(3000)\n{reads}",
    }
    (api,) = found_in(**files).services
    assert api.env["STORE_PASSWORD"] == "${stores.db.password}"
    assert "APP_MQ_PASSWORD" not in api.env


def test_a_broker_in_a_file_of_settings_is_there_beside_a_file_of_databases():
    files = {
        "compose.yaml": """
            services:
              api: {build: ., ports: ["8080:8080"]}
              db: {image: "postgres:16"}
            """,
        "Dockerfile": "FROM openjdk:17\nCOPY target/a.jar a.jar\nCMD java -jar a.jar\n",
        "pom.xml": "<project>spring-boot spring-kafka</project>",
        "src/main/java/A.java": "@SpringBootApplication class A {}\n",
        "src/main/resources/application.yml": """
            spring:
              kafka:
                bootstrap-servers: localhost:9092
            """,
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    assert found.broker is not None
    assert found.broker.kind == "kafka"


@pytest.mark.parametrize("script", ["vite", "next dev", "react-scripts start", "node server.js"])
def test_a_front_end_beside_a_file_is_known_by_its_own_server(script):
    files = {
        "compose.yaml": "services: {web: {build: ./web, command: flask run}}\n",
        "pages/package.json": f'{{"scripts": {{"start": "{script}", "dev": "{script}"}}}}',
        "pages/server.js": "app.listen(process.env.PORT)",
    }
    files |= {f"web/{name}": text for name, text in FLASK.items()}
    names = {one.name for one in found_in(**files).services}
    assert ("pages" in names) is (script != "node server.js")


def test_checks_of_style_have_no_part_in_a_start():
    pom = "<project><parent>spring-boot</parent><artifactId>{}</artifactId>{}</project>"
    needs = "<dependencies><artifactId>lib</artifactId></dependencies>"
    files = {
        "pom.xml": "<modules><module>lib</module><module>web</module></modules>"
        "<plugin><artifactId>spotless-maven-plugin</artifactId></plugin>",
        "lib/pom.xml": pom.format("lib", ""),
        "lib/src/main/java/Lib.java": "class Lib {}\n",
        "web/pom.xml": pom.format("web", needs),
        "web/src/main/java/Web.java": "@SpringBootApplication\nclass Web {}\n",
    }
    (web,) = found_in(**files).services
    assert web.run == "mvn -Dspotless.check.skip -q spring-boot:run"
    assert "mvn -Dspotless.check.skip -q -DskipTests -pl lib" in web.tasks["install"]


def test_a_command_of_an_image_with_a_program_of_its_own_is_what_that_is_told():
    compose = """
    services:
      pages: {build: ., command: webserver, ports: ["8080:8080"]}
      worker: {build: ., command: celery worker}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": (
            'ARG NUMBER="2.10.4"\nARG IMAGE=apache/airflow:slim-${NUMBER}\n'
            "FROM $IMAGE\nCOPY requirements.txt .\n"
        ),
        "requirements.txt": "apache-airflow[statsd]==2.10.4\n",
        "dags/a.py": "",
    }
    assert runs(found_in(**files)) == {
        "pages": ".venv/bin/airflow webserver",
        "worker": ".venv/bin/airflow celery worker",
    }


def test_the_folders_that_an_image_makes_for_its_program_are_made_here():
    dockerfile = (
        "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
        "RUN mkdir -p static/images /app/logs /var/run/web src a/node_modules && chmod 7 logs\n"
        "CMD flask run\n"
    )
    compose = "services: {web: {build: .}}\n"
    files = FLASK | {"Dockerfile": dockerfile, "src/a.txt": ""}
    for more in ({}, {"compose.yaml": compose}):
        (web,) = found_in(**files | more).services
        assert web.tasks["folders"] == "mkdir -p static/images logs"


@pytest.mark.parametrize(
    ("others", "is_known"), [({}, True), ({"b/Dockerfile": "FROM python:3.9\n"}, False)]
)
def test_the_one_dockerfile_below_says_which_python_and_which_packages(others, is_known):
    files = {
        "manage.py": "import django\n",
        "requirements.txt": "django\n",
        "requirements/local.txt": "django\n",
        "docker/web/Dockerfile": "FROM python:3.8\nRUN pip install -r requirements/local.txt\n",
    }
    (app,) = found_in(**files | others).services
    assert ("python3.8 -m venv" in app.tasks["install"]) is is_known
    assert ("-r requirements/local.txt" in app.tasks["install"]) is is_known


@pytest.mark.parametrize("is_clear", [True, False])
def test_a_container_that_only_makes_tables_is_said_to_be_replaced_by_their_files(is_clear):
    compose = """
    services:
      web: {build: ., environment: {DATABASE_URL: "postgres://a:b@db/notes"}}
      steps: {image: "migrate/migrate:v4", command: up}
      db: {image: "postgres:16"}
    """
    files = FLASK | {"compose.yaml": compose, "steps/1_a.up.sql": "CREATE TABLE a (n int);\n"}
    more = {} if is_clear else {"other/1_b.up.sql": "CREATE TABLE b (n int);\n"}
    said = [line for line in found_in(**files | more).left_out if line.startswith("steps: ")]
    loaded = ["steps: its steps are loaded into a new database"]
    assert (said == loaded) is is_clear


def test_a_variable_names_the_one_of_several_stores_that_it_is_about():
    compose = """
    services:
      web:
        build: .
        environment: {REDIS_ACTIVITY_PASSWORD: "", REDIS_BROKER_PASSWORD: ""}
        depends_on: [redis_broker]
      redis_activity: {image: "redis:7", command: redis-server --requirepass x}
      redis_broker: {image: "redis:7", command: redis-server --requirepass y}
    """
    reads = "".join(
        f"import os\nos.environ['REDIS_{name}_{end}']\n"
        for name in ("ACTIVITY", "BROKER")
        for end in ("HOST", "PORT", "PASSWORD")
    )
    files = FLASK | {"compose.yaml": compose, "app.py": f"{FLASK['app.py']}{reads}"}
    (web,) = found_in(**files).services
    for name in ("activity", "broker"):
        part = web.env[f"REDIS_{name.upper()}_HOST"]
        assert part == f"${{stores.redis-{name}.host}}"
        assert web.env[f"REDIS_{name.upper()}_PASSWORD"] == f"${{stores.redis-{name}.password}}"
