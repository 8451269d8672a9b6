"""What a twenty-fifth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import json

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, text_of

from tarmac.adopt.survey.survey import survey


def named(found):
    return {service.name: service for service in found.services}


def with_brokers(**files):
    return survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq", "kafka"})


# Where a program is, and what it needs there.

IMAGE = """
FROM python:3.8
WORKDIR /app/
COPY /{name}/requirements.txt /app/requirements.txt
RUN pip install -r requirements.txt
COPY /{name}/ /app/{name}/
COPY /models/ /app/models/
"""
TWO_IMAGES = {
    "compose.yaml": """
    services:
      app:
        build: {context: ./app, dockerfile: ./api/Dockerfile}
        command: ["uvicorn", "api.main:app", "--host", "0.0.0.0", "--port", "8000"]
        ports: ["8000:8000"]
      worker:
        build: {context: ./app, dockerfile: ./worker/Dockerfile}
        command: celery -A worker.jobs worker
    """,
    "app/api/Dockerfile": IMAGE.format(name="api"),
    "app/api/requirements.txt": "fastapi\nuvicorn\n",
    "app/api/main.py": "from fastapi import FastAPI\nimport models\napp = FastAPI()\n",
    "app/worker/Dockerfile": IMAGE.format(name="worker"),
    "app/worker/requirements.txt": "celery\n",
    "app/worker/jobs.py": "from celery import Celery\njobs = Celery('jobs')\n",
    "app/models/__init__.py": "",
}


def test_images_of_one_folder_are_started_there_with_the_lists_of_all():
    found = named(found_in(**TWO_IMAGES))
    assert {service.folder for service in found.values()} == {"app"}
    assert found["app"].run.startswith(".venv/bin/python -m uvicorn api.main:app")
    install = found["app"].tasks["install"]
    assert "-r api/requirements.txt -r worker/requirements.txt" in install
    assert "python3.8 -m venv" in install


def test_an_image_that_installs_a_plain_list_needs_no_pipenv():
    steps = ("FROM python:3.11", "COPY . /code", "RUN pip install -r /code/requirements.txt")
    image = "\n".join((*steps, "CMD python main.py\n"))
    files = {"Dockerfile": image, "Pipfile": "[packages]\nflask = '*'\n", "main.py": "print()\n"}
    plain = found_in(**files, **{"requirements.txt": "flask\n"})
    assert runs(plain) == {"app": ".venv/bin/python main.py"}
    assert "pipenv" in next(iter(runs(found_in(**files)).values()))


FLASK_WITH_CELERY = {
    "requirements.txt": "flask\ncelery\n",
    "app.py": (
        "from celery import Celery\ndef create_app():\n    app = object()\n    app.celery = 1\n"
    ),
    "Dockerfile": "FROM python:3.11\nCOPY . .\n",
    "compose.yaml": "services:\n  jobs: {build: ., command: celery -A app.celery worker}\n",
}


@pytest.mark.parametrize(
    ("more", "app"),
    [
        (
            {"celery_app.py": "from app import create_app\ncelery = create_app().celery\n"},
            "celery_app",
        ),
        ({}, "app.celery"),
        ({"app.py": "from celery import Celery\ncelery = Celery()\n"}, "app.celery"),
    ],
)
def test_a_worker_is_given_the_module_that_has_its_app(more, app):
    found = found_in(**{**FLASK_WITH_CELERY, **more})
    assert f"celery -A {app} worker" in runs(found)["jobs"]


# Packages of Node.

NPM = {"name": "shop", "private": True, "workspaces": ["api", "web"]}
API = {"name": "api", "scripts": {"dev": "node index.js"}, "dependencies": {"express": "1"}}
WEB = {"name": "web", "scripts": {"dev": "vite"}, "dependencies": {"vite": "1"}}
PACKAGES = {
    "package-lock.json": "{}",
    "api/package.json": json.dumps(API),
    "api/package-lock.json": "{}",
    "api/index.js": "app.listen(4000)",
    "web/package.json": json.dumps(WEB),
    "web/package-lock.json": "{}",
}


@pytest.mark.parametrize(
    "script",
    [
        'concurrently "npm:dev --workspace api" "npm:dev --workspace web"',
        'concurrently -n api,web "npm run dev -w api" "cd web && npm run dev"',
        'concurrently "npm run dev:api" "npm run dev --prefix web"',
    ],
)
def test_a_script_that_starts_the_packages_is_no_program(script):
    scripts = {"dev": script, "dev:api": "npm --prefix api run dev"}
    found = found_in(**PACKAGES, **{"package.json": json.dumps({**NPM, "scripts": scripts})})
    assert [*runs(found)] == ["api", "web"]


def test_npm_installs_a_workspace_where_it_is_whatever_its_packages_have():
    found = named(found_in(**PACKAGES, **{"package.json": json.dumps(NPM)}))
    install = found["api"].tasks["install"]
    assert "(cd ../ && npm ci" in install
    assert "test -e ../node_modules/.package-lock.json" in install
    alone = {name: text for name, text in PACKAGES.items() if name != "package-lock.json"}
    alone = named(found_in(**alone, **{"package.json": json.dumps({"name": "shop"})}))
    assert "(cd ../" not in alone["api"].tasks["install"]


def test_a_package_without_a_line_of_its_own_is_no_program():
    package = json.dumps(
        {"name": "jobs", "scripts": {"start": "node dist/index.js", "build": "tsup"}}
    )
    files = {"package.json": package, "tsup.config.ts": "export default {}"}
    assert not found_in(**files, **{"src/index.ts": ""}).services
    assert runs(found_in(**files, **{"src/index.ts": "start()"}))


# Ports in code.

SERVES = "\nserve({ fetch: app.fetch, port })\n"


@pytest.mark.parametrize(
    "line",
    [
        "const port = Number(process.env.PORT) || 3200;",
        "const port = parseInt(process.env.PORT as string, 10) || 3200;",
        "const port = parseInt(process.env['PORT']!, 10) ?? 3200;",
    ],
)
def test_a_default_behind_a_number_counts(line):
    package = json.dumps({"name": "api", "scripts": {"start": "tsx src/index.ts"}})
    found = named(found_in(**{"package.json": package, "src/index.ts": line + SERVES}))
    assert found["api"].ports == {"http": 3200}
    assert not found["api"].guesses


def test_an_address_of_rust_is_where_it_listens():
    main = "fn main() {\n    let addr = SocketAddr::from(([127, 0, 0, 1], 3100));\n}\n"
    cargo = '[package]\nname = "shop"\n[dependencies]\naxum = "0.8"\n'
    found = named(found_in(**{"Cargo.toml": cargo, "src/main.rs": main}))
    assert found["shop"].ports == {"http": 3100}
    assert found["shop"].fixed


def test_an_embedded_server_of_ktor_is_where_it_listens():
    build = 'plugins {\n    id("application")\n}\n'
    main = 'fun main() {\n    embeddedServer(Netty, port = 8300, host = "0.0.0.0") {}.start()\n}\n'
    files = {"build.gradle.kts": build, "src/main/kotlin/App.kt": main, "gradlew": ""}
    (service,) = found_in(**files).services
    assert service.ports == {"http": 8300}


# What variables hold.

PIKA = {
    "requirements.txt": "pika\nfastapi\nuvicorn\npsycopg2\n",
    "main.py": (
        "import os\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "url = os.environ.get('DATABASE_URL')\n"
        "host, port = os.environ.get('PIKA_HOST', 'mq'), os.environ.get('PIKA_PORT', 5672)\n"
        "user, pw = os.environ.get('PIKA_USER', 'a'), os.environ.get('PIKA_PASS', 'a')\n"
    ),
    "compose.yaml": "services:\n  db: {image: postgres}\n  mq: {image: rabbitmq}\n",
}


def test_a_client_of_rabbitmq_gives_its_name_to_variables():
    text = text_of(with_brokers(**PIKA))
    assert "PIKA_PORT: ${broker.port}" in text
    assert "PIKA_USER: ${broker.user}" in text
    assert "PIKA_PASS: ${broker.password}" in text


def test_a_broker_whose_port_nothing_says_is_found_by_its_name():
    compose = """
    services:
      mq: {image: rabbitmq}
      web:
        build: .
        ports: ["8000:8000"]
        environment: {RABBITMQ_HOST: mq, RABBITMQ_USER: a, RABBITMQ_PASSWORD: b}
    """
    found = with_brokers(**{**FLASK, "compose.yaml": compose})
    env = named(found)["web"].env
    assert env["RABBITMQ_HOST"] == "rabbitmq"
    assert found.hosts
    with_port = compose.replace("RABBITMQ_USER", "RABBITMQ_PORT: '5672', RABBITMQ_USER")
    env = named(with_brokers(**{**FLASK, "compose.yaml": with_port}))["web"].env
    assert env["RABBITMQ_HOST"] == "${broker.host}"


def test_a_login_before_a_host_that_a_variable_says_is_the_brokers():
    main = (
        "import os\nimport aio_pika\nfrom fastapi import FastAPI\napp = FastAPI()\n"
        "host = os.getenv('RABBITMQ_HOST', 'mq')\nport = os.getenv('RABBITMQ_PORT', '5672')\n"
        'url = f"amqp://guest:guest@{host}:{port}/"\n'
    )
    files = {"requirements.txt": "fastapi\naio-pika\nuvicorn\n", "main.py": main}
    files |= {"compose.yaml": "services:\n  mq: {image: rabbitmq}\n"}
    text = text_of(with_brokers(**files))
    assert 'local: {user: guest, password: "guest"}' in text
    assert "RABBITMQ_PORT: ${broker.port}" in text


SHOP = {
    "api/package.json": json.dumps({"name": "api", "scripts": {"start": "node index.js"}}),
    "api/index.js": (
        "const back = `${process.env.FRONTEND_URL}/done`\n"
        "const mine = process.env.BACKEND_URL + '/hook'\napp.listen(4000)\n"
    ),
    "web/package.json": json.dumps({"name": "web", "scripts": {"dev": "vite"}}),
}


def test_addresses_for_people_that_no_file_gives_are_those_of_the_two_programs():
    env = named(found_in(**SHOP))["api"].env
    assert env["FRONTEND_URL"] == "${services.web.public_url}"
    assert env["BACKEND_URL"] == "${services.api.public_url}"


def test_an_address_for_people_is_left_open_where_two_front_ends_are():
    files = {
        **SHOP,
        "client/package.json": json.dumps({"name": "client", "scripts": {"dev": "vite"}}),
    }
    service = named(found_in(**files))["api"]
    assert "FRONTEND_URL" not in service.env
    assert "FRONTEND_URL" in service.missing


def test_an_address_of_jdbc_keeps_its_login():
    build = (
        'plugins {\n    id("application")\n}\ndependencies { implementation("org.postgresql:a") }\n'
    )
    main = 'fun main() {\n    connect(System.getenv("DATABASE_URL"))\n}\n'
    example = "export DATABASE_URL='jdbc:postgresql://localhost/shop?user=dev&password=dev'\n"
    files = {"build.gradle.kts": build, "src/main/kotlin/App.kt": main, ".env.example": example}
    (service,) = found_in(**files, gradlew="").services
    login = "user=${stores.db.user}&password=${stores.db.password}"
    assert service.env["DATABASE_URL"].endswith(f"?{login}")


# Programs of Go.

GO = {"go.mod": "module example.org/shop\n\ngo 1.22\n"}
MAIN = (
    'package main\nimport (\n\t"net/http"\n)\nfunc main() { http.ListenAndServe(":8080", nil) }\n'
)
PRINTS = 'package main\n\nimport "fmt"\n\nfunc main() {\n\tfmt.Println("Starting migrator...")\n}\n'


def test_a_main_package_that_only_prints_is_still_to_come():
    found = found_in(**GO, **{"cmd/app/main.go": MAIN, "cmd/migrator/main.go": PRINTS})
    assert [*runs(found).values()] == ["go run ./cmd/app"]
    assert runs(found_in(**GO, **{"main.go": PRINTS}))


def test_settings_named_like_a_dotenv_file_are_copied_from_their_example():
    reads = (
        'package main\nimport "fmt"\nfunc load(wd string) {\n'
        '\topen(fmt.Sprintf("%s/configs/.env.yml", wd))\n}\n'
    )
    files = {"main.go": MAIN, "load.go": reads, "configs/.env.yml.dist": "http:\n  port: 8080\n"}
    (service,) = found_in(**GO, **files).services
    assert "cp configs/.env.yml.dist configs/.env.yml" in service.tasks["settings"]


def test_a_container_in_settings_that_variables_override_is_the_broker():
    reads = (
        'package main\nimport "github.com/knadh/koanf/providers/env"\n'
        'var p = env.Provider("APP_", ".", func(s string) string {\n'
        '\ts = strings.ToLower(strings.TrimPrefix(s, "APP_"))\n'
        '\treturn strings.Replace(s, "__", ".", -1)\n})\n'
    )
    settings = "kafka:\n  host: 'redpanda:9092'\n  topic: orders\n"
    module = f"{GO['go.mod']}require github.com/segmentio/kafka-go v0.4.0\n"
    files = {"main.go": MAIN, "read.go": reads, "configs/app.yml": settings, "go.mod": module}
    compose = "services:\n  redpanda: {image: redpandadata/redpanda}\n"
    (service,) = with_brokers(**files, **{"compose.yaml": compose}).services
    assert service.env["APP_KAFKA__HOST"] == "${broker.address}"
    assert not service.to_do
