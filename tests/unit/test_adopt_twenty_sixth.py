"""What a twenty-sixth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, text_of

from tarmac.adopt.packages.python_packages import interpreter
from tarmac.adopt.survey.survey import survey


def named(found):
    return {service.name: service for service in found.services}


def with_brokers(**files):
    return survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq", "kafka"})


# Scripts that images and people start.


def test_a_start_script_falls_back_on_what_it_sets_itself():
    script = """
    #!/bin/sh
    PLAIN='%(method) {%(vars) vars}'
    MORE="${MORE:-}"
    if [ -n "$FILES" ]; then
        MORE="$MORE --max-fd $FILES"
    fi
    exec uwsgi "--$MODE" 0.0.0.0:8000 --module app:app --logformat "${FORMAT:-$PLAIN}" $MORE
    """
    files = {
        **FLASK,
        "requirements.txt": "flask\nuWSGI==2.0.31\n",
        "compose.yaml": """
        services:
          web: {build: ., ports: ["8000:8000"], environment: {MODE: http}}
        """,
        "Dockerfile": 'FROM python:3.12\nCOPY . .\nCOPY s.sh /\nENTRYPOINT ["/s.sh"]\n',
        "s.sh": script,
    }
    (line,) = runs(found_in(**files)).values()
    assert line.startswith(".venv/bin/uwsgi --http 127.0.0.1:$PORT --module app:app --logformat")
    assert line.endswith("'%(method) {%(vars) vars}'")


def test_what_a_condition_may_set_is_no_default():
    script = "#!/bin/sh\nP=1\nif [ -f x ]; then\nQ=2\nfi\nexec flask run --port ${Q:-$P}\n"
    compose = "services: {web: {build: ., command: ./s.sh, ports: ['5000:5000']}}\n"
    found = found_in(**{**FLASK, "compose.yaml": compose, "s.sh": script})
    assert "--port 1" not in " ".join(runs(found).values())


CELERY = {
    "requirements.txt": "flask\ncelery\nredis\ngunicorn\n",
    "shop/__init__.py": (
        "from celery import Celery\nfrom flask import Flask\nqueue = Celery('shop')\n"
        "def create_app():\n    return Flask('shop')\n"
    ),
    "web.py": "from shop import create_app, queue\napp = create_app()\n",
    "Dockerfile": 'FROM python:3.11\nCOPY . .\nENTRYPOINT ["./boot.sh"]\n',
    "boot.sh": """
    #!/bin/sh
    . venv/bin/activate
    flask db upgrade
    if [ -n "$USERS" ]; then
      flask add_users
    fi
    exec gunicorn -b :5000 -w 1 web:app
    """,
    "work.sh": "#!/bin/sh\nexec celery -A web.queue worker\n",
}


def test_an_image_alone_is_started_as_its_script_says_and_where_it_says():
    app = named(found_in(**CELERY))["app"]
    assert app.run == ".venv/bin/python -m gunicorn -b 127.0.0.1:$PORT -w 1 web:app"
    assert app.ports == {"http": 5000}
    assert "flask db upgrade" in app.tasks["prepare"]


@pytest.mark.parametrize(
    ("script", "app"),
    [
        ("exec celery -A web.queue worker\n", "web.queue"),
        ("celery worker --app=web:queue -l info\n", "web:queue"),
        ("celery -A other.queue worker\n", "shop:queue"),  # no module of the project
        ("echo none\n", "shop:queue"),
    ],
)
def test_a_worker_has_the_app_that_a_script_of_the_project_names(script, app):
    found = found_in(**{**CELERY, "work.sh": script})
    assert f"-m celery -A {app} worker" in named(found)["worker"].run


def test_folders_of_an_image_are_made_where_its_mount_is():
    files = {
        "compose.yaml": """
        services:
          web: {build: ./app, ports: ["5000:5000"], volumes: ["./data:/srv/data"]}
        """,
        "app/Dockerfile": """
        FROM python:3.12
        WORKDIR /srv
        COPY . .
        RUN mkdir -p /srv/data/blobs /srv/log
        CMD flask run
        """,
        "app/requirements.txt": "flask\n",
        "app/app.py": FLASK["app.py"],
    }
    assert named(found_in(**files))["web"].tasks["folders"] == "mkdir -p ../data/blobs log"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("beat --pidfile=/var/run/x/beat.pid --schedule /var/run/x/schedule", "beat"),
        ("worker -l info -f /var/log/worker.log -c 2", "worker -l info -c 2"),
        ("worker --logfile=/tmp/worker.log", "worker --logfile=/tmp/worker.log"),
        ("beat -s run/schedule", "beat -s run/schedule"),
    ],
)
def test_celery_writes_no_files_into_folders_of_a_container(told, kept):
    compose = f"services: {{jobs: {{build: ., command: celery -A shop.queue {told}}}}}\n"
    files = {**CELERY, "Dockerfile": FLASK["Dockerfile"], "compose.yaml": compose}
    assert named(found_in(**files))["jobs"].run.endswith(f"celery -A shop.queue {kept}")


# Variables, and what stands in the code in their place.


def test_a_scheme_of_variables_may_be_long_nested_and_in_another_file():
    many = "".join(f"    KEY_{n}=(str, 'value of (it)'),\n" for n in range(200))
    code = (
        "import environ\nfrom flask import Flask\nfrom parts import ENV_SCHEMA\napp = Flask('a')\n"
        f"env = environ.FileAwareEnv(\n    # set (casting\n{many}    LISTED=(list, ['a']),\n"
        "    **ENV_SCHEMA,\n)\n"
        "said = env('KEY_199'), env('LISTED'), env('OF_ANOTHER'), env('WANTED')\n"
    )
    parts = "ENV_SCHEMA: dict[str, tuple] = {\n    'OF_ANOTHER': (bool, False),\n}\n"
    files = {"app.py": code, "parts.py": parts, "requirements.txt": "flask\ndjango-environ\n"}
    (app,) = found_in(**files).services
    assert app.env == {"WANTED": "wanted"}
    assert "OF_ANOTHER" in app.optional


GO = {"go.mod": "module x\ngo 1.22\nrequire github.com/lib/pq v1.10.9\n"}
DB = """
services:
  pg:
    image: "postgres:16"
    environment: {POSTGRES_USER: me, POSTGRES_PASSWORD: pw, POSTGRES_DB: a}
