"""What a nineteenth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, folder_of, found_in, runs, system_of

from tarmac.adopt.containers.container import plain, script_of, unwatched
from tarmac.adopt.survey.found import Service
from tarmac.adopt.survey.listening import listening
from tarmac.adopt.variables import code, code_ports, dotenv_files

PYTHON = "FROM python:3.12\nWORKDIR /app\nCOPY . .\n"


def named(found):
    return {service.name: service for service in found.services}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "alembic upgrade head || (echo 'no' && exit 1); flask run",
            "alembic upgrade head && flask run",
        ),
        ("\nalembic upgrade head || exit 1;\nflask run\n", "alembic upgrade head && flask run"),
        ("flask db upgrade || { echo no; exit 2; }\nflask run", "flask db upgrade && flask run"),
        ("flask run || exit 1", "flask run"),
        ("sleep 5 && flask run", "sleep 5 && flask run"),
        (
            'if [ "$DEBUG" = "1" ]; then L=DEBUG; else L=INFO; fi; celery -A a worker -l $L',
            "celery -A a worker -l INFO",
        ),
    ],
)
def test_a_line_goes_on_where_a_command_before_may_end_it_or_choose_a_value(text, line):
    assert " ".join(plain(("sh", "-c", text))) == line


def test_a_script_fills_in_what_it_sets_and_where_it_lies():
    script = """
        SCRIPT=$(readlink -f "$0")
        HERE=$(dirname "$SCRIPT")
        LEVEL=${LOG_LEVEL:-INFO}
        QUEUE=${WORKER_QUEUE:=celery}
        export WORKERS=${WORKERS:-4}
        mkdir -p data
        exec uwsgi --ini ${HERE}/uwsgi.ini --level $LEVEL -Q $QUEUE --port $PORT
        """
    folder = folder_of({"bin/start.sh": script})
    before, line = script_of(("/start.sh",), folder, {}, {"LOG_LEVEL": "DEBUG"})
    assert " ".join(line) == "uwsgi --ini bin/uwsgi.ini --level DEBUG -Q celery --port $PORT"
    assert before == ("export WORKERS=${WORKERS:-4}", "mkdir -p data")


def test_what_a_script_exports_is_its_programs():
    files = FLASK | {
        "start.sh": "export LEVEL=${LOG:-info}\nmkdir -p data\nexec flask run\n",
        "Dockerfile": PYTHON + 'CMD ["./start.sh"]\n',
        "compose.yaml": "services: {web: {build: ., ports: [5000]}}",
    }
    service = found_in(**files).services[0]
    assert service.env["LEVEL"] == "info"
    assert service.tasks["prepare"] == "mkdir -p data"


def test_the_folder_of_a_file_that_another_program_runs_is_the_working_folder():
    files = {
        "compose.yaml": "services: {crawler: {build: {context: ., dockerfile: docker/Dockerfile}}}",
        "docker/Dockerfile": "FROM python:3.12\nWORKDIR /usr/src/app\nCOPY crawler /usr/src/app\n"
        "CMD scrapy runspider spiders/link.py\n",
        "crawler/spiders/link.py": "import scrapy\n",
        "crawler/requirements.txt": "scrapy\n",
        "setup.py": "scrapy = 1\n",
    }
    service = found_in(**files).services[0]
    assert (service.folder, service.run) == (
        "crawler",
        ".venv/bin/scrapy runspider spiders/link.py",
    )


def test_a_file_of_a_package_is_started_from_its_projects_folder():
    files = {
        "compose.yaml": "services: {shop: {build: {context: ., dockerfile: shop/Dockerfile},"
        " command: '--reload', ports: [50051]}}",
        "shop/Dockerfile": "FROM python:3.12\nCOPY shop/requirements.txt /tmp/requirements.txt\n"
        "RUN pip install -r /tmp/requirements.txt\nCOPY shop/src/ /service/src/\n"
        "RUN pip install -e /service/src\nWORKDIR /service/src/shop/entry\n"
        'ENTRYPOINT ["python", "server.py"]\n',
        "shop/requirements.txt": "grpcio\n",
        "shop/src/setup.py": "from setuptools import setup\n",
        "shop/src/shop/entry/__init__.py": "",
        "shop/src/shop/entry/server.py": "from shop import model\nmodel.serve_forever()\n",
    }
    service = found_in(**files).services[0]
    assert service.folder == "shop"
    assert service.run.startswith(".venv/bin/python src/shop/entry/server.py")
    assert "-r requirements.txt -e src" in service.tasks["install"]


def test_a_value_of_a_file_that_names_itself_is_its_default():
    assert dotenv_files.resolved({"A": "${A:-b}", "B": "${A}c"}) == {"A": "b", "B": "bc"}


def test_variables_of_a_file_that_git_does_not_keep_are_those_of_the_example_beside_it():
    compose = """
    services:
      web: {build: ., env_file: shop.env, ports: [5000]}
      shop-db: {image: "postgres:16", env_file: shop.env}
    """
    example = "DB_HOST=${DB_HOST:-shop-db}\nDB_PASSWORD=${DB_PASSWORD:-pw}\nLEVEL=${LEVEL:-low}\n"
    app = "import os\nfrom flask import Flask\napp = Flask(__name__)\nos.environ['DB_HOST']\n"
    files = FLASK | {"compose.yaml": compose, "example.env": example, "app.py": app}
    env = found_in(**files).services[0].env
    assert env["LEVEL"] == "low"
    assert "shop-db" in env["DB_HOST"]


def test_a_debugger_of_python_is_taken_off():
    line = ("python", "-m", "debugpy", "--listen", "0.0.0.0:5678", "-m", "uvicorn", "app:app")
    assert " ".join(unwatched(line, folder_of({}))) == "python -m uvicorn app:app"


def test_pages_of_a_folder_behind_a_web_server_are_the_program_of_that_folder():
    files = {
        "compose.yaml": "services: {pages: {build: {context: ., dockerfile: docker/Pages}}}",
        "docker/Pages": "FROM node:22 AS base\nWORKDIR /app\nCOPY ./front/package.json ./\n"
        "FROM base AS build\nCOPY ./front .\nRUN yarn build\n"
        "FROM nginx:alpine\nCOPY --from=build /app/build /usr/share/nginx/html\n"
        'CMD ["nginx", "-g", "daemon off;"]\n',
        "front/package.json": '{"scripts": {"start": "react-scripts start"}}',
        "front/src/index.js": "",
        "manage.py": "import django\n",
    }
    service = named(found_in(**files))["pages"]
    assert (service.folder, "start" in service.run) == ("front", True)


@pytest.mark.parametrize(
    ("name", "value", "is_secret"),
    [
        ("API_KEY_USAGE_MAX_ENTRIES", "10000", False),
        ("PASSWORD_HISTORY", "true", False),
        ("DB_PASSWORD", "123456", True),
        ("API_KEY_USAGE", "s3cr", True),
    ],
)
def test_a_number_about_secrets_is_none(name, value, is_secret):
    assert dotenv_files.is_secret(name, value) is is_secret


def test_a_model_that_is_filled_with_the_variables_reads_them():
    text = """
        from os import environ as env
        class Broker(BaseModel):
            user: str = Field(alias='RABBIT_USERNAME')
            host: str = Field('localhost', alias='RABBIT_HOST')
            path: str = Field(alias='VHOST', default='main')
        class Shop(BaseModel):
            name: str
        broker = Broker(**env)
        """
    reads = code.variables(folder_of({"config.py": text}))
    defaults = {name: read.default for name, read in reads.items()}
    assert defaults == {"RABBIT_USERNAME": None, "RABBIT_HOST": "localhost", "VHOST": "main"}


def test_a_setting_that_reads_another_variable_is_none_of_its_own():
    text = """
        class Settings(BaseSettings):
            BASE_URL: str = os.getenv("SHOP_BASE_URL", "http://127.0.0.1:5000/").rstrip("/")
            LEVEL: str = "low"
        """
    reads = code.variables(folder_of({"config.py": text}))
    assert {*reads} == {"SHOP_BASE_URL", "LEVEL"}


def test_a_script_called_manage_py_need_not_be_djangos():
    files = {
        "pyproject.toml": "[project]\nname='shop'\ndependencies=['litestar']\n",
        "manage.py": '"""As usual in Django."""\nfrom app.__main__ import run\n',
        "src/py/app/__init__.py": "",
        "src/py/app/asgi.py": "from litestar import Litestar\ndef create_app() -> Litestar: ...\n",
        "tools/deploy/docker/compose.yaml": "services: {cache: {image: 'redis:7'}}",
    }
    found = found_in(**files)
    line = "-m uvicorn --factory app.asgi:create_app --app-dir src/py --host 127.0.0.1 --port $PORT"
    assert found.services[0].run.endswith(line)
    assert [store.kind for store in found.stores] == ["redis"]


@pytest.mark.parametrize(
    "line",
    [
        "python -m celery -A app worker -l info",
        "celery --workdir src -A app beat",
        "arq app.Settings",
        "python manage.py rundramatiq -p4",
        "faststream run app:amqp",
    ],
)
def test_what_takes_jobs_from_a_queue_listens_nowhere(line):
    folder = folder_of({"app.py": "uvicorn.run(app, port=8080)\n"})
    service = Service("jobs", "", run=line, ports={"http": 8000})
    assert listening(service, folder, {}).ports == {}
    flower = Service("jobs", "", run="celery flower --port=$PORT", ports={"http": 5555})
    assert listening(flower, folder, {}).ports == {"http": 5555}


def test_a_port_of_another_image_of_the_repository_is_not_this_programs():
    files = {
        "Dockerfile": PYTHON,
        "app.py": "x = 1\n",
        "docker/mock/Dockerfile": PYTHON,
        "docker/mock/app.py": "app.run(port=8081)\n",
    }
    assert code_ports.literal_port(folder_of(files)) is None
    calls = {"app.py": "uvicorn.run(main(), host='0.0.0.0', port=8080)\n"}
    found = code_ports.literal_port(folder_of(calls))
    assert found is not None
    assert found[0] == 8080


def test_lists_of_packages_in_a_folder_say_which_programs_and_clients_there_are():
    compose = """
    services:
      web: {build: ., environment: [DB_HOST=db, DB_USER=shop]}
      db: {image: "postgres:16", environment: [POSTGRES_HOST_AUTH_METHOD=trust]}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": PYTHON + "CMD uwsgi --http :8000 --module shop.wsgi\n",
        "requirements/base.txt": "uwsgi==2.0.31\npsycopg2==2.9\n",
        "shop/wsgi.py": "import os\nos.getenv('DB_PASSWORD', 'shop')\nos.getenv('DB_PORT', 5432)\n",
    }
    service = found_in(**files).services[0]
    assert service.run == ".venv/bin/uwsgi --http 127.0.0.1:$PORT --module shop.wsgi"
    assert service.env["DB_PASSWORD"] == "${stores.db.password}"


