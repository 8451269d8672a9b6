"""What values, commands and ends of containers in a compose file become in `tarmac.yaml`."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in, system_of, text_of

from tarmac.adopt.survey.survey import survey
from tarmac.adopt.variables.dotenv_files import filled

NODE = 'require("http").createServer().listen(process.env.PORT)\n'

COMPOSED = {
    "requirements.txt": "flask\npsycopg2\n",
    "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    "Dockerfile": "FROM python:3.12\nCOPY . .\n",
    ".env": 'ZONE=mars\nDB_PASSWORD="p@ss:w/rd#1"\nBASE=http://${ZONE}.example\n',
}


def composed(service: str, **files: str):
    compose = f'services:\n  a: {{build: ., {service}}}\n  db: {{image: "postgres:16"}}\n'
    return found_in(**{**COMPOSED, "compose.yaml": compose, **files})


@pytest.mark.timeout(30)
@pytest.mark.parametrize("sign", ["${", "$", "${A:-", "$a{"])
def test_a_long_value_of_signs_alone_is_read_in_proportional_time(sign):
    text = sign * 20_000
    found, _ = filled(text, {})
    assert len(found) <= len(text)


def test_values_within_values_are_filled_in_as_compose_does():
    (service,) = composed(
        'environment: {X: "${REGION:-${ZONE:-eu}-1}", Y: "${BASE}/x", Z: "$$HOME"}'
    ).services
    assert service.env == {"X": "mars-1", "Y": "http://mars.example/x", "Z": "$HOME"}


def test_an_address_is_one_whatever_its_password_holds():
    url = "postgresql://app:${DB_PASSWORD}@db:5432/shop"
    (service,) = composed(f'environment: {{DATABASE_URL: "{url}"}}').services
    assert service.env == {"DATABASE_URL": "${stores.db.url}"}


@pytest.mark.parametrize(
    ("command", "run"),
    [
        (
            'sh -c "export H=$$(hostname) && python app.py"',
            "export H=$(hostname) && .venv/bin/python app.py",
        ),
        (
            '["sh", "-c", "H=$$(hostname) exec python app.py"]',
            "H=$(hostname) .venv/bin/python app.py",
        ),
        (
            '["sh", "-c", "H=\\"$$(date +%s) x\\" exec python app.py"]',
            'H="$(date +%s) x" .venv/bin/python app.py',
        ),
    ],
)
def test_what_a_shell_reads_in_a_container_a_shell_reads_here(command, run):
    (service,) = composed(f"command: {command}").services
    assert service.run == run


def test_two_databases_of_one_server_are_two_stores():
    files = {}
    for name in ("orders", "jobs", "notes"):
        files[f"{name}/package.json"] = '{"scripts": {"start": "node s.js"}}'
        files[f"{name}/s.js"] = NODE
    files["compose.yaml"] = (
        "services:\n"
        "  orders: {build: orders, environment: {DATABASE_URL: 'postgres://u:p@db/orders'}}\n"
        "  jobs: {build: jobs, environment: {DB_HOST: db, DB_PASSWORD: p, DB_NAME: jobs}}\n"
        "  notes: {build: notes, environment: {DATABASE_URL: 'postgres://u:p@db/orders'}}\n"
        '  db: {image: "postgres:16"}\n'
    )
    found = found_in(**files)
    env = {service.name: service.env for service in found.services}
    assert env["orders"] == env["notes"] == {"DATABASE_URL": "${stores.db.url}"}
    assert env["jobs"] == {
        "DB_HOST": "db-jobs",  # told no port, it looks at the usual one
        "DB_PASSWORD": "${stores.db-jobs.password}",
        "DB_NAME": "${stores.db-jobs.database}",
    }
    assert {store.name: store.database for store in found.stores} == {"db": "", "db-jobs": "jobs"}
    assert system_of(found)


def test_how_a_container_is_stopped_comes_over():
    (service,) = composed("stop_grace_period: 1m30s, stop_signal: SIGINT").services
    assert (service.stop_signal, service.stop_grace_s) == ("INT", 90.0)
    found = composed("command: python app.py", Dockerfile="FROM python:3.12\nSTOPSIGNAL SIGQUIT\n")
    assert "    stop: {signal: QUIT}\n" in text_of(found)
    assert "stop:" not in text_of(composed("stop_signal: SIGTERM"))


def test_what_runs_after_a_start_and_before_an_end_comes_over():
    found = composed(
        "post_start: [{command: [./warm, 'a b'], user: root}, {command: ./told}], "
        "pre_stop: [{command: ./leave}]"
    )
    text = text_of(found)
    assert """    after_start: {run: "./warm 'a b' && ./told"}""" in text
    assert "    before_stop: {run: ./leave}" in text
    hook = system_of(found).file.services[found.services[0].name].after_start
    assert hook is not None
    assert hook.run == ("./warm 'a b' && ./told",)


def test_a_host_in_a_command_is_found_by_its_name():
    (service,) = composed(
        "command: celery --broker=redis://cache:6379/0 flower, depends_on: [cache]",
        **{
            "requirements.txt": "celery\nflower\nredis\n",
            "compose.override.yaml": "services: {cache: {image: redis}}\n",
        },
    ).services[:1]
    assert service.to_do == ()


def test_an_at_sign_in_a_password_does_not_hide_the_host():
    (service,) = composed(
        "environment: {PG_URL: 'postgres://user:a@w0rd@db:5432/db'}, depends_on: [db]"
    ).services[:1]
    assert service.env["PG_URL"] == "${stores.db.url}"


def test_a_second_broker_is_named_and_expected_on_this_machine_at_its_own_port():
    compose = (
        "services:\n  a:\n    build: .\n"
        "    environment: {A: 'amqp://u:p@rabbit:5672/', N: 'nats://nats:4222', T: 'jaeger:4317'}\n"
        "  nats: {image: nats}\n"
        "  rabbit: {image: rabbitmq, ports: ['5673:5672', '15672:15672']}\n"
        "  jaeger: {image: jaegertracing/all-in-one, ports: ['16686:16686']}\n"
    )
    files = folder_of({**COMPOSED, "compose.yaml": compose})
    found = survey(files, CATALOGUE, KINDS | {"rabbitmq"})
    assert found.services[0].env == {
        "A": "amqp://u:p@localhost:5673/",
        "N": "${broker.url}",
        "T": "localhost:4317",
    }
    assert found.left_out[0].startswith("rabbit: a second broker beside nats, where a system has")


def test_a_password_of_a_store_in_a_file_of_variables_is_that_of_the_store_here():
    example = {".env.app.example": "POSTGRES_PASSWORD=hello\nAPI_KEY=abc123\n"}
    (service,) = composed("env_file: [.env.app]", **example).services
    assert service.env["POSTGRES_PASSWORD"] == "${stores.db.password}"
    assert "POSTGRES_PASSWORD" not in service.secrets
