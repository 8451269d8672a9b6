"""What a seventeenth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, folder_of, found_in, runs, system_of

from tarmac.adopt.containers.container import copied_files, script_of, supervised
from tarmac.adopt.containers.script_conditions import decided
from tarmac.adopt.variables import code


def named(found):
    return {service.name: service for service in found.services}


@pytest.mark.parametrize(
    ("name", "image", "kind"),
    [
        ("elasticsearch", "ghcr.io/acme/notes-elasticsearch:1", "opensearch"),
        ("search", "docker.elastic.co/elasticsearch/elasticsearch-oss:6.2.4", "opensearch"),
        ("notes_redis", "acme/notes-redis", "redis"),
        ("logs", "fluent/fluentd-elasticsearch", ""),
        ("redis-backup", "acme/notes-backup", ""),
    ],
)
def test_an_image_of_others_making_is_the_server_that_its_service_is_called_by(name, image, kind):
    compose = f"services: {{web: {{build: .}}, {name}: {{image: '{image}'}}}}"
    found = found_in(**{"compose.yaml": compose} | FLASK)
    assert [store.kind for store in found.stores] == ([kind] if kind else [])


def test_a_program_may_be_called_as_another_container_is():
    compose = """
    services:
      shell: {build: ., hostname: notes, command: /bin/bash}
      worker: {build: ., command: notes work --broker redis://cache:6379, links: ["store:cache"]}
      store: {image: "redis:7"}
    """
    files = {
        "compose.yaml": compose,
        "setup.py": "setup(entry_points={'console_scripts': ['notes = notes.cli:main']})\n",
        "requirements.txt": "redis\n",
        "notes/cli.py": "def main(): ...\n",
        "Dockerfile": "FROM python:3.12\nCOPY . /notes\nWORKDIR /notes\n"
        "RUN pip install -r requirements.txt\nRUN pip install -e /notes\n",
    }
    found = found_in(**files)
    assert runs(found) == {"worker": ".venv/bin/notes work --broker $BROKER"}
    assert found.services[0].env["BROKER"] == "${stores.store.url}"
    assert "-r requirements.txt -e ." in found.services[0].tasks["install"]


@pytest.mark.parametrize(
    ("copy", "program"),
    [
        ("COPY --from=build /go/bin .", "app"),
        ("COPY --from=build /go/bin /usr/local/bin", "app"),
        ("COPY --from=build /go/bin/ /srv/", "/srv/app"),
    ],
)
def test_a_program_of_a_folder_that_a_stage_copies_is_what_that_stage_built(copy, program):
    dockerfile = f"""
    FROM acme/base AS build
    COPY sales sales
    RUN GO111MODULE=on go build -o /go/bin/app ./sales/cmd/sales
    FROM alpine
    WORKDIR /usr/bin
    {copy}
    CMD ["{program}"]
    """
    files = {
        "compose.yaml": "services: {sales: {build: {context: ., dockerfile: sales.dockerfile}}}",
        "sales.dockerfile": dockerfile,
        "go.mod": "module example.test/shop\n",
        "sales/cmd/sales/main.go": "package main\n",
        "bills/cmd/bills/main.go": "package main\n",
    }
    assert runs(found_in(**files))["sales"] == "go run ./sales/cmd/sales"


def test_a_program_of_go_has_the_packages_that_it_imports_and_no_other_ones():
    main = 'package main\nimport "example.test/shop/{0}/config"\nfunc main() {{}}\n'
    config = 'package config\nvar U = os.Getenv("{}_URL")\n'
    files = {
        f"{name}/{file}": text.format(name if file.startswith("cmd") else name.upper())
        for name in ("sales", "bills")
        for file, text in {f"cmd/{name}/main.go": main, "config/config.go": config}.items()
    }
    files |= {
        "go.mod": "module example.test/shop\n",
        "advice/main.py": "app.run(port=50051)\n",
        "advice/requirements.txt": "flask\n",
    }
    found = named(found_in(**files))
    assert set(found["sales"].missing) == {"SALES_URL"}
    assert set(found["bills"].missing) == {"BILLS_URL"}
    assert not found["sales"].ports


def test_a_script_of_a_workspace_is_started_where_its_package_is():
    compose = """
    services:
      bills:
        build: {context: ., dockerfile: apps/bills/Dockerfile}
        command: pnpm start:dev bills
      notes:
        build: {context: ., dockerfile: apps/notes/Dockerfile}
        command: pnpm start:dev
    """
    files = {
        "compose.yaml": compose,
        "package.json": '{"scripts": {"start:dev": "nest start -w"}, "dependencies": {"a": "1"}}',
        "pnpm-lock.yaml": "",
        "apps/bills/package.json": '{"name": "bills"}',
        "apps/bills/Dockerfile": "FROM node:22\nRUN pnpm install -r\n",
        "apps/bills/main.ts": "",
        "apps/notes/package.json": '{"scripts": {"start:dev": "nest start"}}',
        "apps/notes/Dockerfile": "FROM node:22\n",
        "apps/notes/main.ts": "",
    }
    found = named(found_in(**files))
    assert found["bills"].folder == ""
    assert found["bills"].tasks["install"].endswith("|| pnpm install -r")
    assert found["notes"].folder == "apps/notes"


def test_a_file_is_started_in_the_folder_that_the_image_has_as_its_own():
    compose = """
    services:
      advice: {build: {context: ., dockerfile: a.dockerfile}, command: python app/entry/main.py}
    """
    dockerfile = """
    FROM python:3.12
    WORKDIR /app
    COPY advice/requirements.txt .
    COPY advice /app
    """
    files = {
        "compose.yaml": compose,
        "a.dockerfile": dockerfile,
        "advice/requirements.txt": "flask\n",
        "advice/app/entry/main.py": "",
    }
    found = found_in(**files)
    assert found.services[0].folder == "advice"
    assert runs(found) == {"advice": ".venv/bin/python app/entry/main.py"}


def test_a_variable_of_its_own_name_is_its_port_with_the_number_that_a_file_gives_it():
    compose = """
    services:
      desk: {build: ./desk, env_file: .env, ports: ["8000:8000"]}
      task: {build: ./task, env_file: .env}
    """
    package = '{"scripts": {"build": "tsc", "start": "node dist/main.js"}}'
    image = "FROM node:22\nCMD npm run build && npm start\n"
    files = {
        "compose.yaml": compose,
        ".env.example": "DESK_PORT=8000\nTASK_SERVICE_HOST=task\nTASK_SERVICE_PORT=8001\n",
        "desk/index.js": "app.listen(process.env.DESK_PORT); process.env.TASK_SERVICE_PORT\n",
        "task/index.js": "const port = process.env.TASK_SERVICE_PORT\n",
    }
    for name in ("desk", "task"):
        files |= {f"{name}/package.json": package, f"{name}/Dockerfile": image}
    found = found_in(**files)
    task, desk = named(found)["task"], named(found)["desk"]
    assert (task.ports, task.env["TASK_SERVICE_PORT"]) == ({"http": 8001}, "${services.task.port}")
    assert desk.env["TASK_SERVICE_PORT"] == "${services.task.port}"
    assert runs(found)["task"] == "npm run build && npm start"  # and is not built twice


def test_a_variable_that_a_start_script_hands_on_is_the_port():
    script = """
    #!/bin/sh
    if [ -e seed.txt ]; then python seed.py; fi
    gunicorn --bind 0.0.0.0:${SERVER_PORT} app:app
    """
    files = FLASK | {
        "compose.yaml": "services: {web: {build: ., environment: {SERVER_PORT: 8400}}}",
        "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD /app/run.sh\n",
        "run.sh": script,
    }
    (web,) = found_in(**files).services
    assert (web.ports, web.env) == (
        {"http": 8400},
        {"SERVER_PORT": "${services.web.port}"},
    )


SCRIPT = [
    'if [[ "$MODE" == dev ]]; then',
    "SETTINGS=app.dev",
    "else",
    "SETTINGS=app.prod",
    "fi",
    "python manage.py migrate --settings=$SETTINGS",
    'if [ "$MODE" != "dev" ]; then',
    "gunicorn app",
    'elif [ -n "$SEED" ] && [ "${PLACE:-here}" = "here" ]; then',
    "python manage.py seed",
    "fi",
    "python manage.py runserver --settings=$SETTINGS",
]


@pytest.mark.parametrize(
    ("given", "lines"),
    [
        (
            {"MODE": "dev", "SEED": "1"},
            [
                "python manage.py migrate --settings=app.dev",
                "python manage.py seed",
                "python manage.py runserver --settings=app.dev",
            ],
        ),
        (
            {"MODE": "live"},
            [
                "python manage.py migrate --settings=app.prod",
                "gunicorn app",
                "python manage.py runserver --settings=app.prod",
            ],
        ),
        ({}, SCRIPT),
        ({"MODE": "dev"}, [SCRIPT[5].replace("$SETTINGS", "app.dev"), *SCRIPT[6:11]]),
    ],
)
def test_what_the_variables_of_a_container_decide_in_a_script_is_decided(given, lines):
    assert decided(SCRIPT, given)[: len(lines)] == lines


@pytest.mark.parametrize(
    ("condition", "is_known"),
    [
        ("[ ! -v MODE ]", True),
        ("test $MODE = dev", True),
        ("[ -z '' ]", True),
        ("[ -f seed.txt ]", False),
        ('[ "$1" = "a" ]', False),
        ('[ "$MODE" = "dev" ] && [ -n "$A" ] || [ -n "$B" ]', False),
        ("! grep -q a b", False),
        ("[ 'a = b ]", False),
        ("[ $MODE -eq 1 ]", True),
    ],
)
def test_conditions_of_files_arguments_and_programs_stay_undecided(condition, is_known):
    lines = [f"if {condition}", "then", "flask a", "fi"]
    assert (decided(lines, {"MODE": "dev"}) != lines) is is_known


def test_a_condition_in_one_line_and_one_without_an_end_stay_as_they_are():
    for lines in (["if [ 1 = 1 ]; then flask a; fi"], ["if [ 1 = 1 ]; then", "flask a"]):
        assert decided(lines, {}) == lines


def test_a_script_that_an_entry_point_hands_over_to_says_what_is_started():
    files = {
        "entry.sh": '#!/bin/bash\nexport A=1\nexec "$@"\n',
        "init.sh": '#!/bin/bash\nif [ "$BUILD" = 1 ]; then\nflask db upgrade\nfi\nexec flask run\n',
        "Dockerfile": "FROM python:3.12\nCOPY entry.sh init.sh /\n"
        'ENTRYPOINT ["/bin/bash", "/entry.sh"]\nCMD ["/init.sh"]\n',
        "compose.yaml": "services: {web: {build: ., environment: {BUILD: 1}}}",
    }
    found = found_in(**FLASK | files)
    assert runs(found) == {"web": ".venv/bin/python -m flask run --port $PORT"}
    assert found.services[0].tasks["prepare"] == "PATH=.venv/bin:$PATH python -m flask db upgrade"
    argv = ("/init.sh",)
    assert script_of(argv, folder_of(files), None, {"BUILD": "0"}) == ((), ("flask", "run"))


SUPERVISOR = """
[supervisord]
nodaemon=true
[program:web]
directory=/srv/code
command=flask run
[program:mail-worker]
directory=/srv/code
command=celery -A app worker -Q %(ENV_QUEUE)s
"""


def test_each_program_that_supervisord_starts_is_a_service():
    compose = """
    services:
      site: {build: ., ports: ["5000:5000"], environment: {QUEUE: mail}}
    """
    files = {f"code/{name}": text for name, text in FLASK.items() if name != "Dockerfile"}
    files |= {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nWORKDIR /srv\nCOPY code code\n"
        'CMD ["supervisord", "-c", "code/supervisord.conf"]\n',
        "code/supervisord.conf": SUPERVISOR,
    }
    found = found_in(**files)
    site, worker = found.services
    assert (site.folder, site.ports) == ("code", {"http": 5000})
    assert (worker.folder, worker.ports) == ("code", {})
    assert runs(found) == {
        "site": ".venv/bin/python -m flask run --port $PORT",
        "site-mail-worker": ".venv/bin/python -m celery -A app worker -Q $QUEUE",
    }
    assert supervised(("sleep", "1"), folder_of(files)) == {}


def test_packages_that_an_image_has_elsewhere_are_not_copied_here():
    compose = """
    services:
      page:
        build: page
        command: bash -c "rsync --archive /node_modules /page && npm run start"
    """
    dockerfile = "FROM node:22\nCOPY package.json /page\nWORKDIR /page\n"
    files = {
        "compose.yaml": compose,
        "page/package.json": '{"scripts": {"start": "node a.js"}}',
        "page/a.js": "app.listen(3000)\n",
        "page/Dockerfile": dockerfile,
    }
    assert runs(found_in(**files)) == {"page": "npm run start"}
    assert copied_files(dockerfile) == {"/page/package.json": "package.json"}
    assert copied_files("COPY run.sh /start\n") == {"/start": "run.sh"}


def test_django_makes_its_tables_by_the_settings_that_its_command_names():
    files = {
        "compose.yaml": "services: {web: {build: .}}",
        "manage.py": "import django\n",
        "requirements.txt": "django\n",
        "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"
        "CMD python manage.py runserver 0.0.0.0:8000 --settings=site.local\n",
    }
    (web,) = found_in(**files).services
    assert web.tasks["migrate"].endswith("manage.py migrate --noinput --settings=site.local")


def test_a_placeholder_in_an_address_is_the_part_that_it_stands_for():
    yaml = """
    mongodb:
      uri: "mongodb://${MG_HOST:localhost}:${MG_PORT:27017}/${MG_NAME:demo}"
    broker: "amqp://${AQ_NAME:guest}:${AQ_PW:guest}@${AQ_AT:localhost}"
    other: "http://${OTHER:localhost}"
    """
    reads = code.variables(folder_of({"src/main/resources/application.yml": yaml}))
    assert {name: read.about for name, read in reads.items()} == {
        "MG_HOST": "MONGODB_HOST",
        "MG_PORT": "MONGODB_PORT",
        "MG_NAME": "MONGODB_DATABASE",
        "AQ_NAME": "AMQP_USERNAME",
        "AQ_PW": "AMQP_PASSWORD",
        "AQ_AT": "AMQP_HOST",
        "OTHER": "",
    }


def test_a_framework_that_a_file_of_settings_names_has_the_port_there():
    files = {
        "go.mod": "module example.test/a\n",
        "main.go": 'package main\nfunc main() { viper.SetConfigName("config.dev") }\n',
        "config/config.dev.json": '{"echo": {"port": ":5002"}, "grpc": {"port": ":6600"}}',
    }
    (app,) = found_in(**files).services
    assert (app.ports, app.fixed) == ({"http": 5002}, True)


QUEUES = """
services:
  web: {build: .}
  notes_cache: {image: "redis:7"}
  BROKER: {image: "nats:2"}
"""


@pytest.mark.parametrize(("broker", "host"), [("nats", ""), ("queue", "queue")])
def test_code_that_names_its_broker_finds_it_by_its_kind_or_by_its_own_name(broker, host):
    code = f"nats.connect('nats://{broker}:4222')\nRedis(host='notes_cache')\n"
    files = FLASK | {"compose.yaml": QUEUES.replace("BROKER", broker), "app.py": code}
    found = found_in(**files)
    (web,) = found.services
    assert found.hosts
    assert web.stores == ("notes-cache",)
    assert ("NATS_URL" in web.env, web.to_do) == (True, ())
    local = system_of(found).file.broker.local
    assert (local.host if local else None) == (host or None)


def test_the_default_of_a_variable_that_is_given_names_no_host():
    code = "import os\nURL = os.getenv('SEARCH_URL', 'http://search:7700')\n"
    compose = """
    services:
      web: {build: ., environment: {SEARCH_URL: "http://search:7700"}}
      search: {image: "acme/search"}
    """
    (web,) = found_in(**FLASK | {"compose.yaml": compose, "app.py": code}).services
    assert not web.to_do
