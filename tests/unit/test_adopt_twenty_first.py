"""What a twenty-first round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repository import FLASK, folder_of, found_in, runs, text_of

from tarmac.adopt.containers.build_steps import made_from, with_paths
from tarmac.adopt.containers.script_conditions import decided
from tarmac.adopt.packages.node_side_by_side import side_by_side
from tarmac.adopt.packages.package_day import day_of
from tarmac.adopt.packages.python_packages import interpreter
from tarmac.adopt.packages.python_workers import workers
from tarmac.adopt.variables import code
from tarmac.adopt.variables.dotenv_files import of_file
from tarmac.adopt.variables.secret_forms import FERNET, form_of

PYTHON = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"


def named(found):
    return {service.name: service for service in found.services}


def test_a_package_whose_name_begins_like_a_program_is_another_one():
    files = FLASK | {
        "requirements.txt": "flask\npip-audit==2.0\n",
        "compose.yaml": "services: {web: {build: ., ports: ['80:5000']}}",
    }
    install = found_in(**files).services[0].tasks["install"]
    assert "&& .venv/bin/pip install -q -r requirements.txt" in install


def test_what_an_argument_of_the_build_names_is_built():
    dockerfile = (
        "FROM golang:1.26 AS builder\nARG SERVICE=shop/cmd/api\nWORKDIR /src\n"
        "COPY services ./services\nRUN cd services && go build -o /src/bin/it ./${SERVICE}\n"
        "FROM scratch\nCOPY --from=builder /src/bin/it /app/it\n"
    )
    assert made_from(with_paths(dockerfile), ("/app/it",)) == (
        "go",
        "run",
        "./services/shop/cmd/api",
    )


def test_options_before_the_word_run_are_the_project_tools():
    compose = "services: {web: {build: ., command: uv --no-cache run flask run, ports: [5000]}}"
    found = found_in(**FLASK, **{"compose.yaml": compose})
    assert runs(found)["web"] == ".venv/bin/python -m flask run --port $PORT"


def test_an_app_that_is_made_where_it_may_fail_is_one():
    text = "try:\n    queue = Celery('x')\nexcept OSError:\n    raise\n"
    (worker,) = workers({"app.py": text})
    assert worker.line.startswith("-m celery -A app:queue ")


def test_a_container_that_is_called_by_the_tables_that_it_makes_is_a_task():
    compose = """
    services:
      shop-api: {build: ., command: flask run, ports: [5000]}
      user-api: {build: ., command: flask run --debug, ports: [5001]}
      user-migrate: {build: ., command: flask db upgrade}
      migrator: {build: ., command: flask run, restart: always}
    """
    services = named(found_in(**FLASK, **{"compose.yaml": compose}))
    assert services.keys() == {"shop-api", "user-api", "migrator"}
    assert "flask db upgrade" in services["user-api"].tasks["user-migrate"]
    assert "user-migrate" not in services["shop-api"].tasks


def test_a_script_that_has_a_servers_image_for_its_client_is_no_store():
    compose = """
    services:
      web: {build: ., ports: [5000]}
      db: {image: "postgres:17"}
      db-own:
        image: postgres:17
        entrypoint: ["sh", "/opt/start.sh"]
        volumes: ["./start.sh:/opt/start.sh:ro"]
      db-first:
        image: postgres:17
        entrypoint: ["sh", "/opt/first.sh"]
        volumes: ["./first.sh:/opt/first.sh:ro"]
    """
    files = FLASK | {
        "compose.yaml": compose,
        "start.sh": "prepare\nexec docker-entrypoint.sh postgres\n",
        "first.sh": "until pg_isready -d postgres; do sleep 1; done\npsql -c 'SELECT 1'\n",
    }
    found = found_in(**files)
    assert {store.name for store in found.stores} == {"db", "db-own"}
    assert any(line.startswith("db-first: it runs first.sh") for line in found.left_out)


def test_what_services_are_made_of_is_none():
    compose = """
    services:
      x-base: &base {build: ., command: flask run}
      web: {<<: *base, ports: [5000]}
    """
    assert {*named(found_in(**FLASK, **{"compose.yaml": compose}))} == {"web"}


def test_a_number_that_an_image_has_of_its_users_is_not_a_second_port():
    files = FLASK | {
        "Dockerfile": FLASK["Dockerfile"] + "EXPOSE 3333\n",
        "compose.yaml": "services: {web: {build: ., ports: ['3333:5000']}}",
    }
    assert [*named(found_in(**files))["web"].ports.values()] == [3333]


def test_a_word_between_marks_in_an_example_is_no_value():
    folder = folder_of({".env.example": "NAME=<your name>\nOTHER=a<b>\n"})
    assert of_file(folder)[0] == {"OTHER": "a<b>"}


def test_variables_of_a_compose_file_below_may_stand_in_the_repositorys_own_folder():
    compose = """
    services:
      web:
        build: ../..
        command: flask run
        ports: ["${WEB_PORT}:5000"]
    """
    files = FLASK | {"docker/dev/docker-compose.yml": compose, ".env.template": "WEB_PORT=8123\n"}
    assert [*named(found_in(**files))["web"].ports.values()] == [8123]


def test_a_package_that_a_container_starts_by_its_workspace_is_not_another_program():
    front = '{"name": "web", "scripts": {"dev": "vite"}, "dependencies": {"vite": "1"}}'
    files = {
        "package.json": '{"workspaces": ["packages/*"]}',
        "package-lock.json": "{}",
        "packages/web/package.json": front,
        "packages/page/package.json": front.replace('"web"', '"page"'),
        "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\nCMD npm run -w packages/web dev\n",
        "compose.yaml": "services: {front: {build: ., ports: ['80:5173']}}",
    }
    assert {*named(found_in(**files))} == {"front", "page"}


SCRIPT = """#!/bin/bash
if ! test -f /app/done.txt; then
  mkdir -p /app/shop/data
  python manage.py migrate
  if [ -z "${ADMIN}" ]; then
    export ADMIN='root'
  fi
  python manage.py createsuperuser \\
    --noinput --username $ADMIN \\

