"""What a twenty-ninth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in

from tarmac.adopt.packages.package_day import python_of
from tarmac.adopt.survey.survey import survey

REQUIREMENTS = "fastapi\nredis\nsqlalchemy\n"
API = "from fastapi import FastAPI\napp = FastAPI()\n"
READS = 'import os\nPLACE = os.environ["QUEUE_PLACE"]\n'
IMAGE = "FROM python:3.12\nWORKDIR /app\nCOPY src/ ./\nCOPY entry.sh .\n"
BY_IF = """
#!/bin/sh
MODE=$1
if [ "$MODE" = "worker" ]; then
    dramatiq jobs.app
elif [ "$MODE" = "api" ]; then
    uvicorn web.app:app --host 0.0.0.0 --port 8080
else
    echo "no such mode"; exit 1
fi
"""
BY_CASE = """
#!/bin/sh
ROLE="${1:-api}"
case "$ROLE" in
  worker|jobs)
    exec dramatiq jobs.app
    ;;
  api) exec uvicorn web.app:app --host 0.0.0.0 --port 8080 ;;
  *)
    exit 1
    ;;
esac
"""


@pytest.mark.parametrize("script", [BY_IF, BY_CASE])
@pytest.mark.parametrize("entry", ['["sh", "./entry.sh"]', '["./entry.sh"]'])
def test_a_start_script_is_read_with_the_word_that_its_container_gives_it(script, entry):
    service = "build: .\n    command: "
    compose = f"services:\n  api:\n    {service}api\n  worker:\n    {service}worker\n"
    found = found_in(
        **{
            "compose.yml": compose,
            "Dockerfile": f"{IMAGE}ENTRYPOINT {entry}\n",
            "entry.sh": script,
            "requirements.txt": "fastapi\nuvicorn\ndramatiq\n",
            "src/web/app.py": API,
            "src/jobs/app.py": "import dramatiq\n@dramatiq.actor\ndef one(): ...\n",
        }
    )
    said = {one.name: (one.folder, one.run.rpartition(" -m ")[2]) for one in found.services}
    assert said["api"][0] == "src"
    assert said["api"][1].startswith("uvicorn web.app:app ")
    assert said["worker"] == ("src", ".venv/bin/dramatiq jobs.app")


def test_a_default_of_a_settings_class_ends_before_its_remark():
    code = "class Settings(BaseSettings):\n    PLACE: str = 'plain'  # type: ignore\n"
    (app,) = found_in(**{"requirements.txt": REQUIREMENTS, "app.py": API + code}).services
    assert "ignore" not in str(app.env)
    code = code.replace("'plain'", '"redis://localhost/0"')
    (app,) = found_in(**{"requirements.txt": REQUIREMENTS, "app.py": API + code}).services
    assert app.env["PLACE"] == "${stores.cache.url}"


@pytest.mark.parametrize(
    ("value", "library", "expected"),
    [
        ("localhost:6379", "arq", "${stores.cache.address}"),
        ("127.0.0.1:6379", "redis", "${stores.cache.address}"),
        ("localhost:6379", "requests", "localhost:6379"),
        ("localhost:7000", "redis", "localhost:7000"),
    ],
)
def test_a_place_at_the_usual_port_of_a_server_is_that_server(value, library, expected):
    files = {"app.py": API + READS, "requirements.txt": f"fastapi\n{library}\n"}
    (app,) = found_in(**files, **{".env.example": f"QUEUE_PLACE={value}\n"}).services
    assert app.env["QUEUE_PLACE"] == expected


SETTINGS = "class Settings(BaseSettings):\n    redis_host: str\n    redis_db: int\n"


@pytest.mark.parametrize(("more", "number"), [("", "0"), ("REDIS_DB=3\n", "3")])
def test_the_first_database_of_redis_is_taken_where_nothing_says_which(more, number):
    files = {"app.py": API + SETTINGS, "requirements.txt": REQUIREMENTS}
    (app,) = found_in(**files, **{".env.example": f"REDIS_HOST=localhost\n{more}"}).services
    assert app.env["REDIS_DB"] == number


@pytest.mark.parametrize(
    ("listed", "example", "address"),
    [
        ("flask\nflask-sqlalchemy\n", "your database url", "sqlite:///${volumes.data.path}/app.db"),
        ("flask\nflask-sqlalchemy\npsycopg2\n", "your database url", "${stores.db.url}"),
        ("flask\n", "your database url", None),
        ("flask\nflask-sqlalchemy\n", "sqlite:///own.db", "sqlite:///${volumes.data.path}/own.db"),
    ],
)
def test_a_database_that_no_package_speaks_to_is_a_file(listed, example, address):
    code = 'import os\nfrom flask import Flask\napp = Flask("a")\nURI = os.getenv("DATABASE_URI")\n'
    files = {
        "app.py": code,
        "requirements.txt": listed,
        ".env.example": f"DATABASE_URI={example}\n",
    }
    (app,) = found_in(**files).services
    assert app.env.get("DATABASE_URI") == address


def test_packages_are_installed_by_the_list_that_an_image_installs():
    listed = {"requirements.txt": "fastapi\n", "app.py": API}
    image = "FROM python:3.12\nCOPY . .\nRUN pip install --upgrade pip && "
    image += "pip install {} requirements.txt\nCMD uvicorn app:app\n"
    (app,) = found_in(**listed, Dockerfile=image.format("--requirement")).services
    assert "-r requirements.txt && touch" in app.tasks["install"]
    locked = {"poetry.lock": "", "pyproject.toml": '[tool.poetry]\nname = "a"\n'}
    (app,) = found_in(**listed, **locked, Dockerfile=image.format("-r")).services
    assert app.run.startswith(".venv/bin/python ")
    (app,) = found_in(**listed, **locked).services
    assert app.run.startswith("poetry run ")


@pytest.mark.parametrize(
    ("python", "tool"),
    [
        ("3.11.3", ".venv/bin/python"),
        ("==3.12.1", ".venv/bin/python"),
        ("~3.8", ".venv/bin/python"),
        ("3.8.*", ".venv/bin/python"),
        ("^3.11", "poetry run"),
        ("^3.8", "poetry run"),
        ("3.11", "poetry run"),
        (">=3.8,<4.0", "poetry run"),
    ],
)
def test_a_lock_for_a_python_that_poetry_makes_nothing_for_is_installed_by_pip(python, tool):
    project = f'[tool.poetry.dependencies]\npython = "{python}"\n'
    files = {"app.py": API, "pyproject.toml": project, "poetry.lock": '[[package]]\nname = "a"\n'}
    (app,) = found_in(**files).services
    assert app.run.startswith(tool)
    assert ("--no-deps -r .venv/locked.txt" in app.tasks["install"]) == (tool != "poetry run")


@pytest.mark.parametrize(
    ("inside", "imports", "root"),
    [
        ("views.py", "from shop.models import A\nfrom views import B\n", "shop"),
        ("views.py", "from shop.views import B\n", None),
        ("views.py", "from views import B\n", None),
        ("logging.py", "from shop.models import A\nimport logging\n", None),
        ("requests.py", "from shop.models import A\nfrom requests import get\n", None),
        ("uvicorn.py", "from shop.models import A\nimport uvicorn\n", None),
    ],
)
def test_code_that_imports_with_and_without_its_folder_finds_both(inside, imports, root):
    files = {
        "requirements.txt": "fastapi\nuvicorn\n",
        "shop/__init__.py": "",
        "shop/models.py": "A = 1\n",
        f"shop/{inside}": "B = 1\n",
        "shop/main.py": imports + API,
    }
    (app,) = found_in(**files).services
    assert app.env.get("PYTHONPATH") == root


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("pyamqp://guest@mq:5672", "${broker.url}"),
        ("amqp://a:b@mq:5672/orders", "${broker.url}"),
        ("amqp://a:b@mq:5672/%2f", "${broker.url}"),
        ("http://mq:15672/orders", "http://mq:15672/orders"),
    ],
)
def test_an_address_of_the_broker_is_its_own_whatever_names_it(address, expected):
    compose = "services:\n  web:\n    build: .\n    environment:\n"
    compose += f"      JOBS: {address}\n      RABBITMQ_MANAGEMENT_URL: {address}\n"
    compose += "      RABBITMQ_VHOST: orders\n  mq: {image: rabbitmq}\n"
    code = {"app.py": FLASK["app.py"] + 'import os\nos.environ["RABBITMQ_VHOST"]\n'}
    files = {**FLASK, **code, "compose.yml": compose}
    found = survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"})
    (web,) = found.services
    assert web.env["JOBS"] == web.env["RABBITMQ_MANAGEMENT_URL"] == expected
    assert web.env["RABBITMQ_VHOST"] == ("/" if expected.startswith("$") else "orders")


PARTS = "    db_host: str = 'db'\n    db_user: str = 'a'\n    db_password: str = 'b'\n"


@pytest.mark.parametrize(
    ("parts", "address"),
    [(f"{PARTS}    db_name: str = 'c'\n", None), ("", "${stores.db.url}")],
)
def test_an_address_that_is_made_of_its_parts_is_not_given_beside_them(parts, address):
    code = f"class Settings(BaseSettings):\n    database_url: str | None = None\n{parts}"
    files = {"requirements.txt": "fastapi\nasyncpg\n", "app.py": API + code}
    compose = "services:\n  web: {build: .}\n  db: {image: postgres}\n"
    image = "FROM python:3.12\nCOPY . .\nCMD uvicorn app:app\n"
    (app,) = found_in(**files, Dockerfile=image, **{"compose.yml": compose}).services
    assert app.env.get("DATABASE_URL") == address


def test_a_text_within_a_settings_class_is_not_a_field_of_it():
    code = (
        'class Settings(BaseSettings):\n\n    own_name: str\n\n    def said(self):\n        """\n'
    )
    code += '        Ref: https://example.com\n        """\n'
    (app,) = found_in(**{"requirements.txt": REQUIREMENTS, "app.py": API + code}).services
    assert (app.env["OWN_NAME"], app.missing) == ("own-name", {})


