"""What a thirty-first round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repository import FLASK, KINDS, folder_of, found_in

from tarmac.adopt.packages.package_day import day_of_code, newest_python
from tarmac.adopt.stores.named_servers import named_servers
from tarmac.adopt.tries.case import Failure
from tarmac.adopt.tries.correct import corrected
from tarmac.run.local.diagnostics.causes import likely_cause

API = "from fastapi import FastAPI\napp = FastAPI()\n"
IMAGE = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\n"
MIGRATED = {"migrations/env.py": "", "migrations/versions/a1.py": "", "migrations/alembic.ini": ""}


@pytest.mark.parametrize(
    ("client", "is_found"),
    [
        ("RedisSettings()", True),
        ("redis.Redis(decode_responses=True)", True),
        ("redis.StrictRedis(db=1)", True),
        ("redis.Redis(host=HOST)", False),
        ("redis.Redis(connection_pool=pool)", False),
        ("RedisSettings(*place)", False),
        ("Redis(settings.where)", False),
        ("# Redis()", False),
    ],
)
def test_a_client_that_is_told_no_place_looks_on_this_machine(client, is_found):
    text = f"import redis\nqueue = {client}\n" if client[0] != "#" else f"import redis\n{client}\n"
    found = found_in(**{"requirements.txt": "fastapi\nredis\narq\n", "main.py": API + text})
    known = [store.known for store in found.stores if store.kind == "redis" and store.known]
    assert [place.port for place in known] == [6379] * is_found


def test_a_client_of_node_that_is_told_no_place_looks_on_this_machine():
    code = 'import Redis from "ioredis";\nexport const db = new Redis({ lazyConnect: true });\n'
    package = '{"scripts": {"start": "node index.js"}, "dependencies": {"ioredis": "5"}}'
    found = found_in(**{"package.json": package, "index.js": f"{code}db.listen(process.env.PORT)"})
    assert [store.known.port for store in found.stores if store.known] == [6379]


FACTORY = "from flask import Flask\ndef create_app({}):\n    return Flask(__name__)\n"


@pytest.mark.parametrize(
    ("parameters", "app"),
    [
        ("config", "run.py:app"),
        ("name: str, config=None", "run.py:app"),
        ("", "'shop:create_app'"),
        ("config=None, **options", "'shop:create_app'"),
        ("config: dict[str, str] | None = None", "'shop:create_app'"),
    ],
)
def test_a_factory_that_asks_for_something_is_none_to_start(parameters, app):
    files = {
        "requirements.txt": "flask\n",
        "shop.py": FACTORY.format(parameters),
        "run.py": "from shop import create_app\napp = create_app(1)\n",
    }
    (service,) = found_in(**files).services
    assert f"--app {app.removesuffix('.py:app')}" in service.run.replace("run:app", "run.py:app")


def test_flask_makes_its_tables_by_the_app_that_its_image_names():
    image = f"{IMAGE}ENV FLASK_APP=run.py\nCMD flask run\n"
    files = {
        **MIGRATED,
        "Dockerfile": image,
        "requirements.txt": "flask\nflask-migrate\n",
        "shop.py": FACTORY.format(""),
        "run.py": "from shop import create_app\napp = create_app()\n",
    }
    (service,) = found_in(**files).services
    assert service.tasks["migrate"].endswith("python -m flask db upgrade")
    named = image.replace("flask run", "flask --app run run")
    (service,) = found_in(**{**files, "Dockerfile": named}).services
    assert service.tasks["migrate"].endswith("python -m flask --app run db upgrade")


def test_the_number_of_dockers_own_network_is_this_machine():
    compose = """
    services:
      web:
        build: .
        environment: [REDIS_HOST=172.17.0.1, "PAGE=http://172.17.0.1:9000", GATE=172.17.0.10]
      redis: {image: redis:7}
    """
    files = {**FLASK, "requirements.txt": "flask\nredis\n", "compose.yaml": compose}
    (web,) = found_in(**files).services
    assert web.env["REDIS_HOST"] in ("${stores.redis.host}", "redis")
    assert web.env["PAGE"] == "http://localhost:9000"
    assert web.env["GATE"] == "172.17.0.10"


def test_a_script_that_waits_is_left_out_in_front_of_a_list_of_commands():
    run = "sh -c 'wait-for db:5432 && python manage.py migrate && python manage.py runserver'"
    compose = f'services:\n  app: {{build: ., command: "{run}", ports: ["8000:8000"]}}\n'
    files = {
        "compose.yaml": compose,
        "Dockerfile": IMAGE,
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
        "wait-for": "#!/bin/sh\nshift\n",
    }
    (app,) = found_in(**files).services
    assert "5432" not in app.run
    assert app.run.startswith(".venv/bin/python manage.py migrate && ")


@pytest.mark.parametrize(
    ("where", "app"),
    [("src.jobs", "src.main:app"), ("jobs", "main:app --app-dir src")],
)
def test_a_folder_that_code_imports_from_by_its_name_is_a_package(where, app):
    jobs = 'from celery import Celery\nqueue = Celery("a", broker="redis://localhost")\n'
    files = {
        "requirements.txt": "fastapi\ncelery\nredis\n",
        "src/main.py": f"from {where} import queue\n{API}",
        "src/jobs.py": jobs,
    }
    api, worker = sorted(found_in(**files).services, key=lambda one: one.aside)
    assert f"-m uvicorn {app} " in api.run
    said = "src.jobs:queue worker" if "." in where else "jobs:queue --workdir src worker"
    assert said in worker.run


def test_what_a_token_is_signed_by_and_how_long_it_lasts_is_as_usual():
    code = """
