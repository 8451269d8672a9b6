"""What a thirtieth round of repositories has taught of variables and of databases."""

from __future__ import annotations

import re

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in

from tarmac.adopt.survey.survey import survey

API = "from fastapi import FastAPI\napp = FastAPI()\n"
HERE = "http://localhost"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("DB_NAME", "the-shop", "${stores.db.database}"),
        ("DATABASE_NAME", "the-shop", "${stores.db.database}"),
        ("DB_NAME", "other", "other"),
        ("PLACE", "the-shop", "the-shop"),
    ],
)
def test_a_database_that_is_named_apart_from_its_address_is_the_stores(name, value, expected):
    compose = f"""
        services:
          api:
            build: .
            environment: {{DB_DSN: "me:pw@tcp(db:3306)", {name}: {value}}}
          db:
            image: mysql:8
            environment: {{MYSQL_DATABASE: the-shop, MYSQL_USER: me, MYSQL_PASSWORD: pw}}
    """
    files = {"compose.yml": compose, "go.mod": "module shop\n", "main.go": "package main\n"}
    image = "FROM golang:1.22\nWORKDIR /app\nCOPY . .\nCMD go run .\n"
    (api,) = found_in(**files, Dockerfile=image).services
    assert api.env["DB_DSN"].endswith("@tcp(${stores.db.address})")
    assert api.env[name] == expected


SETTINGS = """
queue: {url: "nats://queue:4222"}
postgres: {host: PLACE, port: 5436, user: me, password: secret, name: shop}
"""


@pytest.mark.parametrize(
    ("image", "path"),
    [
        ("golang:1.22", "settings/config.yaml"),
        ("alpine:3", "/go/settings/config.yaml"),
    ],
)
@pytest.mark.parametrize("place", ["host.docker.internal", "host.containers.internal"])
def test_a_container_of_go_reads_its_settings_from_where_its_image_works(image, path, place):
    compose = """
        services:
          api:
            build: .
            environment: {CONFIG_PATH: /go/settings/config.yaml}
          db:
            image: postgres:16
            ports: ["5436:5432"]
            environment: {POSTGRES_USER: me, POSTGRES_PASSWORD: secret, POSTGRES_DB: shop}
    """
    files = {
        "compose.yml": compose,
        "Dockerfile": f"FROM {image}\nCOPY ./ ./\nCMD go run .\n",
        "go.mod": "module shop\nrequire github.com/lib/pq v1.10.9\n",
        "main.go": "package main\nfunc main() {}\n",
        "settings/config.yaml": SETTINGS.replace("PLACE", place),
    }
    found = survey(folder_of(files), CATALOGUE, KINDS)
    (api,) = found.services
    assert api.env["CONFIG_PATH"] == path
    (db,) = found.stores
    assert db.known is not None
    assert (db.known.port, db.known.login) == (5436, ("me", "secret"))
    assert found.hosts, "that name has to lead to this machine"


@pytest.mark.parametrize(
    ("line", "more", "expected"),
    [
        ('CSRF_TRUSTED_ORIGINS = config("CSRF_TRUSTED_ORIGINS", "").split(",")', "", HERE),
        ('CSRF_TRUSTED_ORIGINS = config("CSRF_TRUSTED_ORIGINS").split(",")', "", HERE),
        ('X = config("CSRF_TRUSTED_ORIGINS", "http://a.example")', "", None),
        ('X = config("CSRF_TRUSTED_ORIGINS")', "CSRF_TRUSTED_ORIGINS=http://b.example", "b.ex"),
        ('EMAIL_HOST_USER = config("EMAIL_HOST_USER")', "", ""),
        ('DEFAULT_FROM_EMAIL = config("DEFAULT_FROM_EMAIL")', "", "webmaster@localhost"),
        ('TIME_ZONE = os.environ["DJANGO_TIME_ZONE"]', "", "UTC"),
        ('TIME_ZONE = os.environ["TIME_ZONE"]', "TIME_ZONE=Asia/Tokyo", "Asia/Tokyo"),
        ('EMAIL_HOST_USER = config("EMAIL_HOST_USER", "me")', "", None),
    ],
)
def test_settings_of_django_are_as_by_itself_where_code_insists_on_them(line, more, expected):
    files = {
        "requirements.txt": "django\npython-decouple\n",
        "manage.py": "import django\n",
        "shop/settings.py": f"import os\nfrom decouple import config\n{line}\n",
        **({".env.example": f"{more}\n"} if more else {}),
    }
    (web,) = found_in(**files).services
    name = re.search(r"\w+(?=\"[\],)])", line)[0]
    said = web.env.get(name)
    assert said == expected or (expected and expected in said)