@pytest.mark.parametrize(
    ("day", "minor"),
    [("2021-09-08", 9), ("2020-09-30", 8), ("2018-01-01", 8), ("2024-12-01", 12), ("", 0)],
)
def test_packages_of_a_day_are_for_the_python_of_that_day(day, minor):
    assert python_of(day) == minor


def test_a_program_that_a_listed_package_brings_is_found_in_the_lock():
    files = {
        "app.py": API,
        "pyproject.toml": '[project]\nname = "a"\ndependencies = ["fastapi", "dramatiq-pg"]\n',
        "uv.lock": '[[package]]\nname = "dramatiq"\nversion = "1"\n',
        "Dockerfile": "FROM python:3.12\nCOPY . .\nRUN uv sync\nCMD uvicorn app:app\n",
        "compose.yml": "services:\n  worker: {build: ., command: dramatiq jobs}\n",
    }
    (worker,) = found_in(**files).services
    assert worker.run == "uv run dramatiq jobs"


DJANGO = {
    "requirements.txt": "django\npython-decouple\npsycopg2\n",
    "manage.py": "import django.core.management\n",
    "shop/settings.py": "from decouple import config\nDEBUG = config('DEBUG')\n"
    "ALLOWED_HOSTS = [config('ALLOWED_HOSTS')]\n"
    "DATABASES = {'default': {'ENGINE': config('DB_ENGINE'), 'HOST': config('DB_HOST')}}\n",
}


