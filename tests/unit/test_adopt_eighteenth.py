"""What an eighteenth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs

from tarmac.adopt.containers.container import plain
from tarmac.adopt.survey.survey import survey
from tarmac.adopt.variables.dotenv_files import resolved


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("alembic upgrade head\ngunicorn app:app\n", "alembic upgrade head && gunicorn app:app"),
        ("# tables\nflask db upgrade &&\nflask run", "flask db upgrade && flask run"),
        ("set -e\n./wait-for-it.sh db:5432\nflask run \\\n  --port 80", "flask run --port 80"),
        ("while ! nc -z db 5432; do sleep 1; done\nflask run", "flask run"),
        ("flask run", "flask run"),
    ],
)
def test_commands_that_a_shell_is_given_one_a_line_are_run_one_after_the_other(text, line):
    assert " ".join(plain(("sh", "-c", text))) == line


@pytest.mark.parametrize(
    "text",
    [
        "if [ -n $A ]\nthen\nflask run\nfi",
        "cat <<EOF\nflask run\nEOF",
        "for one in a b; do\nflask $one\ndone",
    ],
)
def test_lines_that_are_parts_of_a_command_are_no_commands(text):
    assert "&&" not in plain(("bash", "-c", text))


@pytest.mark.parametrize("external", ["external: true", "name: shop"])
def test_files_of_folders_that_join_one_network_are_a_system(external):
    shared = f"networks: {{shared: {{{external}}}}}\n"
    files = {
        "app/compose.yaml": "services: {web: {build: ./web, env_file: web/.env}}\n" + shared,
        "app/web/.env": "DATABASE_URL=postgres://a:b@db/shop\n",
        "app/infra/compose.yaml": "include: [stores/compose.yaml]\n",
        "app/infra/stores/compose.yaml": "services: {db: {image: 'postgres:18'}}\n" + shared,
    }
    found = found_in(**files, **{f"app/web/{name}": text for name, text in FLASK.items()})
    is_one = external == "external: true"
    assert bool(found.stores) is is_one
    assert (found.services[0].env.get("DATABASE_URL") == "${stores.db.url}") is is_one


@pytest.mark.parametrize("folder", ["docker_compose", "docker-compose", "compose"])
def test_a_folder_of_compose_files_has_them_by_any_name(folder):
    files = {
        f"{folder}/app.yaml": "services:\n  web: {build: .., environment: [HOST=db]}\n",
        f"{folder}/servers.yaml": "services:\n  db: {image: 'postgres:18'}\n",
    }
    found = found_in(**files, **FLASK)
    assert [*runs(found)] == ["web"]
    assert [store.name for store in found.stores] == ["db"]


NEST = """
import { NestFactory } from '@nestjs/core';
const app = await NestFactory.createMicroservice<MicroserviceOptions>(AppModule, {
  transport: Transport.%s,
  options: { servers: process.env.NATS_SERVERS?.split(','), port: Number(process.env.PORT) },
});
await app.listen();
"""


@pytest.mark.parametrize(("transport", "port"), [("NATS", 0), ("RMQ", 0), ("TCP", 8000)])
def test_a_program_that_a_broker_hands_its_work_has_no_port(transport, port):
    files = {
        "compose.yaml": "services: {bus: {image: 'nats:2'}, db: {image: 'postgres:18'}}\n",
        "apps/mails/package.json": '{"scripts": {"start": "nest start"}, "dependencies": '
        '{"@nestjs/core": "11", "nats": "2"}}',
        "apps/mails/src/main.ts": NEST % transport,
    }
    (mails,) = found_in(**files).services
    assert mails.ports.get("http", 0) == port
    assert mails.env["NATS_SERVERS"] == "nats://${broker.address}"


def test_servers_that_are_one_here_stand_once_in_an_address():
    servers = "nats://bus:4222, nats://bus:4223"
    compose = f"""
    services:
      web: {{build: ., environment: {{BUS: "{servers}"}}}}
      bus: {{image: "nats:2"}}
    """
    assert found_in(**{"compose.yaml": compose} | FLASK).services[0].env["BUS"] == "${broker.url}"


def test_values_of_a_file_that_name_others_are_filled_in():
    values = {"A": "x", "B": "$A:${A}", "C": "<$B>", "PASSWORD": "a$b", "D": "$A and $b"}
    assert resolved(values) == {**values, "B": "x:x", "C": "<x:x>"}


GO = """
FROM golang:1.24 AS build
WORKDIR /src
COPY . .
RUN go build -o /bin/notes .
FROM alpine
ARG version
ENV v=$version
COPY --from=build /bin/notes /bin/notes
CMD ["sh", "-c", "/bin/notes --ver $v --http-port $hp"]
"""


@pytest.mark.parametrize("args", ["{version: $RELEASE}", "[version=$RELEASE]"])
def test_a_build_is_given_its_arguments_and_a_command_its_port(args):
    compose = f"""
    services:
      web:
        build: {{context: ., args: {args}}}
        environment: [hp=$HTTP]
        ports: ["8082:80"]
    """
    files = {
        "compose.yaml": compose,
        ".env": "NUMBER=80\nHTTP=$NUMBER\nRELEASE=one\n",
        "go.mod": "module notes\n",
        "main.go": "package main\nfunc main() {}\n",
        "Dockerfile": GO,
    }
    found = found_in(**files)
    assert runs(found) == {"web": "go run . --ver $v --http-port $PORT"}
    assert found.services[0].env == {"v": "one"}
    assert found.services[0].ports == {"http": 8082}


SETTINGS = """
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    REDIS_HOST: str
    REDIS_USER: %s
    REDIS_PASSWORD: %s
