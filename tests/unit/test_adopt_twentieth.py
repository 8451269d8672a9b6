"""What a twentieth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import json

import pytest
from repository import FLASK, folder_of, found_in, runs, text_of

from tarmac.adopt.containers.build_steps import with_paths
from tarmac.adopt.containers.container import plain, script_of
from tarmac.adopt.packages.node_packages import tools
from tarmac.adopt.packages.python_packages import interpreter
from tarmac.adopt.stores.named_servers import named_servers
from tarmac.adopt.survey.found import local_ports
from tarmac.adopt.variables import code

PYTHON = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"


def named(found):
    return {service.name: service for service in found.services}


def test_paths_of_a_dockerfile_are_filled_in_by_its_variables_and_commands_are_not():
    text = """FROM python:3.12 AS base
ARG PLACE=/srv
ENV HOME_OF_APP=${PLACE}/shop OTHER=x
FROM base
WORKDIR $HOME_OF_APP
COPY src ${HOME_OF_APP}/src
COPY $UNKNOWN here
CMD run $OTHER
"""
    lines = with_paths(text).splitlines()
    assert lines[4:] == [
        "WORKDIR /srv/shop",
        "COPY src /srv/shop/src",
        "COPY $UNKNOWN here",
        "CMD run $OTHER",
    ]


def test_the_folder_that_a_variable_of_the_image_names_is_the_programs():
    compose = """
    services:
      web:
        build: .
        command: sh -c "python manage.py runserver 0.0.0.0:8000"
        volumes: ["./project/:/usr/src/app"]
        ports: ["8000:8000"]
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nENV HERE /usr/src/app\nWORKDIR $HERE\n"
        "COPY project $HERE/\n",
        "project/manage.py": "import django\n",
        "project/requirements.txt": "django\n",
    }
    assert named(found_in(**files))["web"].folder == "project"


@pytest.mark.parametrize(
    "start",
    [
        "python manage.py migrate & flask run & celery -A app worker & wait\n",
        "python manage.py migrate\ncelery -A app worker &\nflask run\n",
    ],
)
def test_what_a_script_starts_side_by_side_are_programs_of_their_own(start):
    files = FLASK | {
        "start.sh": f"#!/bin/bash\n{start}",
        "manage.py": "import django\n",
        "Dockerfile": PYTHON + 'CMD ["bash", "./start.sh"]\n',
        "compose.yaml": "services: {web: {build: ., ports: ['8000:5000']}}",
    }
    services = named(found_in(**files))
    assert {*services} == {"web", "web-worker"}
    assert services["web"].run.endswith("flask run --port $PORT")
    assert "manage.py migrate" in services["web"].tasks["prepare"]
    assert services["web-worker"].run.endswith("celery -A app worker")
    assert services["web-worker"].ports == {}
    assert "web" in services["web-worker"].calls


def test_a_shell_that_a_line_of_a_dockerfile_starts_is_taken_off():
    files = FLASK | {
        "Dockerfile": PYTHON + 'CMD sh -c "celery -A app worker & flask run --port 5000"\n',
        "compose.yaml": "services: {web: {build: ., ports: [5000]}}",
    }
    assert {*named(found_in(**files))} == {"web", "web-worker"}


def test_what_follows_a_start_script_is_the_program():
    files = FLASK | {
        "setup.sh": "flask db upgrade\n",
        "Dockerfile": PYTHON
        + 'CMD ["sh", "-c", "./setup.sh && flask seed || true && flask run"]\n',
        "compose.yaml": "services: {web: {build: ., ports: [5000]}}",
    }
    found = found_in(**files)
    assert "flask seed || true && .venv/bin/python -m flask run" in runs(found)["web"]
    assert "flask db upgrade" in named(found)["web"].tasks["prepare"]


def test_several_servers_in_front_of_one_program_each_stand_for_these():
    front = "server { listen 80; location / { proxy_pass http://%s:5000; } }"
    compose = """
    services:
      one: {build: one}
      two: {build: two, environment: {ONE_HOST: "front-one:80"}}
      front-one:
        image: nginx
        ports: ["8081:80"]
        volumes: ["./one.conf:/etc/nginx/nginx.conf"]
      front-two:
        image: nginx
        ports: ["8082:80"]
        volumes: ["./two.conf:/etc/nginx/nginx.conf"]
    """
    own = {f"{n}/{file}": text for n in ("one", "two") for file, text in FLASK.items()}
    files = {**own, "compose.yaml": compose, "one.conf": front % "one", "two.conf": front % "two"}
    found = found_in(**files)
    services = named(found)
    assert runs(found).keys() == {"one", "two"}
    # 8081 is where people go; the front's own number is no longer asked for.
    assert [*services["one"].ports.values()] == [8081]
    assert services["two"].env["ONE_HOST"] == "${services.one.address}"
    assert "front-one: programs reach one without it" in found.left_out


