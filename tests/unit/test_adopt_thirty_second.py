"""What a thirty-second round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import textwrap

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, system_of

from tarmac.adopt.survey.survey import survey

API = "from fastapi import FastAPI\napp = FastAPI()\n"
IMAGE = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
STARTS = 'if __name__ == "__main__":\n    import uvicorn\n    uvicorn.run(app, port=8000)\n'


def test_what_a_module_does_where_it_is_started_is_not_another_programs():
    compose = """
    services:
      api: {build: ., command: python main.py, ports: ["8000:8000"]}
      take: {build: ., command: python -m jobs.take}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": IMAGE,
        "requirements.txt": "fastapi\nuvicorn\n",
        "main.py": API + STARTS,
        "jobs/take.py": "import time\nwhile True:\n    time.sleep(1)\n",
    }
    found = found_in(**files)
    assert {one.name: dict(one.ports) for one in found.services} == {
        "api": {"http": 8000},
        "take": {},
    }


def test_a_server_with_the_login_of_another_keeps_its_own():
    compose = """
    services:
      web:
        build: .
        environment:
          RMQ_URL: queue:5672
          RMQ_USER: shop
          RMQ_PASSWORD: secret
          DB_HOST: db
          DB_USER: shop
          DB_PASSWORD: secret
      db: {image: postgres:16, environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: secret}}
      queue:
        image: rabbitmq:3
        environment: {RABBITMQ_DEFAULT_USER: shop, RABBITMQ_DEFAULT_PASS: secret}
    """
    files = {**FLASK, "compose.yaml": compose}
    (web,) = survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"}).services
    assert web.env["RMQ_USER"] == "${broker.user}"
    assert web.env["RMQ_PASSWORD"] == "${broker.password}"
    assert web.env["DB_USER"] == "${stores.db.user}"
    assert web.env["DB_PASSWORD"] == "${stores.db.password}"


def test_a_service_is_called_at_a_further_port_that_it_is_told_itself():
    compose = """
    services:
      users:
        build: .
        ports: ["3000:3000"]
        environment: {PORT: 3000, USERS_GRPC_HOST: 0.0.0.0, USERS_GRPC_PORT: 3200}
      web:
        build: .
        ports: ["3001:3001"]
        environment: {USERS_GRPC_HOST: users, USERS_GRPC_PORT: 3200, A_HOST: users, A_PORT: 3000}
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    web = next(one for one in found.services if one.name == "web")
    assert web.env["USERS_GRPC_HOST"] == "${services.users.host}"
    assert web.env["USERS_GRPC_PORT"] == "3200"
    assert web.env["A_PORT"] == "${services.users.port}"
    assert system_of(found)


@pytest.mark.parametrize("step", ["COPY .env .", "COPY ../.env .", "COPY .git .", "COPY ./ ."])
def test_a_hidden_file_is_not_where_an_image_works(step):
    image = f"FROM python:3.12\nWORKDIR /app\n{step}\nCOPY src/. ./src/\nENV PYTHONPATH=/app\n"
    compose = "services:\n  app: {build: ., command: python run.py}\n"
    files = {
        "compose.yaml": compose,
        "Dockerfile": image,
        "requirements.txt": "requests\n",
        "run.py": "from src.shop import go\ngo()\n",
        "src/shop.py": "def go(): ...\n",
    }
    (app,) = found_in(**files).services
    assert app.env.get("PYTHONPATH", ".") == "."


WAITING = """
services:
  app: {build: ., command: python app.py, ports: ["5000:5000"]}
  work:
    build: .
    command: >
      /bin/sh -c '
        until curl -s http://app:5000 > /dev/null 2>&1;
        do
          echo "Waiting for app ...";
          sleep 3;
        done;
        echo "app is ready!";
        cd /app && celery -A app worker --loglevel=info
      '