"""


@pytest.mark.parametrize(
    ("kind", "is_given"), [("str | None = None", False), ('str = ""', False), ("str", True)]
)
def test_a_program_that_may_do_without_a_login_has_none_where_its_server_has_none(kind, is_given):
    compose = """
    services:
      web: {build: ., environment: {REDIS_HOST: db}}
      db: {image: "redis:8"}
    """
    files = {"compose.yaml": compose, "config.py": SETTINGS % (kind, kind)} | FLASK
    env = found_in(**files).services[0].env
    assert env["REDIS_HOST"] == "${stores.db.host}"
    assert ("REDIS_PASSWORD" in env) is is_given


CLUSTER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s}
spec:
  template:
    spec:
      containers:
        - image: "%s"
          env:
            - {name: MYSQL_HOST, value: host.minikube.internal}
            - {name: MYSQL_PORT, value: "3306"}
"""


def test_the_server_of_a_host_in_the_code_and_one_of_this_machine_are_stores():
    code = """
    import os, pika
    CACHE = pika.BlockingConnection(pika.ConnectionParameters("rabbitmq"))
    DATABASE = os.environ["MYSQL_HOST"], os.environ["MYSQL_PORT"]
    """
    files = {
        "src/mails/Dockerfile": FLASK["Dockerfile"].replace("flask run", "python app.py"),
        "src/mails/app.py": code,
        "src/mails/requirements.txt": "pika\nPyMySQL\n",
        "src/mails/manifests/mails.yaml": CLUSTER % ("mails", "acme/mails"),
        "src/rabbit/manifests/rabbit.yaml": CLUSTER % ("rabbitmq", "rabbitmq:3"),
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"})
    (mails,) = found.services
    assert found.hosts
    assert (found.broker.known.user, found.broker.known.password) == ("guest", "guest")
    assert mails.env["MYSQL_HOST"] == "${stores.db.host}"
    assert not mails.to_do


FLOWER = """
#!/bin/sh
is_ready() {
  celery -A app inspect ping
}
until is_ready; do
  sleep 1
done
celery flower \\
  --app=app --broker="${BROKER}"
"""


def test_what_a_script_starts_behind_its_functions_is_its_program():
    compose = """
    services:
      flower: {build: ., command: /start, environment: {BROKER: "redis://cache"}}
      cache: {image: "redis:8"}
    """
    image = FLASK["Dockerfile"].replace("COPY . .", "COPY . .\nCOPY ./start-flower /start")
    files = FLASK | {"compose.yaml": compose, "start-flower": FLOWER, "Dockerfile": image}
    line = ".venv/bin/python -m celery --app=app --broker=$BROKER flower --port=$PORT"
    assert runs(found_in(**files)) == {"flower": line}


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("node .", "npm run build && node ."),
        ("npx react-router-serve ./build/server.js", "npm run build && npx react-router-serve "),
        ("npm run dev", "npm run dev -- --host 127.0.0.1 --port $PORT"),
    ],
)
def test_what_an_image_was_built_with_is_built_here_and_a_port_of_a_script_is_told(command, line):
    package = """
    {"main": "./dist/start.mjs", "dependencies": {"express": "5"},
     "scripts": {"dev": "react-router dev --port 3001", "build": "react-router build"}}
    """
    files = {
        "compose.yaml": f"services: {{web: {{build: ., ports: [3001:3000], command: {command}}}}}",
        "package.json": package,
        "package-lock.json": "{}",
        "Dockerfile": "FROM node:22\nWORKDIR /app\nCOPY . .\nRUN npm run build\n",
    }
    (run,) = runs(found_in(**files)).values()
    assert run.startswith(line)