@pytest.mark.parametrize("readme", ["https://github.com/acme/notes", "https://example.com"])
def test_a_released_image_is_the_one_that_the_root_makes_where_it_says_so(readme):
    files = {
        "compose.yaml": "services: {notes: {image: ghcr.io/acme/notes, ports: ['80:8000'],"
        " environment: [REDIS_URL=redis://cache]}, cache: {image: 'redis:7'}}",
        "README.md": readme,
        "Dockerfile": "FROM python:3.12\nWORKDIR /srv\nCOPY start.sh /start.sh\n"
        "COPY supervisord.conf /etc/supervisord.conf\nCOPY src ./\nEXPOSE 8000\nCMD /start.sh\n",
        "start.sh": "set -e\npython manage.py migrate\nchown -R a:a db\n"
        "exec supervisord -c /etc/supervisord.conf\n",
        "supervisord.conf": "[program:web]\ncommand=gunicorn --bind :8000 config.wsgi\n"
        '[program:jobs]\ncommand=bash -c \'if [ "$D" = "1" ]; then L=DEBUG; else L=INFO; fi;'
        " celery --app config worker -l $L'\n",
        "requirements.txt": "django\ncelery\ngunicorn\n",
        "src/manage.py": "import django\n",
        "src/config/__init__.py": "",
        "src/config/wsgi.py": "",
    }
    found = named(found_in(**files))
    if "acme" not in readme:
        assert "notes" not in found
        return
    assert found["notes-jobs"].run == ".venv/bin/python -m celery --app config worker -l INFO"
    assert {(one.folder, one.env["REDIS_URL"]) for one in found.values()} == {
        ("src", "${stores.cache.url}")
    }