"""


def test_a_loop_over_lines_that_waits_and_a_folder_are_left_out_in_front():
    files = {
        "compose.yaml": WAITING,
        "Dockerfile": IMAGE,
        "requirements.txt": "flask\ncelery\n",
        "app.py": "from celery import Celery\napp = Celery()\n",
    }
    assert runs(found_in(**files))["work"].endswith("celery -A app worker --loglevel=info")


def test_a_loop_that_works_is_no_wait():
    looped = WAITING.replace('echo "Waiting for app ..."', "python once.py")
    files = {
        "compose.yaml": looped,
        "Dockerfile": IMAGE,
        "requirements.txt": "flask\ncelery\n",
        "app.py": "from celery import Celery\napp = Celery()\n",
        "once.py": "",
    }
    assert not runs(found_in(**files)).get("work", "").startswith(".venv")


def test_what_sets_a_database_up_is_a_task_of_the_program_that_waits_for_it():
    compose = """
    services:
      db-init: {build: ., command: python make.py && python fill.py}
      web: {build: ., command: python app.py, depends_on: [db-init], ports: ["5000:5000"]}
    """
    files = {**FLASK, "compose.yaml": compose, "make.py": "", "fill.py": ""}
    (web,) = found_in(**files).services
    assert "python make.py && " in web.tasks["db-init"]


def test_flask_is_started_in_the_folder_that_its_code_imports_from():
    files = {
        "Pipfile": '[packages]\nflask = "*"\nflask-migrate = "*"\n',
        "server/app.py": "from flask import Flask\nfrom tools import x\napp = Flask(__name__)\n",
        "server/tools.py": "x = 1\n",
        "server/migrations/env.py": "",
        "server/migrations/versions/a1.py": "",
    }
    (app,) = found_in(**files).services
    assert "flask --app server/app.py:app run" in app.run
    assert app.tasks["migrate"].endswith("--app server/app.py:app db upgrade -d server/migrations")
    whole = {**files, "server/app.py": files["server/app.py"].replace("tools", "server.tools")}
    (app,) = found_in(**whole).services
    assert "flask --app server.app:app run" in app.run


SETTINGS = """
import os
DATABASES = {{
    "default": {{
        "ENGINE": "django.db.backends.postgresql",
        "NAME": os.getenv("DB_NAME"),
        "USER": os.getenv("DB_USER"),
        "PASSWORD": os.getenv("DB_PASSWORD"),
        "HOST": os.getenv("DB_HOST"),
        {port}
    }}
}}
"""


@pytest.mark.parametrize(
    ("port", "host"),
    [('"PORT": os.getenv("DB_PORT"),', "${stores.db.host}"), ("", "db")],
)
def test_django_without_a_list_of_its_own_has_the_one_above(port, host):
    files = {
        "requirements.txt": "django\npsycopg2-binary\n",
        "shop/manage.py": "import django\n",
        "shop/shop/settings.py": SETTINGS.format(port=port),
        "pages/package.json": '{"scripts": {"dev": "vite"}, "devDependencies": {"vite": "5"}}',
    }
    found = found_in(**files)
    assert [(store.name, store.kind) for store in found.stores] == [("db", "postgres")]
    shop = next(one for one in found.services if one.name == "shop")
    assert shop.env["DB_HOST"] == host
    assert shop.env["DB_PASSWORD"] == "${stores.db.password}"


def test_a_program_of_infrastructure_is_one_where_it_has_an_image():
    pom = "<project><artifactId>gate</artifactId></project>"
    main = "@SpringBootApplication\nclass Gate { public static void main(String[] a) {} }"
    files = {
        "infra/gate/pom.xml": pom,
        "infra/gate/Dockerfile": "FROM eclipse-temurin:17\nCOPY target/*.jar a.jar\nEXPOSE 8081\n",
        "infra/gate/src/main/java/Gate.java": main,
        "infra/tool/pom.xml": pom,
        "infra/tool/src/main/java/Gate.java": main,
    }
    assert [one.folder for one in found_in(**files).services] == ["infra/gate"]


def test_a_script_ends_at_what_stays_and_a_mounted_file_is_in_its_folder():
    script = """
    #!/bin/sh
    python /code/manage.py migrate
    python /code/manage.py runserver 0.0.0.0:8000
    python /code/manage.py collectstatic
    """
    files = {
        "shop/compose.yaml": "services:\n  web: {build: ., volumes: ['.:/code']}\n",
        "shop/Dockerfile": "FROM python:3.12\nWORKDIR /code\nCOPY . .\nCMD ./start.sh\n",
        "shop/start.sh": textwrap.dedent(script).strip(),
        "shop/requirements.txt": "django\n",
        "shop/manage.py": "import django\n",
    }
    (web,) = found_in(**files).services
    assert web.run == ".venv/bin/python manage.py runserver 127.0.0.1:$PORT"
    assert "collectstatic" not in " ".join(web.tasks.values())