from pydantic_settings import BaseSettings
class Settings(BaseSettings):
    JWT_ALGORITHM: str
    ACCESS_TOKEN_EXPIRE_MINUTES: int
    HASH_ALGORITHM: str
    EXPIRES: str
"""
    files = {"requirements.txt": "fastapi\npyjwt\npydantic-settings\n", "main.py": API + code}
    (service,) = found_in(**files).services
    assert service.env["JWT_ALGORITHM"] == "HS256"
    assert service.env["ACCESS_TOKEN_EXPIRE_MINUTES"] == "30"
    assert service.env["HASH_ALGORITHM"] != "HS256"
    other = {**files, "requirements.txt": "fastapi\npydantic-settings\n"}
    assert "JWT_ALGORITHM is" in " ".join(found_in(**other).services[0].guesses)


SWITCH = """package main
import "os"
func main() {{
    source := os.Getenv("SECRETS")
    switch source {{
    case "AWS":
        fromAws()
    case "{word}":
        fromHere()
    default:
        {last}
    }}
}}
"""


@pytest.mark.parametrize(
    ("word", "last", "said"),
    [
        ("LOCAL", 'panic("unknown")', "LOCAL"),
        ("LOCAL", "fromHere()", ""),
        ("VAULT", "panic(1)", ""),
    ],
)
def test_what_a_switch_chooses_is_the_word_for_this_place(word, last, said):
    files = {"go.mod": "module shop\n", "main.go": SWITCH.format(word=word, last=last)}
    (service,) = found_in(**files).services
    assert service.env.get("SECRETS", "") == said
    assert ("SECRETS" in service.secrets) is not said


def test_a_worker_that_is_started_again_where_it_fails_stays():
    compose = """
    services:
      worker: {build: ., command: celery -A jobs worker, restart: on-failure}
      flower: {build: ., command: celery -A jobs flower, ports: ["5555:5555"], depends_on: [worker]}
      tables: {build: ., command: alembic upgrade head, restart: on-failure}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": IMAGE,
        "requirements.txt": "celery\nalembic\n",
        "jobs.py": 'from celery import Celery\napp = Celery("a", broker="redis://localhost")\n',
    }
    names = {service.name: service for service in found_in(**files).services}
    assert names.keys() == {"worker", "flower"}
    assert any("tables" in service.tasks for service in names.values())


def test_a_file_below_the_folder_of_a_project_is_none_of_its_own():
    build = "services:\n  app: {{build: ., command: python main.py, ports: ['80:80']}}\n{}"
    files = {
        "back/docker-compose.yml": build.format("  db: {image: postgres:16}\n"),
        "back/docker/docker-compose.release.yml": build.format(""),
        "back/Dockerfile": IMAGE,
        "back/requirements.txt": "fastapi\n",
        "back/main.py": API,
    }
    found = found_in(**files)
    assert [store.kind for store in found.stores] == ["postgres"]
    assert found.origins[0] == "back/docker-compose.yml"