fi
touch /app/done.txt
python manage.py consume --queue one &
python manage.py consume --queue two &
python manage.py runserver 0.0.0.0:8000
"""


def test_what_is_done_once_and_what_is_started_beside_it_are_read():
    files = {
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
        "shop/urls.py": "",
        "start.sh": SCRIPT,
        "Dockerfile": PYTHON + 'ENTRYPOINT ["/app/start.sh"]\n',
        "compose.yaml": "services: {web: {build: ., ports: [8000]}}",
    }
    services = named(found_in(**files))
    assert services.keys() == {"web", "web-consume", "web-consume-2"}
    assert services["web-consume-2"].run.endswith("manage.py consume --queue two")
    prepared = services["web"].tasks["prepare"]
    assert "mkdir -p shop/data && " in prepared
    assert "manage.py migrate" in prepared
    assert prepared.endswith("--username root || true")
    assert "done.txt" not in prepared


def test_a_condition_within_another_is_no_way_of_its_own():
    lines = ["if [ a = a ]; then", "if [ $X = b ]; then", "two", "fi", "one", "fi", "end"]
    assert decided(lines, {"X": "c"}) == ["one", "end"]
    assert decided(
        ["if [ $X = b ]; then", "one", "elif [ a = a ]; then", "two", "fi"], {"X": "c"}
    ) == ["two"]


def test_a_program_that_plays_a_clouds_store_alone_is_that_store():
    compose = """
    services:
      web: {build: ., ports: [5000]}
      files: {image: "localstack/localstack:2.3", environment: {SERVICES: s3}}
      all: {image: localstack/localstack, environment: {SERVICES: "s3,sqs"}}
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    assert [(store.name, store.kind) for store in found.stores] == [("files", "s3")]
    assert any(
        line.startswith("all: localstack/localstack is not started") for line in found.left_out
    )