def test_one_server_in_front_of_several_programs_is_the_entry():
    front = (
        "server { location /a { proxy_pass http://one:5000; }"
        " location / { proxy_pass http://two:5000; } }"
    )
    own = {f"{n}/{file}": text for n in ("one", "two") for file, text in FLASK.items()}
    compose = """
    services:
      one: {build: one, expose: [5000]}
      two: {build: two, expose: [5000]}
      front: {image: nginx, ports: ["80:80"], volumes: ["./f.conf:/etc/nginx/nginx.conf"]}
    """
    found = found_in(**own, **{"compose.yaml": compose, "f.conf": front})
    assert {(route.path, route.service) for route in found.routes} == {("/a", "one"), ("/", "two")}


def test_a_class_of_settings_within_another_is_no_variable():
    text = """
        class Db(BaseSettings):
            model_config = SettingsConfigDict(env_prefix="DB_")
            host: str
        class Config(BaseSettings):
            db: Db
            cache: CacheConfig
            level: str
        """
    assert {*code.variables(folder_of({"config.py": text}))} == {"DB_HOST", "LEVEL"}


def test_what_a_remark_has_or_a_request_brings_or_code_sets_is_no_variable():
    text = """
        import os
        # os.environ["COMMENTED"]
        os.environ["GIVEN"] = "5"
        os.environ["READ"]
        def application(environ, start_response):
            return environ["PATH_INFO"]
        """
    assert {*code.variables(folder_of({"wsgi.py": text}))} == {"READ"}


def test_settings_that_another_file_has_imported_the_reader_for_are_read():
    files = {
        "settings/base.py": "from decouple import config\nDEBUG = config('DEBUG_MODE')\n",
        "settings/dev.py": "from .base import *\nURL = config(\n    'DATABASE_URL',\n"
        "    default=f'sqlite:///{str(BASE)}/db'\n)\n",
        "mail.py": "env = read_env(BASE)\nHOST = env.get_value('SMTP_HOST', str)\n"
        "# env.get_value('COMMENTED', str)\n",
    }
    assert {*code.variables(folder_of(files))} == {"DEBUG_MODE", "DATABASE_URL", "SMTP_HOST"}


def test_what_an_example_leaves_empty_of_a_server_is_where_that_is():
    compose = """
    services:
      web: {build: ., env_file: .env, ports: [5000]}
      db: {image: "postgres:16"}
    """
    app = "import os\nfrom flask import Flask\nimport psycopg2\napp = Flask(__name__)\n"
    reads = "".join(f"os.environ['{n}']\n" for n in ("DB_HOST", "DB_PORT", "DB_USER", "TITLE"))
    files = FLASK | {
        "compose.yaml": compose,
        "requirements.txt": "flask\npsycopg2\n",
        ".env.example": "DB_HOST=\nDB_PORT=\nDB_USER=\nTITLE=\n",
        "app.py": app + reads,
    }
    env = found_in(**files).services[0].env
    assert env["DB_HOST"] == "${stores.db.host}"
    assert env["DB_USER"] == "${stores.db.user}"
    assert env["TITLE"] == ""


def test_what_a_programs_own_file_has_is_not_generated_where_it_reads_that():
    files = FLASK | {
        "compose.yaml": "services: {web: {build: web, ports: [5000]}}",
        "web/app.py": "import os\nfrom dotenv import load_dotenv\nfrom flask import Flask\n"
        "load_dotenv()\napp = Flask(__name__)\nos.environ['HASH_KEY']\nos.environ['API_TOKEN']\n",
        "web/requirements.txt": "flask\n",
        "web/Dockerfile": FLASK["Dockerfile"],
        "web/.env": "HASH_KEY=05ec4b42fc43ffa3906\n",
    }
    service = named(found_in(**files))["web"]
    assert service.secrets == ("API_TOKEN",)
    assert any("reads HASH_KEY of its own .env" in line for line in service.to_do)