def test_a_folder_that_an_image_works_in_is_said_from_the_one_before():
    image = IMAGE + "WORKDIR src\nCMD uvicorn main:app --host 0.0.0.0\n"
    compose = "services:\n  app: {build: ., ports: ['8000:8000']}\n"
    files = {
        "compose.yaml": compose,
        "Dockerfile": image,
        "requirements.txt": "fastapi\nuvicorn\n",
        "src/main.py": API,
    }
    (app,) = found_in(**files).services
    assert app.folder == "src"


def test_an_old_gunicorn_is_started_by_its_module():
    image = f"{IMAGE}CMD gunicorn app:app\n"
    for version, module in (("19.9.0", "gunicorn.app.wsgiapp"), ("20.1.0", "gunicorn")):
        listed = f"flask\ngunicorn=={version}\n"
        files = {**FLASK, "Dockerfile": image, "requirements.txt": listed}
        assert f"-m {module} app:app" in found_in(**files).services[0].run


@pytest.mark.parametrize(
    ("listed", "address", "is_held"),
    [
        ("sqlalchemy>=2\npsycopg2-binary\n", "postgresql://{user}@{host}/a", True),
        ("sqlalchemy>=2\npsycopg2-binary\n", "postgresql+psycopg2://{user}@{host}/a", False),
        ("sqlalchemy==2.0.30\npsycopg2-binary\n", "postgresql://{user}@{host}/a", False),
        ("sqlalchemy>=2\npsycopg[binary]\n", "postgresql://{user}@{host}/a", False),
    ],
)
def test_sqlalchemy_is_held_where_its_newest_looks_for_another_driver(listed, address, is_held):
    code = f"{API}URL = f'{address}'\n"
    files = {"requirements.txt": f"fastapi\n{listed}", "main.py": code}
    (service,) = found_in(**files).services
    assert ("'sqlalchemy<2.1'" in service.tasks["install"]) is is_held


def test_code_without_a_list_gets_the_packages_that_it_imports():
    settings = (
        "INSTALLED_APPS = ['daphne', 'django.contrib.auth', 'rest_framework', 'shop']\n"
        "LAYERS = {'BACKEND': 'channels_redis.core.RedisChannelLayer'}\n"
    )
    files = {
        "manage.py": "import os\nfrom django.core.management import execute_from_command_line\n",
        "site/settings.py": settings,
        "shop/models.py": "from django.db import models\nimport helper\n"
        "class A(models.Model):\n    image = models.ImageField()\n",
        "helper.py": "import json\n",
    }
    (service,) = found_in(**files).services
    assert service.run.startswith(".venv/bin/python manage.py")
    line = service.tasks["install"]
    assert "pip install -q channels-redis daphne django djangorestframework pillow &&" in line
    assert "helper" not in line
    (plain,) = found_in(**{"server.py": "import socketserver\nserve_forever()\n"}).services
    assert plain.run == "python3 server.py"
    assert "install" not in plain.tasks


def test_code_of_another_year_has_the_packages_of_its_day():
    folder = replace(
        folder_of({"a.py": "", "b.py": ""}), changed=lambda name: f"2021-0{len(name)}-01"
    )
    assert day_of_code(["a.py", "b.py"], folder) == "2021-04-02"
    assert day_of_code([], folder) == ""
    assert day_of_code(["a.py"], replace(folder, changed=lambda name: "")) == ""


def test_a_readme_that_shows_the_settings_of_production_does_not_choose_them():
    readme = "Write into your .env:\n\n```\n{}=shop.settings.production\nSITE=a\n```\n"
    for name, is_left in (("DJANGO_SETTINGS_MODULE", True), ("PLACE", False)):
        files = {
            "manage.py": "import django\n",
            "requirements.txt": "django\n",
            "README.md": readme.format(name),
            "app.py": f"import os\nos.environ['{name}']\nos.environ['SITE']\n",
        }
        (service, *_) = found_in(**files).services
        assert (name in service.env) is not is_left


