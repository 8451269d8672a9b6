"""Programs in Ruby, PHP and Elixir, Go's flags and tools, and start scripts of images."""

from __future__ import annotations

import textwrap

import pytest
from repository import folder_of, found_in, system_of

from tarmac.adopt.containers.container import of_target, read_dockerfile, script_of
from tarmac.adopt.survey.found import local_ports
from tarmac.adopt.variables.dotenv_files import is_secret


def only(**files: str):
    found = found_in(**files)
    (service,) = found.services
    assert system_of(found)
    return service


@pytest.mark.parametrize(
    ("files", "run", "port"),
    [
        (
            {"Gemfile": "gem 'rails'", "config/application.rb": ""},
            "bundle exec rails server -b 127.0.0.1 -p $PORT",
            3000,
        ),
        (
            {"Gemfile": "gem 'puma'", "config.ru": "run App"},
            "bundle exec puma -b tcp://127.0.0.1:$PORT",
            9292,
        ),
        (
            {"Gemfile": "gem 'sinatra'", "app.rb": "require 'sinatra'\nset :port, ENV['PORT']"},
            "bundle exec ruby app.rb",
            4567,
        ),
        (
            {"composer.json": "{}", "artisan": "", "public/index.php": "<?php"},
            "php artisan serve --host=127.0.0.1 --port=$PORT",
            8000,
        ),
        (
            {"composer.json": "{}", "public/index.php": "<?php"},
            "php -S 127.0.0.1:$PORT -t public",
            8000,
        ),
        ({"mix.exs": "{:phoenix, '~> 1.7'}"}, "mix phx.server", 4000),
        (
            {
                "go.mod": "module x.dev/info",
                "cmd/info/main.go": 'package main\nfs.Int("port", 9898, "HTTP port")',
                "cmd/infocli/main.go": 'package main\nimport "github.com/spf13/cobra"\nserver()',
            },
            "go run ./cmd/info --port $PORT",
            9898,
        ),
    ],
)
def test_a_start_command_gets_its_port(files, run, port):
    service = only(**files)
    assert (service.run, list(service.ports.values())) == (run, [port])


@pytest.mark.parametrize(
    ("dockerfile", "files", "run"),
    [
        ('CMD ["bundle", "exec", "ruby", "mail.rb"]', {"Gemfile": ""}, "bundle exec ruby mail.rb"),
        ("CMD php public/index.php", {"composer.json": "{}"}, "php public/index.php"),
        (
            "CMD apache2-foreground",
            {"composer.json": "{}", "public/index.php": ""},
            "php -S 127.0.0.1:$PORT -t public",
        ),
        ("CMD /app/bin/server", {"mix.exs": ":phoenix, "}, "mix phx.server"),
        (
            'CMD ["./info", "--port=9898", "--level=debug"]',
            {"go.mod": "module info", "main.go": 'package main\nfs.Int("port", 1234, "")'},
            "go run . --port=$PORT --level=debug",
        ),
        (
            "CMD npm run start:prod",
            {"package.json": '{"scripts": {"start:prod": "node dist/a", "build": "tsc"}}'},
            "npm run build && npm run start:prod",
        ),
    ],
)
def test_what_a_container_runs_is_run_from_source(dockerfile, files, run):
    compose = "services: {app: {build: app, ports: ['80:80']}}"
    inside = {f"app/{name}": text for name, text in files.items()}
    service = only(**{"compose.yaml": compose, "app/Dockerfile": f"FROM x\n{dockerfile}", **inside})
    assert service.run == run


def test_a_start_script_becomes_a_task_and_what_it_runs_in_the_end():
    script = """
        #!/usr/bin/env bash
        set -e
        # the database first
        /opt/wait-for-it.sh postgres:5432
        npm run migration:run
        npm run seed
        exec npm run start "$@"
    """
    service = only(
        **{
            "compose.yaml": "services: {api: {build: .}}",
            "Dockerfile": 'FROM node\nCOPY . .\nCMD ["/opt/startup.sh"]',
            "startup.sh": textwrap.dedent(script).lstrip(),
            "package.json": '{"scripts": {"start": "node s.js"}, "dependencies": {"x": "1"}}',
        }
    )
    assert service.run == "npm run start"
    assert list(service.tasks) == ["install", "prepare"]
    assert service.tasks["prepare"] == "npm run migration:run && npm run seed"


def test_a_script_that_decides_is_not_read():
    found = found_in(
        **{
            "compose.yaml": "services: {api: {build: .}}",
            "Dockerfile": 'FROM node\nCOPY . .\nCMD ["./run.sh"]',
            "run.sh": "if [ -n $A ]; then\n  exec node a.js\nelse\n  exec node b.js\nfi\n",
        }
    )
    called = {"run.sh": "if true; then\nfi\nmain"}
    assert script_of(("./run.sh",), folder_of(called)) == ((), ())
    assert found.services == ()


START = """
    #!/bin/bash
    set -euo pipefail
    WORKERS=${WORKERS:-1}
    LEVEL="${LEVEL:-info}"
    if [ "$WORKERS" -gt 1 ] && [ -z "${KEY:-}" ]; then
        echo "more than one worker needs KEY"
        exit 1
    fi
    wait_for_database
    flask db upgrade
    cat <<EOF
    python is not run here
    EOF
    exec gunicorn 'site:create_app()' \\
        --bind 0.0.0.0:8000 \\
        --workers $WORKERS --log-level "${LEVEL}" "${MORE[@]}" $EXTRA
"""