def test_a_script_of_several_languages_is_taken_apart():
    scripts = {"pages": "webpack --watch", "api": "flask run --host=0.0.0.0"}
    script = (
        'concurrently -n "PAGES,API,JOBS,CHAT" "npm run pages" "npm run api" '
        '"celery -A shop worker" "node chat.js"'
    )
    found = side_by_side(script, scripts)
    assert [(one.name, one.words[0], one.port) for one in found] == [
        ("API", "flask", 5000),
        ("JOBS", "celery", 0),
        ("CHAT", "node", 0),
    ]
    assert side_by_side('concurrently "npm:pages" "node chat.js"', scripts) == ()
    assert side_by_side("node chat.js", scripts) == ()


def test_programs_of_a_script_are_installed_each_by_its_own_language():
    package = (
        '{"name": "shop", "scripts": {"start": "concurrently \\"flask run\\" \\"node chat.js\\""},'
        ' "dependencies": {"ws": "1"}}'
    )
    files = {
        "package.json": package,
        "chat.js": "require('ws')",
        "requirements.txt": "flask\n",
        "main.py": "import os\n",
        ".env.example": "FLASK_APP=main.py\n",
    }
    found = found_in(**files)
    services = named(found)
    assert services["flask"].run == ".venv/bin/python -m flask run --port $PORT"
    assert services["flask"].env["FLASK_APP"] == "main.py"
    assert "npm install" in services["chat"].tasks["install"]
    assert "FLASK_APP" not in services["chat"].env
    assert "system:" in text_of(found)


def test_sqlx_is_told_the_database_that_it_asks_as_it_compiles():
    folder = folder_of(
        {"Cargo.toml": '[dependencies]\nsqlx = "0.8"\n', "src/main.rs": 'sqlx::query!("SELECT 1")'}
    )
    assert code.variables(folder)["DATABASE_URL"].place.startswith("src/main.rs")


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        (
            "FERNET_KEY",
            "from cryptography.fernet import Fernet\nFernet(os.environ['FERNET_KEY'])",
            FERNET,
        ),
        ("A_KEY", "f = Fernet(os.environ['A_KEY'])", FERNET),
        ("A_KEY", "key = bytes.fromhex(os.environ['A_KEY'])", "{bytes: 32}"),
        ("A_KEY", "MODE = 'aes-128-gcm'\nkey = bytes.fromhex(os.environ['A_KEY'])", "{bytes: 16}"),
        ("A_KEY", "cipher('aes-256-cbc', os.environ['A_KEY'])", "{bytes: 16}"),
        ("A_KEY", "cipher('aes-256-cbc', sha256(os.environ['A_KEY']))", ""),
        ("JWT_SECRET", "sign(x, os.environ['JWT_SECRET'])", ""),
    ],
)
def test_a_secret_is_made_in_the_form_that_the_code_wants(name, text, form):
    assert form_of(name, folder_of({"keys.py": text})) == form


def test_the_form_of_a_secret_is_written():
    app = (
        "import os\nfrom cryptography.fernet import Fernet\nk = Fernet(os.environ['FERNET_KEY'])\n"
    )
    text = text_of(found_in(**FLASK, **{"keys.py": app}))
    assert "secrets: [{FERNET_KEY: {bytes: 32, form: base64}}]" in text


def of_day(day, **files):
    return replace(folder_of(files), changed=lambda name: day if name in files else "")


def test_an_old_list_of_packages_is_installed_as_it_was_then():
    folder = of_day("2020-03-31", **{"requirements.txt": "-r base.txt\n", "base.txt": "flask\n"})
    assert day_of(["requirements.txt"], folder) == "2020-04-01"
    install = interpreter(folder)[1]
    assert "uv pip install -q --exclude-newer 2020-04-01 -r requirements.txt; } || " in install


@pytest.mark.parametrize(
    ("day", "text"),
    [
        ("", "flask\n"),
        ("2999-01-01", "flask\n"),
        ("2020-03-31", "# nothing\n"),
        ("2020-03-31", "click==8\n    # via flask\n"),
        ("2020-03-31", "click==8 --hash=sha256:00\n"),
    ],
)
def test_packages_of_today_are_those_of_a_new_or_a_whole_list(day, text):
    assert day_of(["requirements.txt"], of_day(day, **{"requirements.txt": text})) == ""