@pytest.mark.parametrize(
    ("tags", "said"), [("musl", ""), ("musl,jobs", "-tags jobs "), ("jobs", "-tags jobs ")]
)
def test_a_tag_for_the_library_of_an_image_is_not_for_this_machine(tags, said):
    image = f"""FROM golang:1.24-alpine AS made
WORKDIR /app
COPY . .
RUN go build -tags {tags} -o main ./cmd/shop
FROM alpine
COPY --from=made /app/main .
CMD ["./main"]
"""
    files = {
        "Dockerfile": image,
        "go.mod": "module shop\n",
        "cmd/shop/main.go": "package main\nfunc main() {}\n",
    }
    (service,) = found_in(**files).services
    assert service.run == f"go run {said}./cmd/shop"


def test_those_who_read_a_topic_together_have_a_name_where_an_example_leaves_it_empty():
    code = 'package main\nimport (\n\t"os"\n\t"github.com/segmentio/kafka-go"\n)\n'
    code += 'func main() { kafka.Read(os.Getenv("KAFKA_BROKER"), os.Getenv("KAFKA_GROUP_ID")) }\n'
    files = {
        "go.mod": "module shop\nrequire github.com/segmentio/kafka-go v0.4.47\n",
        "main.go": code,
        ".env.example": "KAFKA_BROKER=\nKAFKA_GROUP_ID=\n",
    }
    (service,) = found_in(**files).services
    assert service.env["KAFKA_GROUP_ID"] == "app"


@pytest.mark.parametrize(
    ("imports", "said"),
    [
        ("", "-m dramatiq shop.broker shop.tasks"),
        ("from shop import broker\n", "-m dramatiq shop.tasks"),
    ],
)
def test_dramatiq_is_told_first_what_says_where_its_broker_is(imports, said):
    files = {
        "requirements.txt": "dramatiq[rabbitmq]\n",
        "shop/__init__.py": "",
        "shop/broker.py": "import dramatiq\ndramatiq.set_broker(made())\n",
        "shop/tasks.py": f"import dramatiq\n{imports}@dramatiq.actor\ndef work(): ...\n",
    }
    (worker,) = found_in(**files).services
    assert worker.run.endswith(said)


@pytest.mark.parametrize(
    "line",
    [
        "redis.exceptions.ConnectionError: Error 111 connecting to localhost:6379. 111.",
        "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 6379)",
    ],
)
def test_a_try_brings_up_redis_where_a_client_says_no_more_than_its_place(line):
    found = found_in(**{"requirements.txt": "fastapi\n", "main.py": API})
    cause = likely_cause(1, [line])
    assert cause.startswith("something that it connects to is not listening, at ")
    assert cause.split(";")[0].endswith(("localhost:6379", "port 6379 of this machine"))
    failure = Failure(found.services[0].name, "", cause, (line,))
    (lesson,) = corrected(found, [failure], KINDS)
    assert lesson.is_corrected
    assert [store.known.port for store in lesson.found.stores if store.known] == [6379]


def test_an_app_that_another_module_makes_ready_is_started_there():
    begun = (
        "from flask import Flask\napp = Flask(__name__)\ndef create_app(config):\n    return app\n"
    )
    files = {
        "requirements.txt": "flask\n",
        "shop/__init__.py": begun,
        "main.py": "from shop import create_app\napp = create_app(1)\n",
    }
    (service,) = found_in(**files).services
    assert "--app main:app " in service.run
    alone = {**files, "main.py": ""}
    assert "--app shop:app " in found_in(**alone).services[0].run


def test_the_database_of_celerys_results_is_that_of_its_project():
    compose = """
    services:
      web:
        build: .
        environment: ["CELERY_RESULT_BACKEND=db+postgresql://me:pw@db:5432/jobs"]
      db: {image: postgres:16}
    """
    files = {**FLASK, "requirements.txt": "flask\ncelery\npsycopg2\n", "compose.yaml": compose}
    (web,) = found_in(**files).services
    backend = web.env["CELERY_RESULT_BACKEND"]
    assert backend.startswith("db+postgresql://${stores.db.user}:${stores.db.password}@")
    assert backend.endswith("/${stores.db.database}")