def test_a_server_that_is_told_another_port_answers_there_as_its_containers_user():
    compose = """
    services:
      web: {build: ., environment: [DB_HOST=db, DB_PASSWORD=pw]}
      db:
        image: "postgres:16"
        command: -p 54321
        environment: [POSTGRES_USER=shop, POSTGRES_PASSWORD=pw]
    """
    app = "import os\nfrom flask import Flask\napp = Flask(__name__)\nos.getenv('DB_HOST')\n"
    app += "os.getenv('DB_PASSWORD')\n"
    files = FLASK | {
        "compose.yaml": compose,
        "app.py": app,
        "requirements.txt": "flask\npsycopg2\n",
    }
    local = system_of(found_in(**files)).file.stores["db"].local
    assert local is not None
    assert (local.port, local.user) == (54321, "shop")


def test_an_image_that_has_its_folder_as_a_package_starts_from_the_folder_above():
    files = {
        "posts/Dockerfile": "FROM python:3.12\nEXPOSE 4000\nWORKDIR /app\nRUN mkdir -p posts\n"
        'COPY app.py /app/posts/app.py\nCMD ["uvicorn", "posts.app:app", "--port", "4001"]\n',
        "posts/requirements.txt": "fastapi\nuvicorn\n",
        "posts/app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "users/main.py": "print()\n",
        "users/Dockerfile": PYTHON + "CMD python main.py\n",
    }
    service = named(found_in(**files))["posts"]
    assert (service.env["PYTHONPATH"], service.ports) == ("..", {"http": 4001})
    assert {*service.tasks} == {"install"}


