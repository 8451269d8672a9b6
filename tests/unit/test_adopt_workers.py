"""Workers beside a Python service, files of variables, and a program's own prefix."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

FLASK = "from flask import Flask\napp = Flask(__name__)\n"
CELERY = """
    import os
    from celery import Celery
    celery = Celery("proj", broker=os.environ.get("CELERY_BROKER_URL", "redis://localhost:6379/0"))
    """


def runs(found):
    return {service.name: service.run.partition("python ")[2] for service in found.services}


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        (
            {"proj/celery_app.py": CELERY},
            {"worker": "-m celery -A proj.celery_app:celery worker --loglevel info"},
        ),
        (
            {
                "proj/celery.py": 'app = Celery("proj")\n',
                "proj/settings.py": "CELERY_BEAT_SCHEDULE = {}\n",
            },
            {
                "worker": "-m celery -A proj.celery:app worker --loglevel info",
                "beat": "-m celery -A proj.celery:app beat --loglevel info",
            },
        ),
        (
            {"src/shop/jobs.py": 'jobs: Celery = Celery("shop")\n'},
            {"worker": "-m celery -A shop.jobs:jobs --workdir src worker --loglevel info"},
        ),
        (
            {"make_celery.py": 'celery_app = flask_app.extensions["celery"]\n'},
            {"worker": "-m celery -A make_celery:celery_app worker --loglevel info"},
        ),
        (
            {"app/tasks.py": "import arq\n\nclass WorkerSettings:\n    functions = [mail]\n"},
            {"worker": "-m arq app.tasks.WorkerSettings"},
        ),
        (
            {
                "mails.py": "import dramatiq\n\n@dramatiq.actor\ndef mail(): ...\n",
                "bills.py": "from dramatiq import actor\n\n@actor\ndef bill(): ...\n",
            },
            {"worker": "-m dramatiq bills mails"},
        ),
        ({"notes.py": "def plain(): ...\n"}, {}),
        ({"tests/test_jobs.py": 'app = Celery("x")\n'}, {}),
    ],
)
def test_what_takes_jobs_is_a_service_beside_the_program(files, wanted):
    found = found_in(**{"requirements.txt": "flask\ncelery\nredis\n", "app.py": FLASK, **files})
    app = {"app": "-m flask --app app:app run --port $PORT"}
    assert runs(found) == {**app, **wanted}
    assert system_of(found)


def test_a_worker_waits_for_the_packages_that_the_program_installs_and_has_its_stores():
    found = found_in(
        **{"requirements.txt": "flask\ncelery[redis]\n", "app.py": FLASK, "jobs.py": CELERY}
    )
    app, worker = found.services
    assert worker.tasks["install"].startswith("until test -e .venv/.installed")
    assert "pip install" in app.tasks["install"]
    assert worker.env == {"CELERY_BROKER_URL": "${stores.cache.url}"}


def test_a_project_that_is_a_worker_alone_has_no_second_program():
    found = found_in(**{"requirements.txt": "celery\nredis\n", "worker.py": CELERY})
    assert runs(found) == {"worker": "-m celery -A worker:celery worker --loglevel info"}


def test_the_container_of_the_program_still_says_how_that_starts():
    found = found_in(
        **{
            "requirements.txt": "flask\ncelery\ngunicorn\n",
            "app.py": FLASK,
            "jobs.py": CELERY,
            "Dockerfile": 'FROM python:3.12\nCOPY . .\nCMD ["gunicorn", "app:app", "-w", "3"]\n',
        }
    )
    assert runs(found)["app"] == "-m gunicorn app:app -w 3 -b 127.0.0.1:$PORT"
    assert "worker" in runs(found)


def test_the_parts_of_an_address_are_known_behind_a_programs_own_prefix():
    found = found_in(
        **{
            "requirements.txt": "fastapi\npydantic-settings\nasyncpg\n",
            "main.py": """
                from fastapi import FastAPI
                from pydantic_settings import BaseSettings, SettingsConfigDict

                class Settings(BaseSettings):
                    model_config = SettingsConfigDict(env_prefix="APP_")
                    postgres_host: str = "localhost"
                    postgres_port: int = 5432
                    postgres_user: str = "app"
                    postgres_password: str = "app"
                    postgres_db: str = "app"

                app = FastAPI()
                """,
        }
    )
    (service,) = found.services
    assert service.env == {
        "APP_POSTGRES_HOST": "${stores.db.host}",
        "APP_POSTGRES_PORT": "${stores.db.port}",
        "APP_POSTGRES_USER": "${stores.db.user}",
        "APP_POSTGRES_PASSWORD": "${stores.db.password}",
        "APP_POSTGRES_DB": "${stores.db.database}",
    }


GO = """
    package main
    import "github.com/joho/godotenv"
    func main() {
        if err := godotenv.Load(); err != nil { log.Fatal("Error loading .env file") }
        http.ListenAndServe(":"+os.Getenv("PORT"), nil)
    }
    """


def test_the_example_of_a_file_of_variables_is_copied_where_a_program_wants_the_file():
    module = {"go.mod": "module example.com/notes\n", "main.go": GO}
    example = {".env.example": "PORT=8085\n"}
    found = found_in(**module, **example)
    (service,) = found.services
    assert service.tasks == {"dotenv": "test -e .env || cp .env.example .env"}
    assert service.ports == {"http": 8085}
    assert "        here: true" in text_of(found)
    assert found_in(**module, **{".env": "PORT=8085\n"}).services[0].tasks == {}
    (alone,) = found_in(**module).services
    assert alone.tasks == {"dotenv": "test -e .env || touch .env"}
    goes_on = {**module, "main.go": GO.replace("log.Fatal", "log.Print")}
    assert found_in(**goes_on).services[0].tasks == {}


def test_a_script_that_an_image_copies_under_another_name_is_read():
    compose = """
        services:
          web: {build: {context: ., dockerfile: compose/flask/Dockerfile}, command: /start}
          jobs: {build: {context: ., dockerfile: compose/flask/Dockerfile}, command: /start-jobs}
          beat: {build: {context: ., dockerfile: compose/flask/Dockerfile}, command: /start-beat}
        """
    found = found_in(
        **{
            "compose.yaml": compose,
            "requirements.txt": "flask\ncelery\nwatchfiles\n",
            "app.py": FLASK,
            "compose/flask/Dockerfile": (
                "FROM python:3.12\nCOPY ./compose/flask/start /start\n"
                "COPY compose/flask/jobs /start-jobs\nCOPY compose/flask/beat /start-beat\n"
                'ENTRYPOINT ["/entrypoint"]\n'
            ),
            "compose/flask/start": "#!/bin/bash\nset -o errexit\nflask db upgrade\npython app.py\n",
            "compose/flask/jobs": (
                "watchfiles \\\n  --filter python \\\n  'celery -A app.celery worker -l info'\n"
            ),
            "compose/flask/beat": (
                "rm -f './celerybeat.pid'\n"
                "exec watchfiles --filter python celery.__main__.main --args '-A app beat'\n"
            ),
        }
    )
    assert runs(found) == {
        "web": "app.py",
        "jobs": "-m celery -A app.celery worker -l info",
        "beat": "-m celery -A app beat",
    }
    prepare = "PATH=.venv/bin:$PATH python -m flask db upgrade"
    assert found.services[0].tasks["prepare"] == prepare


def test_a_file_of_viper_is_overridden_where_a_store_is_and_believed_otherwise():
    code = """
        package main
        import "github.com/spf13/viper"
        type Config struct {
            Host string `mapstructure:"POSTGRES_HOST"`
            Port string `mapstructure:"POSTGRES_PORT"`
            Key  string `mapstructure:"ACCESS_TOKEN_PRIVATE_KEY"`
        }
        func main() {}
        """
    files = {
        "go.mod": "module x.dev/x\nrequire github.com/lib/pq v1\n",
        "go.sum": "github.com/lib/pq v1 h1:a\n",
        "main.go": code,
        "example.env": "ACCESS_TOKEN_PRIVATE_KEY=LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVk\n",
    }
    (service,) = found_in(**files).services
    assert set(service.env) == {"POSTGRES_HOST", "POSTGRES_PORT"}
    assert (service.secrets, service.optional) == ((), ("ACCESS_TOKEN_PRIVATE_KEY",))


def test_an_example_may_be_named_with_a_dash():
    compose = "services: {web: {build: ., env_file: [.env.dev], command: python app.py}}\n"
    files = {"compose.yaml": compose, ".env.dev-sample": "GREETING=hello\n", "app.py": FLASK}
    (service,) = found_in(**files, Dockerfile="FROM python:3.12\n").services
    assert service.env == {"GREETING": "hello"}


def test_a_setting_that_a_call_asks_for_has_the_default_of_the_call():
    code = """
        from pydantic_settings import BaseSettings
        from starlette.config import Config

        config = Config(".env")

        class Settings(BaseSettings):
            SECRET_KEY: str = config("SECRET_KEY", cast=str)
            TITLE: str = config("TITLE", default="notes")
        """
    (service,) = found_in(**{"requirements.txt": "flask\n", "app.py": FLASK, "s.py": code}).services
    assert (service.secrets, service.optional) == (("SECRET_KEY",), ("TITLE",))


def test_an_example_may_say_that_it_is_to_be_renamed():
    module = {"go.mod": "module example.com/notes\n", "main.go": GO}
    (service,) = found_in(**module, **{".env_rename_me": "PORT=9000\n"}).services
    assert service.tasks == {"dotenv": "test -e .env || cp .env_rename_me .env"}
    assert service.ports == {"http": 9000}


def test_a_host_whose_example_has_a_port_is_given_both_and_a_mode_of_encryption_none():
    code = """
        package main
        func main() {
            redis.NewClient(os.Getenv("REDIS_HOST"))
            sql.Open("postgres", os.Getenv("DB_HOST") + os.Getenv("DB_PORT"))
            os.Getenv("DB_SSLMODE")
        }
        """
    files = {
        "go.mod": "module x.dev/x\nrequire github.com/lib/pq v1\nrequire x.dev/redis/redis v9\n",
        "go.sum": "github.com/lib/pq v1 h1:a\nx.dev/redis/redis v9 h1:a\n",
        "main.go": code,
        ".env.example": "REDIS_HOST=127.0.0.1:6379\nDB_HOST=localhost\nDB_SSLMODE=require\n",
    }
    (service,) = found_in(**files).services
    assert service.env == {
        "REDIS_HOST": "${stores.cache.address}",
        "DB_HOST": "${stores.db.host}",
        "DB_PORT": "${stores.db.port}",
        "DB_SSLMODE": "disable",
    }


def test_a_cache_asks_for_no_password_where_one_program_uses_it_with_a_url_and_without():
    code = """
        CACHE = os.environ["REDIS_CACHE_URL"]
        QUEUE = (os.environ["REDIS_QUEUE_HOST"], os.environ["REDIS_QUEUE_PORT"])
        """
    found = found_in(**{"requirements.txt": "flask\nredis\n", "app.py": FLASK, "queue.py": code})
    (store,) = found.stores
    assert store.passwordless