@pytest.mark.parametrize(("own", "said"), [("", "${stores.db.database}"), ("shop", "the_shop")])
def test_a_database_that_a_readme_names_is_the_one_of_its_server(own, said):
    files = {
        "compose.yml": f"""
            services:
              web: {{build: ., env_file: .env, ports: ["8000:8000"]}}
              db: {{image: "postgres:16", environment: {{POSTGRES_DB: "{own}"}}}}
        """,
        "README.md": """
            Write a file `.env`:
            ```
            POSTGRES_DB=the_shop
            POSTGRES_USER=postgres
            POSTGRES_PASSWORD=postgres
            ```
        """,
        "Dockerfile": FLASK["Dockerfile"],
        "requirements.txt": "flask\npsycopg2\n",
        "app.py": f"import os\n{FLASK['app.py']}NAME = os.environ['POSTGRES_DB']\n",
    }
    (web,) = found_in(**files).services
    assert web.env["POSTGRES_DB"] == said


@pytest.mark.parametrize(
    ("ignored", "more", "apps"),
    [
        ("*/migrations/", {}, "makemigrations --noinput shop &&"),
        ("*migrations/", {}, "makemigrations --noinput shop &&"),
        ("**/migrations/*.py", {}, "makemigrations --noinput shop &&"),
        ("migrations", {"shop/migrations/0001_initial.py": ""}, ""),
        ("# migrations", {}, ""),
        ("*.pyc", {}, ""),
    ],
)
def test_steps_of_django_that_git_ignores_are_written_before_they_are_carried_out(
    ignored, more, apps
):
    files = {
        ".gitignore": f"*.log\n{ignored}\n",
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
        "shop/models.py": "from django.db import models\nclass A(models.Model):\n    pass\n",
        "plain/models.py": "from django.db import models\n",
        **more,
    }
    (web,) = found_in(**files).services
    line = web.tasks["migrate"]
    assert line.endswith("python manage.py migrate --noinput")
    assert apps in line
    assert ("makemigrations" in line) is bool(apps)


@pytest.mark.parametrize(
    ("field", "example", "value"),
    [
        ("MAIL_FROM: str", "MAIL_FROM=", "noreply@example.com"),
        ("MAIL_PORT: int", "MAIL_PORT=", "0"),
        ("MAIL_TLS: bool", "MAIL_TLS=", "false"),
        ("SHOP_NAME: str", "SHOP_NAME=", ""),
        ("SHOP_NAME: str", "OTHER=1", "shop-name"),
        ("SHOP_NAME: str = 'a'", "SHOP_NAME=", None),
        ("REDIS_URL: str", "REDIS_URL=", "${stores.cache.url}"),
    ],
)
def test_what_an_example_leaves_empty_is_given_to_settings_that_insist_on_it(field, example, value):
    files = {
        "requirements.txt": "fastapi\nredis\npydantic-settings\n",
        "app.py": f"{API}class Settings(BaseSettings):\n    {field}\n",
        ".env.example": f"{example}\n",
    }
    (app,) = found_in(**files).services
    assert app.env.get(field.partition(":")[0]) == value


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("config/.env", "test -e config/.env || (mkdir -p config && touch config/.env)"),
        (".env", "test -e .env || touch .env"),
    ],
)
def test_the_file_that_decouple_reads_is_there_and_its_reader_is_known(path, line):
    code = """
        from decouple import Config, RepositoryEnv
        read = Config(RepositoryEnv(BASE / "PATH"))
        HOST = read("POSTGRES_HOST")
        MODE = read("SHOP_MODE")
    """
    files = {
        "requirements.txt": "django\npython-decouple\npsycopg2\n",
        "manage.py": "import django\n",
        "shop/settings.py": code.replace("PATH", path),
    }
    (web,) = found_in(**files).services
    assert web.tasks["dotenv"] == line
    assert web.env["POSTGRES_HOST"].startswith(("${stores.", "db"))
    assert web.env["SHOP_MODE"] == "development"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DB_PASSWORD", "", "${stores.db.password}"),
        ("DB_PASSWORD", "own", None),
        ("MAIL_PASSWORD", "", None),
    ],
)
def test_a_password_that_an_example_leaves_empty_is_that_of_the_one_database(name, value, said):
    files = {
        "compose.yml": """
            services:
              web: {build: ., env_file: .env, ports: ["8000:8000"]}
              db: {image: "postgres:16"}
        """,
        ".env.example": f"{name}={value}\n",
        "Dockerfile": FLASK["Dockerfile"],
        "requirements.txt": "flask\npsycopg2\n",
        "app.py": f"import os\n{FLASK['app.py']}WORD = os.environ['{name}']\n",
    }
    (web,) = found_in(**files).services
    assert web.env.get(name) == said
    assert (name in web.secrets) is (said is None)


def test_a_container_is_given_a_number_where_its_file_of_variables_leaves_it_empty():
    files = {
        "compose.yml": "services: {app: {build: ., env_file: .env}}",
        "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD uvicorn app:app\n",
        "requirements.txt": "fastapi\npydantic-settings\n",
        "app.py": f"{API}class Settings(BaseSettings):\n    MAIL_PORT: int\n    MAIL_NAME: str\n",
        ".env.example": "MAIL_PORT=\nMAIL_NAME=\n",
    }
    (app,) = found_in(**files).services
    assert (app.env["MAIL_PORT"], app.env["MAIL_NAME"]) == ("0", "")