def test_the_driver_of_a_list_is_named_where_code_gives_the_address():
    files = {
        "requirements.txt": "flask\nSQLAlchemy\npsycopg2-binary\n",
        "app.py": "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
        "os.getenv('DATABASE_URL', 'postgresql://a:b@localhost:5432/shop')\n",
    }
    env = found_in(**files).services[0].env
    assert env["DATABASE_URL"].startswith("postgresql+psycopg2://${stores.")


def test_what_receives_traces_here_has_no_certificate():
    text = "import os\nfrom flask import Flask\napp = Flask(__name__)\n"
    text += "os.getenv('OTEL_EXPORTER_OTLP_INSECURE', 'false')\n"
    env = found_in(**FLASK | {"app.py": text}).services[0].env
    assert env["OTEL_EXPORTER_OTLP_INSECURE"] == "true"


def test_tables_are_made_between_lines_of_a_script_that_do_harm():
    files = {
        "compose.yaml": "services: {web: {build: ., ports: [5000]}}",
        "Dockerfile": PYTHON + "CMD ./start.sh\n",
        "start.sh": "cp -r static /srv\nflask db upgrade\nexec flask run\n",
    }
    found = found_in(**FLASK | files)
    assert found.services[0].tasks["prepare"].endswith("flask db upgrade")
    assert any("it writes files" in line for line in found.left_out)
    assert runs(found)


@pytest.mark.parametrize(
    "line",
    [
        "newrelic-admin run-program uvicorn app:app",
        "ddtrace-run uvicorn app:app",
        "opentelemetry-instrument --traces_exporter=otlp --service_name shop uvicorn app:app",
    ],
)
def test_a_program_that_measures_another_one_is_taken_off(line):
    assert " ".join(unwatched(tuple(line.split()), folder_of({}))) == "uvicorn app:app"