"""


def test_parts_of_an_address_that_a_call_is_given_are_where_the_program_looks():
    code = (
        'package main\nimport "net/http"\nfunc main() {\n'
        '\tdb := Connect("localhost", 5432, "me", "pw", "notes")\n'
        '\thttp.ListenAndServe(":8080", db)\n}\n'
    )
    (store,) = found_in(**GO, **{"main.go": code, "compose.yaml": DB}).stores
    assert (store.known.port, store.known.user, store.known.password) == (5432, "me", "pw")
    assert store.database == "notes"
    for other in ('"localhost", 9999, "me", "pw", "a"', '"db.example.com", 5432, "m", "p", "a"'):
        text = code.replace('"localhost", 5432, "me", "pw", "notes"', other)
        (store,) = found_in(**GO, **{"main.go": text, "compose.yaml": DB}).stores
        assert store.known is None


def test_a_variable_that_is_called_for_a_data_source_is_its_databases():
    code = (
        'package main\nimport ("net/http"; "os")\nfunc main() {\n'
        '\topen(os.Getenv("DSN"))\n\thttp.ListenAndServe(":8080", nil)\n}\n'
    )
    (app,) = found_in(**GO, **{"main.go": code, "compose.yaml": DB}).services
    assert app.env["DSN"] == "${stores.pg.url}?sslmode=disable"
    bare = {"go.mod": "module x\ngo 1.22\n", "main.go": code, "compose.yaml": DB}
    (app,) = found_in(**bare).services
    assert "DSN" not in app.env


@pytest.mark.parametrize("host", ["172.26.226.126", "10.0.0.5", "192.168.1.20"])
def test_a_server_of_its_authors_network_is_to_be_read_from_a_variable(host):
    files = {
        "requirements.txt": "fastapi\nuvicorn\nsqlalchemy\npsycopg2-binary\n",
        "main.py": "from fastapi import FastAPI\nimport db\napp = FastAPI()\n",
        "db.py": f"URL = 'postgresql://me:pw@{host}:5432/jobs'\nengine = create_engine(URL)\n",
    }
    found = found_in(**files)
    (app,), (store,) = found.services, found.stores
    assert store.kind == "postgres"
    (said,) = app.to_do
    assert said.startswith(f"db.py:1 says where {store.name} is by itself, at {host} of another ")
    for other in (files["db.py"].replace(host, "8.8.8.8"), f"# such as '{host}:5432'\n"):
        assert found_in(**{**files, "db.py": other}).stores == ()
    remark = f'def url(said):\n    """Return one for a text such as "{host}:5432"."""\n'
    assert found_in(**{**files, "db.py": remark}).stores == ()


def test_the_address_past_a_pool_is_the_databases():
    files = {
        "package.json": json.dumps(
            {"scripts": {"start": "node a.js"}, "dependencies": {"pg": "8"}}
        ),
        "a.js": "connect(process.env.DATABASE_URL, process.env.DIRECT_URL).listen(3000)\n",
        ".env.example": (
            "DATABASE_URL=postgresql://U:P@ep-pooler.eu.example.com/shop?pgbouncer=true\n"
            "DIRECT_URL=postgresql://U:P@ep.eu.example.com/shop\n"
        ),
        "compose.yaml": DB,
    }
    (app,) = found_in(**files).services
    assert app.env["DATABASE_URL"] == app.env["DIRECT_URL"] == "${stores.pg.url}"


def test_alembic_is_told_the_database_where_the_program_has_a_queue_as_well():
    files = {
        "compose.yaml": """
        services:
          api:
            build: .
            command: uvicorn main:app --port 8000
            ports: ["8000:8000"]
            environment:
              DATABASE_URL: postgresql://me:pw@db:5432/a
              CELERY_BROKER_URL: redis://cache:6379/0
          db: {image: "postgres:16", environment: {POSTGRES_USER: me, POSTGRES_PASSWORD: pw}}
          cache: {image: "redis:7"}
        """,
        "Dockerfile": "FROM python:3.12\nCOPY . .\n",
        "requirements.txt": "fastapi\nuvicorn\nalembic\n",
        "main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "alembic.ini": (
            "[alembic]\nscript_location = steps\nsqlalchemy.url = postgresql://me:pw@db:5432/a\n"
        ),
        "steps/env.py": "from alembic import context\n",
    }
    (api,) = found_in(**files).services
    assert "os.environ['DATABASE_URL']" in api.tasks["migrate"]


# Servers that a profile has.

PROFILES = """
services:
  db: {image: "postgres:16", environment: {POSTGRES_PASSWORD: pw}}
  queue:
    image: rabbitmq:3-management
    profiles: [full]
    environment: {RABBITMQ_DEFAULT_USER: shop, RABBITMQ_DEFAULT_PASS: pw}
  watch: {image: "redis:7", profiles: [full]}