@pytest.mark.parametrize(
    "begin",
    [
        "ARG BASE=registry.example/library/python:3.13.2-alpine\nFROM ${BASE}\n",
        "ARG PYTHON=3.13\nFROM python:$PYTHON-slim AS base\n",
    ],
)
def test_the_python_of_an_image_that_an_argument_names_is_wanted(begin):
    folder = folder_of({"requirements.txt": "flask\n", "Dockerfile": begin})
    assert "python3.13 -m venv" in interpreter(folder)[1]


def test_a_program_listens_where_the_others_reach_it():
    compose = """
    services:
      gate:
        build: .
        ports: [5000]
        environment: {USERS_URL: "http://users-api:8081", USERS_GRPC: "users-api:9081"}
      users-api: {build: ., command: flask run --debug, environment: {HTTP_ADDR: ":8081"}}
      jobs: {build: ., command: celery -A app worker}
    """
    services = named(found_in(**FLASK, **{"compose.yaml": compose}))
    assert services["users-api"].ports == {"http": 8081, "port-9081": 9081}
    assert services["jobs"].ports == {}
    assert services["gate"].env["USERS_URL"] == "${services.users-api.url}"


def test_a_server_of_a_profile_counts_where_a_file_of_settings_names_its_container():
    compose = """
    services:
      web: {build: ., ports: [5000]}
      db: {image: "postgres:17", container_name: shop.postgres, profiles: [data]}
      other: {image: redis, container_name: shop.cache, profiles: [cache]}
    """
    files = FLASK | {"compose.yaml": compose, "config/prod.toml": 'host = "shop.postgres"\n'}
    assert [store.name for store in found_in(**files).stores] == ["db"]


def test_a_module_of_gradle_is_started_by_the_wrapper_above_it():
    files = {
        "gradlew": "#!/bin/sh\n",
        "settings.gradle": "include 'server'\n",
        "server/build.gradle.kts": 'plugins { id("org.springframework.boot") version "3.5.0" }\n'
        'dependencies { implementation("org.springframework.boot:spring-boot-starter-web") }\n',
        "server/src/main/java/App.java": "class App { public static void main(String[] a) {} }\n",
    }
    assert runs(found_in(**files))["server"] == "../gradlew -q bootRun"


def test_programs_of_an_image_without_a_working_folder_are_where_their_files_are():
    compose = """
    x-own: &own {build: ., image: "shop:local", volumes: [".:/shop"]}
    services:
      web: {<<: *own, command: web.sh, ports: [5000], environment: {FLASK_APP: manage.py}}
      jobs: {<<: *own, command: jobs.sh}
    """
    files = {
        "Dockerfile": "FROM shop/base\nCOPY bin/* /usr/local/bin/\n",
        "bin/web.sh": "flask db upgrade\nflask run --host 0.0.0.0\n",
        "bin/jobs.sh": "mkdir -p /var/log/jobs\n"
        "celery multi start 2 --app=shop.jobs --loglevel=INFO\ntail -F /var/log/jobs/*.log\n",
        "src/manage.py": "from flask import Flask\n",
        "src/shop/jobs.py": "",
        "src/requirements.txt": "flask\ncelery\n",
        "compose.yaml": compose,
    }
    found = found_in(**files)
    assert {name: service.folder for name, service in named(found).items()} == {
        "web": "src",
        "jobs": "src",
    }
    assert named(found)["jobs"].run.endswith("-m celery -A shop.jobs worker")
    assert "prepare" not in named(found)["jobs"].tasks


def test_what_a_script_prepares_finds_the_packages_of_the_projects_tool():
    files = FLASK | {
        "uv.lock": "",
        "pyproject.toml": '[project]\nname = "shop"\n',
        "start.sh": 'flask create_db\nflask db upgrade --directory "$PLACE"\nflask run\n',
        "Dockerfile": PYTHON + "CMD ./start.sh\n",
        "compose.yaml": "services: {web: {build: ., ports: [5000]}}",
    }
    assert named(found_in(**files))["web"].tasks["prepare"] == (
        'uv run python -m flask create_db && uv run python -m flask db upgrade --directory "$PLACE"'
    )