def test_programs_of_the_package_that_an_image_installs_are_those_of_the_repository():
    files = {
        "pyproject.toml": "[project]\nname = 'shop-server'\n"
        "[project.scripts]\nshop = 'shop.cli:app'\n",
        "shop/app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "shop/cli.py": "app = 1\n",
        "docker/Dockerfile": "FROM python:3.12\nRUN pip install shop-server==1.2\nEXPOSE 8000\n"
        "RUN mkdir -p /data/db\nENV DATA=/data/db LEVEL=low\n"
        "COPY supervisord.conf /etc/supervisord.conf\n"
        'CMD ["supervisord", "-c", "/etc/supervisord.conf"]\n',
        "docker/supervisord.conf": "[supervisord]\nnodaemon=true\n[program:server]\n"
        "command=shop run-server\n[program:worker]\ncommand=shop run-worker -p 1\n",
    }
    found = found_in(**files)
    assert runs(found) == {
        "server": ".venv/bin/shop run-server",
        "worker": ".venv/bin/shop run-worker -p 1",
    }
    services = named(found)
    assert (services["server"].folder, services["worker"].ports) == ("", {})
    assert services["server"].env == {"LEVEL": "low"}


def test_a_short_number_behind_p_is_no_port():
    assert local_ports(("work", "-p", "4")) == ("work", "-p", "4")
    assert local_ports(("serve", "-p", "8000")) == ("serve", "-p", "$PORT")


def test_a_folder_that_an_image_has_beside_its_program_is_linked():
    files = {
        "compose.yaml": "services: {web: {build: {context: ., dockerfile: services/web/Dockerfile},"
        " ports: [5000]}}",
        "services/web/Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY shared/ /app/shared/\n"
        "COPY services/web/ /app/\nCMD flask run\n",
        "services/web/app.py": FLASK["app.py"],
        "services/web/requirements.txt": "-r shared/requirements.txt\nflask\n",
        "shared/requirements.txt": "redis\n",
        "shared/model.py": "",
    }
    tasks = named(found_in(**files))["web"].tasks
    assert tasks["links"] == "test -e shared || ln -s ../../shared shared"
    assert [*tasks].index("links") < [*tasks].index("install")


def test_a_folder_of_a_log_is_made():
    files = FLASK | {
        "compose.yaml": "services: {jobs: {build: ., command: celery -A app worker -f logs/a.log}}"
    }
    service = named(found_in(**files))["jobs"]
    assert service.tasks["written"] == "mkdir -p logs"


def test_what_backs_a_database_up_or_copies_it_is_no_store():
    compose = """
    services:
      web: {build: ., ports: [5000], environment: {READ_HOST: copy}}
      db: {image: "postgres:16"}
      backup:
        image: "postgres:16"
        command: bash -c "while true; do pg_dump -h db shop > /b.sql; sleep 60; done"
      copy:
        image: "postgres:16"
        command: bash -c "pg_basebackup -h db -D /data; exec docker-entrypoint.sh postgres -c a=b"
        depends_on: [db]
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    assert [store.name for store in found.stores] == ["db"]
    assert any(line.startswith("backup: it backs a server up") for line in found.left_out)
    assert "db" in found.services[0].env["READ_HOST"]


def test_what_makes_tables_and_may_be_tried_again_is_a_task():
    compose = """
    services:
      web: {build: ., ports: [5000]}
      migration: {build: ., restart: on-failure, command: flask db upgrade}
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    assert {*named(found)} == {"web"}
    assert "flask db upgrade" in found.services[0].tasks["migration"]


def test_a_port_that_a_variable_without_a_value_says_is_the_one_that_people_use():
    app = "import os\nfrom flask import Flask\napp = Flask(__name__)\nos.getenv('SERVER_PORT')\n"
    compose = "services: {web: {build: ., ports: ['5000:$SERVER_PORT'], command: python app.py}}"
    service = found_in(**FLASK | {"app.py": app, "compose.yaml": compose}).services[0]
    assert (service.ports, service.port_variable) == ({"http": 5000}, "SERVER_PORT")


def test_a_number_of_debuggers_is_a_port_where_the_command_says_it():
    compose = "services: {web: {build: ., ports: ['5005'], command: %s}}"
    line = "gunicorn --bind 0.0.0.0:5005 app:app"
    told = found_in(**FLASK, **{"compose.yaml": compose % line}).services[0]
    assert [*told.ports.values()] == [5005]
    debugged = found_in(**FLASK, **{"compose.yaml": compose % "python app.py"}).services[0]
    assert 5005 not in debugged.ports.values()