"""
NODE_WORKER = {
    "package.json": json.dumps(
        {"scripts": {"start": "node a.js"}, "dependencies": {"amqplib": "1", "pg": "8"}}
    ),
    "a.js": (
        "connect(process.env.DATABASE_URL)\n"
        "if (process.env.RABBITMQ_ENABLED === 'true') consume(process.env.RABBITMQ_URL)\n"
        "listen(process.env.PORT)\n"
    ),
    ".env.example": "RABBITMQ_ENABLED=false\nRABBITMQ_URL=\n",
}


def test_a_server_of_a_profile_is_there_for_a_program_that_asks_for_one_and_switched_on():
    found = with_brokers(**{**NODE_WORKER, "compose.yaml": PROFILES})
    (app,) = found.services
    assert (found.broker.name, found.broker.version) == ("queue", "3")
    assert app.env["RABBITMQ_URL"] == "${broker.url}"
    assert app.env["RABBITMQ_ENABLED"] == "true"
    (left,) = found.left_out
    assert left.startswith("watch: only in the profile full; with COMPOSE_PROFILES=full in .env")
    assert "only a profile of the compose file starts it" in text_of(found)


def test_a_server_that_always_starts_is_left_switched_off():
    found = with_brokers(
        **{**NODE_WORKER, "compose.yaml": PROFILES.replace("profiles: [full]", "")}
    )
    (app,) = found.services
    assert app.env["RABBITMQ_ENABLED"] == "false"


def test_a_database_of_a_profile_stands_for_one_that_an_example_has_elsewhere():
    compose = """
    services:
      cache: {image: "redis:7"}
      pg: {image: "postgres:16", profiles: [local], environment: {POSTGRES_DB: shop}}
    """
    files = {
        "package.json": NODE_WORKER["package.json"],
        "a.js": "connect(process.env.DATABASE_URL).listen(process.env.PORT)\n",
        "compose.yaml": compose,
    }
    url = "DATABASE_URL=postgresql://USER:PASSWORD@ep-1.neon.tech/shop?sslmode=require\n"
    found = found_in(**files, **{".env.example": url})
    assert found.services[0].env["DATABASE_URL"] == "${stores.pg.url}"
    assert [store.name for store in found.stores] == ["cache", "pg"]
    # Its own `.env`, and an example of another kind, say which server its programs use.
    for other in ({".env": url}, {".env.example": "DATABASE_URL=sqlite:///shop.db\n"}):
        found = found_in(**files, **other)
        assert [store.name for store in found.stores] == ["cache"]


@pytest.mark.parametrize(
    ("text", "is_alone"), [("flask\nuWSGI==2.0.18\n", True), ("flask\n# uwsgi\n", False)]
)
def test_uwsgi_is_built_in_one_part_at_a_time(text, is_alone):
    install = interpreter(folder_of({"requirements.txt": text}))[1]
    assert ("export CPUCOUNT=1 && " in install) is is_alone


def test_a_python_that_no_uv_is_made_for_has_the_one_on_path():
    folder = replace(
        folder_of({"requirements.txt": "flask==1.0\n", "Dockerfile": "FROM python:3.7\n"}),
        changed=lambda _: "2021-01-01",
    )
    install = interpreter(folder)[1]
    assert "{ .venv/bin/pip install -q uv || uv --version; } && PATH=.venv/bin:$PATH uv" in install