def test_a_script_with_conditions_is_what_it_runs_whatever_is_the_case():
    lines = textwrap.dedent(START).lstrip()
    folder = folder_of({"start.sh": lines})
    before, last = script_of(("/start.sh",), folder, {}, {"WORKERS": "3"})
    assert before == ("flask db upgrade",)
    said = "gunicorn site:create_app() --bind 0.0.0.0:8000 --workers 3 --log-level info"
    assert " ".join(last) == said


def test_a_script_whose_last_command_has_an_unknown_part_is_not_read():
    text = 'if a; then\n  b\nfi\nexec celery --app=site worker --pool="$POOL"\n'
    folder = folder_of({"start.sh": text})
    assert script_of(("/start.sh",), folder) == ((), ())
    last = script_of(("/start.sh",), folder, {}, {"POOL": "solo"})[1]
    assert last == ("celery", "--app=site", "worker", "--pool=solo")


def test_the_stage_that_is_built_says_how_it_starts():
    stages = """
        FROM python:3.13 AS base
        ENV LEVEL=info
        CMD ["python", "serve.py"]
        FROM base AS release
        WORKDIR /app
        FROM release AS tests
        CMD ["pytest"]
    """
    text = textwrap.dedent(stages).lstrip()
    released = read_dockerfile(of_target(text, "release"), "a", "")
    assert (released.container_command, released.env) == (("python", "serve.py"), {"LEVEL": "info"})
    assert read_dockerfile(of_target(text, ""), "a", "").container_command == ("pytest",)


def test_a_container_of_tools_runs_the_code_that_is_mounted_where_it_works():
    watched = "services: {api: {build: tools, working_dir: /code/api, volumes: ['./code:/code'], "
    found = found_in(
        **{
            "compose.yaml": watched + "ports: ['3000:3000'], environment: {PORT: '3000'}}}",
            "tools/Dockerfile": 'FROM golang\nCOPY . /\nCMD ["reflex", "-c", "/reflex.conf"]',
            "tools/reflex.conf": "-r '\\.go$' -s -- bash /start.sh\n",
            "tools/start.sh": "go run .\n",
            "code/api/go.mod": "module api\n",
            "code/api/main.go": "package main\nfunc main() { common.Listen() }\n",
        }
    )
    (service,) = found.services
    assert (service.folder, service.run) == ("code/api", "go run .")
    assert (service.fixed, service.ports) == (False, {"http": 3000})


def test_a_tester_of_the_others_is_left_out():
    found = found_in(
        **{
            "compose.yaml": textwrap.dedent("""
            services:
              api: {build: api}
              e2e: {build: {context: ., dockerfile: web/Dockerfile.playwright}}
            """),
            "api/package.json": '{"scripts": {"start": "node s.js"}}',
            "api/Dockerfile": "FROM node\nCOPY . .",
            "web/Dockerfile.playwright": "FROM mcr.microsoft.com/playwright:v1\nCOPY . .",
            "web/package.json": '{"scripts": {"dev": "vite"}}',
        }
    )
    services = {service.name: service for service in found.services}
    assert services.keys() == {"api", "web"}
    assert services["web"].guesses == ("it is not in compose.yaml",)
    assert found.left_out == ("e2e: it tests the other services; start it by hand",)


def test_an_example_that_the_image_begins_with_gives_the_variables():
    service = only(
        **{
            "compose.yaml": "services: {api: {build: .}}",
            "Dockerfile": "FROM node\nCOPY . .\nRUN cp env-example-one .env\nCMD npm start",
            "env-example-one": "APP_PORT=3001\nAUTH_TOKEN_EXPIRES_IN=15m\n",
            "package.json": '{"scripts": {"start": "node s.js"}}',
            "s.js": "process.env.APP_PORT; process.env.AUTH_TOKEN_EXPIRES_IN; listen(3001)",
        }
    )
    assert service.env["AUTH_TOKEN_EXPIRES_IN"] == "15m"
    assert service.env["APP_PORT"] == "${services.api.port}"


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("AUTH_JWT_SECRET", True),
        ("AUTH_JWT_TOKEN_EXPIRES_IN", False),
        ("PASSWORD_MIN_LENGTH", False),
        ("TOKEN_TTL", False),
        ("API_KEY", True),
        ("API_KEY_HEADER", False),
    ],
)
def test_a_setting_about_a_secret_is_none(name, secret):
    assert is_secret(name) is secret


def test_of_several_addresses_the_one_for_http_is_the_port():
    line = "uwsgi --socket 0.0.0.0:3031 --http 0.0.0.0:8081 --http-to 0.0.0.0:3031"
    said = "uwsgi --socket 127.0.0.1:3031 --http 127.0.0.1:$PORT --http-to 127.0.0.1:3031"
    assert " ".join(local_ports(tuple(line.split()))) == said
    assert local_ports(("serve", "0.0.0.0:80")) == ("serve", "127.0.0.1:$PORT")


def test_a_script_that_hands_over_to_nothing_is_its_preparation():
    folder = folder_of({"once.sh": 'if a; then\n  b\nfi\npython manage.py prepare\nexec "$@"\n'})
    assert script_of(("/once.sh",), folder)[1] == ("python", "manage.py", "prepare")
    assert script_of(("/once.sh", "serve"), folder) == ((), ())