ONCE = """
services:
  web: {build: ., command: ./start.sh}
  tables: {build: ., restart: "no", command: python manage.py migrate}
  mails: {build: ., restart: "no", command: python mails.py}
"""
START = """
#!/bin/sh
python manage.py wait
KEY=$(hostname)
python manage.py register "$KEY"
exec flask run
"""


def test_tables_that_a_container_makes_which_runs_once_are_made_before_the_first_program():
    files = FLASK | {
        "compose.yaml": ONCE,
        "start.sh": START,
        "manage.py": "import django\n",
        "mails.py": "import time\n",
    }
    found = found_in(**files)
    assert [*runs(found)] == ["web", "mails"]
    packages = "PATH=.venv/bin:$PATH python manage.py"
    tasks = [*found.services[0].tasks.items()][-2:]
    assert tasks[0] == ("tables", f"{packages} migrate")
    assert tasks[1][0] == "prepare"
    lines = f'{packages} wait && KEY=$(hostname) && {packages} register "$KEY"'
    assert tasks[1][1] == lines


def test_an_address_of_mongodb_leads_to_a_database_where_its_user_is_known():
    said = "mongodb://root:pw@db:27017/notes?authSource=admin&replicaSet=rs0&w=1"
    compose = f"""
    services:
      web: {{build: ., environment: {{MONGO_URL: "{said}", LOGS: "mongodb://root:pw@db/logs"}}}}
      db: {{image: "mongo:7", environment: {{MONGO_INITDB_ROOT_USERNAME: root}}}}
    """
    found = survey(folder_of(FLASK | {"compose.yaml": compose}), CATALOGUE, KINDS | {"mongodb"})
    env = found.services[0].env
    assert env["MONGO_URL"] == "${stores.db.url}&w=1"
    assert env["LOGS"] == "${stores.db-logs.url}"
    assert {store.name: store.database for store in found.stores} == {"db": "", "db-logs": "logs"}


@pytest.mark.parametrize(
    ("more", "port"), [("", 5672), (", port=5673", 5673), (", PORT", 0), (", credentials=X", 0)]
)
def test_pika_that_is_told_a_host_alone_finds_its_broker_at_the_usual_port(more, port):
    code = f"""
    import os, pika
    HOST = os.environ["RABBITMQ_HOST"]
    pika.BlockingConnection(pika.ConnectionParameters(host=HOST{more}))
    """
    compose = """
    services:
      web: {build: ., environment: {RABBITMQ_HOST: bus}}
      bus: {image: "rabbitmq:3"}
    """
    files = FLASK | {"compose.yaml": compose, "app.py": code, "requirements.txt": "pika\n"}
    found = survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"})
    # Where it answers at no port of this machine, it is found by its name.
    place = "${broker.host}" if port else "rabbitmq"
    assert found.services[0].env["RABBITMQ_HOST"] == place
    assert found.broker is not None
    known = found.broker.known
    assert (known.port if known else 0) == port
    assert not known or (known.user, known.password) == ("guest", "guest")