@pytest.mark.parametrize("compose", ["", "services:\n  web: {build: ., ports: ['8000:8000']}\n"])
def test_what_a_readme_starts_beside_the_others_takes_messages(compose):
    files = {
        "README.md": "# Shop\n```bash\npython -m scripts.queue_listener\n```\n",
        "requirements.txt": "fastapi\npika\n",
        "main.py": API,
        "scripts/queue_listener.py": "if __name__ == '__main__':\n    listen()\n",
        "Dockerfile": f"{IMAGE}CMD uvicorn main:app\n",
        **({"compose.yaml": compose} if compose else {}),
    }
    runs = {service.name: service.run for service in found_in(**files).services}
    assert runs["listener"] == ".venv/bin/python -m scripts.queue_listener"
    quiet = {**files, "README.md": "# Shop\n"}
    assert len(found_in(**quiet).services) == 1


@pytest.mark.parametrize("library", ["github.com/gin-contrib/cors", "github.com/rs/cors"])
def test_a_library_that_checks_its_origins_has_an_address_of_pages_that_are_elsewhere(library):
    code = f'package main\nimport (\n\t"os"\n\t"{library}"\n)\n'
    code += 'func main() { cors.New(os.Getenv("frontend_host"), os.Getenv("PORT")) }\n'
    files = {"go.mod": f"module shop\nrequire {library} v1.7.6\n", "main.go": code}
    (service,) = found_in(**files).services
    said = service.env.get("frontend_host", "")
    assert said == ("http://localhost" if "gin" in library else "")


def test_a_broker_of_dramatiq_that_is_told_a_host_alone_is_entered_by_a_guest():
    code = "import os\nimport dramatiq\nfrom dramatiq.brokers.rabbitmq import RabbitmqBroker\n"
    code += 'dramatiq.set_broker(RabbitmqBroker(\n    host=os.getenv("RABBITMQ_HOST"),\n))\n'
    folder = folder_of({"requirements.txt": "dramatiq[rabbitmq]\n", "main.py": code})
    assert [(one.kind, one.user, one.password) for one in named_servers(folder)] == [
        ("rabbitmq", "guest", "guest")
    ]


@pytest.mark.parametrize(
    ("listed", "minor"),
    [
        ("Flask==1.1.1\npsycopg2-binary==2.8.4\n", 8),
        ("psycopg2_binary==2.9.9\nasyncpg==0.28.0\n", 11),
        ("psycopg2-binary==2.9.10\n", 0),
        ("psycopg2-binary>=2.8.4\n", 0),
        ("flask\n", 0),
    ],
)
def test_pinned_packages_with_code_in_c_say_for_which_python_they_are(listed, minor):
    assert newest_python(listed) == minor
    files = {"requirements.txt": listed, "main.py": API}
    line = found_in(**files).services[0].tasks["install"]
    assert (f"{{ python3.{minor} -m venv .venv" in line) is bool(minor)


@pytest.mark.parametrize(
    ("place", "host"), [("{host_port}", "${stores.db.host}"), ("{DB_HOST}", "db")]
)
def test_a_place_with_its_port_in_one_word_is_not_a_host_alone(place, host):
    settings = (
        'import os\nDB_HOST = os.getenv("DB_HOST")\nDB_PORT = os.getenv("DB_PORT")\n'
        'DB_USER = os.getenv("DB_USER")\nDB_PASSWORD = os.getenv("DB_PASSWORD")\n'
        'DB_NAME = os.getenv("DB_NAME")\nhost_port = f"{DB_HOST}:{DB_PORT}"\n'
        f'URL = f"postgresql://{{DB_USER}}:{{DB_PASSWORD}}@{place}/{{DB_NAME}}"\n'
    )
    example = "DB_HOST=localhost\nDB_PORT=5432\nDB_USER=app\nDB_PASSWORD=app\nDB_NAME=app\n"
    compose = "services:\n  db:\n    image: postgres:17.0\n    ports: ['5432:5432']\n"
    found = found_in(
        **{
            "requirements.txt": "fastapi\npsycopg2-binary\n",
            "main.py": API,
            "config.py": settings,
            ".env.example": example,
            "docker-compose.yml": compose,
        }
    )
    (service,) = found.services
    assert service.env["DB_HOST"] == host
    assert service.env["DB_PORT"] == "${stores.db.port}"
