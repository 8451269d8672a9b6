"""What images set up for their programs, and what engines want, as a seventeenth round met them."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in, runs

LOCAL = """
services:
  django: &django
    build: {context: ., dockerfile: ./compose/local/Dockerfile}
    env_file: [./.envs/.local]
    volumes: [".:/app"]
    ports: ["8000:8000"]
    command: /start
  postgres: {image: "postgres:15", env_file: [./.envs/.local]}
  redis: {image: "redis:6"}
  worker:
    <<: *django
    ports: []
    command: /start-worker
"""
ENTRY = """
#!/bin/bash
set -o errexit
if [ -z "${POSTGRES_USER}" ]; then
  export POSTGRES_USER=postgres
fi
if [ -e trace ]; then
  export TRACE=on
fi
export CELERY_BROKER_URL="${REDIS_URL}"
export NOW=$(date)
export DATABASE_URL="postgres://${POSTGRES_USER}:${POSTGRES_PASSWORD}@postgres:5432/${POSTGRES_DB}"
cp /app/deploy/here.py /app/config/here.py
cp /etc/motd /tmp/motd
exec "$@"
"""


def test_a_project_called_by_its_place_has_what_its_entry_point_gives_its_programs():
    files = {
        "local.yml": LOCAL,
        "production.yml": LOCAL,
        "dev.yml": "name: not a project of Compose\n",
        "manage.py": "import django\n",
        "config/settings.py": "",
        "deploy/here.py": "",
        "requirements/base.txt": "django\n",
        "requirements/local.txt": "-r base.txt\ncelery\n",
        "compose/local/Dockerfile": "FROM python:3.12\nWORKDIR /app\n"
        "COPY ./compose/local/start /start\nCOPY ./compose/local/worker /start-worker\n"
        'COPY ./compose/entry /entry\nENTRYPOINT ["/entry"]\n',
        "compose/local/start": "exec python manage.py runserver 0.0.0.0:8000\n",
        "compose/local/worker": "exec celery -A config worker\n",
        "compose/entry": ENTRY,
        ".envs/.local": "REDIS_URL=redis://redis:6379/0\nPOSTGRES_DB=a\nPOSTGRES_USER=u\n"
        "POSTGRES_PASSWORD=p\n",
    }
    found = found_in(**files)
    assert found.origins == ("local.yml",)
    assert runs(found) == {
        "django": ".venv/bin/python manage.py runserver 127.0.0.1:$PORT",
        "worker": ".venv/bin/python -m celery -A config worker",
    }
    django = found.services[0]
    assert "-r requirements/local.txt" in django.tasks["install"]
    assert django.tasks["settings"] == "test -e config/here.py || cp deploy/here.py config/here.py"
    assert django.env["DATABASE_URL"] == "${stores.postgres.url}"
    assert django.env["CELERY_BROKER_URL"] == "${stores.redis.url}"
    assert not django.env.keys() & {"TRACE", "NOW"}


def test_a_function_of_a_program_that_listens_names_its_port():
    files = {
        "go.mod": "module example.test/a\n",
        "main.go": "package main\nfunc main() {\n\tlog.Fatal(books.ListenGRPC(service, 8080))\n}\n",
    }
    (app,) = found_in(**files).services
    assert (app.ports, app.remarks) == ({"http": 8080}, ("main.go:3 names its port",))


def test_what_is_not_started_here_says_where_its_users_look_for_it():
    compose = """
    services:
      web: {build: .}
      search: {image: "acme/search:1", ports: ["7701:7700"]}
      mssql: {image: "mcr.microsoft.com/mssql/server"}
    """
    found = found_in(**FLASK | {"compose.yaml": compose})
    said, end = (
        "is not started here; its users expect it on localhost",
        "start it there if they need it",
    )
    assert found.left_out == (
        f"search: acme/search:1 {said}:7701: {end}",
        f"mssql: mcr.microsoft.com/mssql/server {said}: {end}",
    )


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ('ENV PYTHONPATH="/srv:${PYTHONPATH}"', "."),
        ("ENV LANG=C PYTHONPATH=/srv/lib", "lib"),
        ("ENV PYTHONPATH /srv", "."),
        ("ENV PYTHONPATH=/opt/other", None),
        ("ENV PYTHONPATH=$PYTHONPATH", None),
    ],
)
def test_python_looks_for_modules_where_its_image_does(line, path):
    files = FLASK | {
        "compose.yaml": "services: {web: {build: .}}",
        "Dockerfile": f"FROM python:3.12\nWORKDIR /srv\nCOPY . /srv\n{line}\nCMD flask run\n",
        "lib/a.py": "",
    }
    (web,) = found_in(**files).services
    assert web.env.get("PYTHONPATH") == path


@pytest.mark.parametrize(
    ("code_text", "is_named"),
    [
        ("engine = create_async_engine(settings.database_url)", True),
        ("engine = create_async_engine(url.replace('postgresql:', 'postgresql+asyncpg:'))", False),
        ("engine = create_engine(settings.database_url)", False),
    ],
)
def test_an_address_names_the_driver_of_an_asynchronous_engine(code_text, is_named):
    app = f"import os\nurl = os.environ['DATABASE_URL']\n{code_text}\napp = FastAPI()\n"
    files = {
        "compose.yaml": "services: {db: {image: 'postgres:17'}}",
        "pyproject.toml": '[project]\ndependencies = ["fastapi", "sqlalchemy>=2", "asyncpg"]\n',
        "uv.lock": "",
        "main.py": app,
    }
    (service,) = found_in(**files).services
    begins = "postgresql+asyncpg://${stores.db.user}:" if is_named else "${stores.db.url}"
    assert service.env["DATABASE_URL"].startswith(begins)


def test_a_program_of_a_folder_has_what_the_entry_point_of_its_image_puts_in_place():
    compose = """
    services:
      tables: {build: ., image: notes-dev, command: ./tables.sh, volumes: ["./:/srv/notes/"]}
      web: {image: notes-dev, command: flask run, volumes: ["./:/srv/notes/"]}
    """
    files = FLASK | {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nWORKDIR /srv/notes\nCOPY . .\n"
        'ENTRYPOINT ["./deploy/entry.sh"]\nCMD ["./tables.sh"]\n',
        "deploy/entry.sh": 'cp /srv/notes/deploy/local.py /srv/notes/local.py\nexec "$@"\n',
        "deploy/local.py": "",
        "manage.py": "import django\n",
    }
    web = next(one for one in found_in(**files).services if one.name == "web")
    assert web.tasks["settings"] == "test -e local.py || cp deploy/local.py local.py"
    assert [*web.tasks] == ["install", "settings", "migrate"]