def test_pika_that_has_its_host_of_a_call_logs_in_as_a_guest():
    text = "import pika\npika.ConnectionParameters(host=config('RABBITMQ_HOST'))\n"
    folder = folder_of({"worker.py": text, "requirements.txt": "pika\n"})
    (one,) = named_servers(folder)
    assert (one.kind, one.user) == ("rabbitmq", "guest")


def test_an_environment_of_another_machine_is_not_used():
    files = {
        ".venv/bin/python": "",
        ".venv/pyvenv.cfg": "command = /usr/bin/python3 -m venv /home/a/shop/.venv\n",
        "requirements.txt": "flask\n",
    }
    line, install = interpreter(folder_of(files).below("web"))
    assert line != "../.venv/bin/python"
    own = folder_of(files | {".gitignore": "node_modules\n.venv/\n"})
    assert interpreter(own) == (".venv/bin/python", "")
    assert install == "" or "venv" in install


def test_a_lock_file_of_pipenv_for_an_old_python_is_installed_by_pip():
    lock = {"default": {"flask": {"version": "==2.0", "markers": "python_version >= '3.6'"}}}
    files = {
        "Pipfile": '[requires]\npython_version = "3.9"\n',
        "Pipfile.lock": json.dumps(lock | {"develop": {"pytest": {"version": "==7.0"}}}),
        "Dockerfile": "FROM python:3.9\nRUN pipenv install --dev --system\n",
    }
    line, install = interpreter(folder_of(files))
    assert line == ".venv/bin/python"
    assert "python3.9 -m venv" in install
    assert 'lock["develop"]' in install
    newer = files | {"Pipfile": '[requires]\npython_version = "3.12"\n'}
    assert interpreter(folder_of(newer)) == ("pipenv run python", "pipenv sync --dev")


def test_a_list_of_locked_packages_is_one():
    files = {"requirements.lock": "flask==3\n", "app.py": FLASK["app.py"]}
    assert "-r requirements.lock" in interpreter(folder_of(files))[1]


def test_packages_of_an_old_node_need_not_fit_each_other():
    files = {"package.json": "{}", "package-lock.json": "{}", "Dockerfile": "FROM node:13.12\n"}
    assert "npm ci --no-audit --no-fund --legacy-peer-deps" in tools(folder_of(files))[1]
    newer = files | {"Dockerfile": "FROM node:20\n"}
    assert "legacy" not in tools(folder_of(newer))[1]


def test_a_script_joins_what_it_puts_into_the_background_to_its_last_line():
    folder = folder_of({"start.sh": "worker &\nserve\n"})
    assert script_of(("start.sh",), folder) == ((), ("worker", "&", "serve"))
    assert plain(("sh", "-c", "a & b")) == ("a", "&", "b")


def test_a_file_that_a_variable_names_counts_before_others():
    files = {
        "config/local.toml": '[db]\nurl = "redis://localhost:7000"\n',
        "config/prod.toml": '[db]\nurl = "redis://cache:6379"\n',
        "app.py": "import redis\n",
        "requirements.txt": "redis\n",
    }
    (one,) = named_servers(folder_of(files), ["cache"], ["config/prod.toml"])
    assert one.host == "cache"


def test_what_can_be_done_once_does_not_end_what_follows():
    files = FLASK | {
        "start.sh": "flask db init\nflask db migrate\nflask db upgrade\nflask run\n",
        "Dockerfile": PYTHON + 'CMD ["./start.sh"]\n',
        "compose.yaml": "services: {web: {build: ., ports: [5000]}}",
    }
    task = named(found_in(**files))["web"].tasks["prepare"]
    assert task == (
        "PATH=.venv/bin:$PATH python -m flask db init || true"
        " && PATH=.venv/bin:$PATH python -m flask db migrate || true"
        " && PATH=.venv/bin:$PATH python -m flask db upgrade"
    )


def test_a_program_that_is_guessed_has_one_port_of_its_image():
    files = {
        "manage.py": "import django\n",
        "requirements.txt": "django\n",
        "Dockerfile": "FROM python:3.12\nEXPOSE 80 8080\n"
        'ENTRYPOINT ["/sbin/tini", "--", "/opt/boot.sh"]\n',
    }
    (service,) = found_in(**files).services
    assert service.run.endswith("runserver --noreload 127.0.0.1:$PORT")
    assert len(service.ports) == 1


def test_what_is_written_loads():
    assert "web" in text_of(found_in(**FLASK, **{"compose.yaml": "services: {web: {build: .}}"}))