@pytest.mark.parametrize(
    ("listed", "engine"), [("psycopg2", "postgresql"), ("mysqlclient", "mysql"), ("", "sqlite3")]
)
def test_settings_that_django_insists_on_are_those_for_work(listed, engine):
    lists = {"requirements.txt": f"django\npython-decouple\n{listed}\n"}
    (app,) = found_in(**{**DJANGO, **lists}).services
    assert app.env["DB_ENGINE"] == f"django.db.backends.{engine}"
    assert (app.env["DEBUG"], app.env["ALLOWED_HOSTS"]) == ("true", "*")
    (app,) = found_in(**DJANGO, **{".env.example": "DEBUG=1\nALLOWED_HOSTS=localhost\n"}).services
    assert (app.env["DEBUG"], app.env["ALLOWED_HOSTS"]) == ("1", "localhost")


GO = 'package main\nimport "github.com/redis/go-redis"\nvar place = '


@pytest.mark.parametrize(
    ("code", "port"),
    [
        ('"127.0.0.1:6379"', 6379),
        ('*flag.String("redis", "localhost:6379", "where")', 6379),
        ('env("QUEUE", "localhost:6379")', None),
    ],
)
def test_a_place_that_no_variable_changes_is_where_its_server_answers(code, port):
    files = {"go.mod": "module a\nrequire github.com/redis/go-redis v9\n"}
    main = f"{GO}{code}\nfunc main() {{ work(place); select {{}} }}\n"
    stores = found_in(**files, **{"main.go": main}).stores
    assert [store.known.port for store in stores if store.known] == [port] * bool(port)


def test_settings_of_flask_by_their_names_say_where_a_server_is():
    code = "app.config[\"REDIS_HOST\"] = 'localhost'\napp.config['REDIS_PORT'] = '6379'\n"
    files = {"requirements.txt": "flask\nredis\n", "app.py": FLASK["app.py"] + code}
    (store,) = found_in(**files).stores
    assert (store.kind, store.known.port) == ("redis", 6379)


@pytest.mark.parametrize(("count", "line", "again"), [(25, "==1", 1), (25, "", 0), (5, "==1", 0)])
def test_a_list_of_all_that_was_installed_is_taken_as_it_is_where_it_does_not_fit(
    count, line, again
):
    listed = "fastapi==0.9\n" + "".join(f"package{at}{line}\n" for at in range(count))
    (app,) = found_in(**{"requirements.txt": listed, "app.py": API}).services
    assert app.tasks["install"].count("--no-deps -r requirements.txt") == again


LOCK = '[[package]]\nname = "flask"\noptional = false\nversion = "{}"\n'


@pytest.mark.parametrize(
    ("files", "is_old"),
    [
        ({"requirements.txt": "flask==1.1.2\n"}, True),
        ({"requirements.txt": "Flask==2.1.3\n"}, True),
        ({"requirements.txt": "flask==2.2.0\n"}, False),
        ({"requirements.txt": "flask\nflask-sqlalchemy==2.1\n"}, False),
        ({"poetry.lock": LOCK.format("1.1.2")}, True),
        ({"poetry.lock": LOCK.format("3.0.1")}, False),
    ],
)
def test_an_old_flask_is_told_its_app_by_a_variable(files, is_old):
    (app,) = found_in(**files, **{"app.py": FLASK["app.py"]}).services
    assert app.env.get("FLASK_APP") == ("app:app" if is_old else None)
    assert ("--app" in app.run) != is_old