def test_all_that_supervisord_starts_in_an_image_alone_are_programs():
    files = {
        "compose.yaml": "services: {cache: {image: 'redis:7'}}",
        "Dockerfile": "FROM python:3.12\nWORKDIR /srv/notes\nCOPY . .\nEXPOSE 5000\n"
        'ENV PATH /srv/notes/bin:$PATH\nCMD ["init", "supervisord", "-c", "conf/super.conf"]\n',
        "bin/init": '#!/bin/sh\nexport A=1\nexec "$@"\n',
        "bin/notes": '#!/bin/sh\ncd "$(dirname "$0")/.."\nexec python -m notes work\n',
        "conf/super.conf": "[program:nginx]\ncommand=nginx\n"
        "[program:web]\ncommand=newrelic-admin run-program gunicorn notes.app:app\n"
        "[program:jobs]\ncommand=notes work\n",
        "requirements.txt": "fastapi\ngunicorn\n",
        "notes/app.py": "from fastapi import FastAPI\napp = FastAPI()\n",
    }
    assert runs(found_in(**files)) == {
        "web": ".venv/bin/python -m gunicorn notes.app:app -b 127.0.0.1:$PORT",
        "jobs": "PATH=.venv/bin:$PATH sh bin/notes work",
    }


@pytest.mark.parametrize(
    ("call", "port"),
    [("app.run()", 5000), ("app.run(debug=True)", 5000), ("app.run(port=7001)", 7001)],
)
def test_a_file_that_starts_flasks_own_server_listens_where_that_does(call, port):
    files = {
        "compose.yaml": "services: {api: {build: ., ports: ['5000:80']}}",
        "Dockerfile": "FROM acme/python-gunicorn-nginx\nCOPY . /app\n"
        "RUN pip install git+https://example.com/acme/tools.git@v1\n",
        "requirements.txt": "Flask\n",
        "run.py": f"import shop\napp = shop.flask\nif __name__ == '__main__':\n    {call}\n",
    }
    service = found_in(**files).services[0]
    assert service.ports == {"http": port}
    assert "git+https://example.com/acme/tools.git@v1" in service.tasks["install"]


def test_a_function_of_its_own_for_a_default_reads_a_variable():
    text = """
        URL = field(get_env("DATABASE_URL", "postgresql+psycopg://a:b@localhost:5432/c"))
        LEVEL = env_text("LEVEL", "low")
        os.setenv("NOTHING", "x")
        """
    reads = code.variables(folder_of({"settings.py": text}))
    assert {name: read.default for name, read in reads.items()} == {
        "DATABASE_URL": "postgresql+psycopg://a:b@localhost:5432/c",
        "LEVEL": "low",
    }


def test_a_script_that_builds_what_others_serve_is_no_program():
    files = {
        "web/package.json": '{"scripts": {"dev": "vite"}, "devDependencies": {"vite": "7"}}',
        "mails/package.json": '{"scripts": {"dev": "bun run build-mails.ts --watch"},'
        ' "dependencies": {"react": "19"}}',
        "mails/build-mails.ts": "",
        "web/src/main.ts": "",
    }
    assert {*named(found_in(**files))} == {"web"}


def test_a_file_of_settings_is_put_where_an_image_has_it_and_says_what_it_reads():
    files = {
        "compose.yaml": "services: {rest: {build: {context: ., dockerfile: docker/rest/Dockerfile},"
        " ports: [5000]}, cache: {image: 'redis:7'}}",
        "docker/rest/Dockerfile": "FROM python:3.12\nWORKDIR /srv/app\nCOPY rest /srv/app\n"
        "COPY docker/rest/settings.py /srv/app/local_settings.py\nCMD python main.py\n",
        "docker/rest/settings.py": "import os\nREDIS_HOST = os.getenv('REDIS_HOST', 'cache')\n"
        "REDIS_PORT = os.getenv('REDIS_PORT', 6379)\n",
        "rest/main.py": "import settings\n",
        "requirements.txt": "pytest\n",
        "rest/settings.py": "REDIS_HOST = 'localhost'\n",
        "rest/requirements.txt": "flask\nredis\n",
    }
    service = found_in(**files).services[0]
    line = "test -e local_settings.py || cp ../docker/rest/settings.py local_settings.py"
    assert service.tasks["settings"] == line
    assert service.env["REDIS_HOST"] == "${stores.cache.host}"
