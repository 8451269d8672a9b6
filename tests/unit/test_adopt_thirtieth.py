"""What a thirtieth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import json

import pytest
from repository import FLASK, folder_of, found_in

from tarmac.adopt.packages.node_packages import tools

API = "from fastapi import FastAPI\napp = FastAPI()\n"
JOBS = 'from celery import Celery\nqueue = Celery("a", broker="redis://localhost:6379/0")\n'


@pytest.mark.parametrize(
    ("version", "added"),
    [("==5.2.0", " 'kombu<5.6'"), ("==6.0.1", " 'kombu<5.6'"), ("==6.4.0", " packaging")],
)
def test_a_list_with_an_old_client_for_redis_has_a_kombu_that_takes_it(version, added):
    image = FLASK["Dockerfile"].replace("CMD", "RUN pip install -r requirements.txt\nCMD")
    listed = f"flask\ncelery==5.4.0\nredis{version}\n"
    (app, *_) = found_in(**{**FLASK, "requirements.txt": listed, "Dockerfile": image}).services
    assert f"requirements.txt{added} &&" in app.tasks["install"]


@pytest.mark.parametrize(
    ("listed", "is_added"),
    [
        ("celery\nredis\n", True),
        ("celery==5.5.3\nredis>=5\n", True),
        ("celery\nredis[hiredis]\n", True),
        ("celery[redis]\n", False),
        ("celery[gevent,redis]\nredis\n", False),
        ("celery\nredis\nkombu==5.3.4\n", False),
        ("celery\nredis\npackaging\n", False),
        ("redis\n", False),
    ],
)
def test_celery_on_redis_has_what_its_driver_imports(listed, is_added):
    image = FLASK["Dockerfile"].replace("CMD", "RUN pip install -r requirements.txt\nCMD")
    files = {**FLASK, "requirements.txt": f"flask\n{listed}", "Dockerfile": image}
    (app, *_) = found_in(**files).services
    assert ("requirements.txt packaging" in app.tasks["install"]) is is_added
    assert any("packaging" in guess for guess in app.guesses) is is_added


GROUPS = """
[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.12"
[tool.poetry.group.api]
optional = true
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--only main,api", "--only=main,jobs"), "--with api,jobs"),
        (("--with api", "--no-root"), "--with api"),
        (("", ""), ""),
    ],
)
def test_poetry_installs_the_groups_of_all_images_of_a_folder(options, said):
    image = "FROM python:3.12\nWORKDIR /app\nCOPY . .\nRUN poetry install {}\nCMD {}\n"
    starts = ("uvicorn shop:app --port 8000", "celery -A jobs worker")
    files = {
        "compose.yml": """
            services:
              api: {build: {context: ., dockerfile: Dockerfile.api}, ports: ["8000:8000"]}
              jobs: {build: {context: ., dockerfile: Dockerfile.jobs}}
        """,
        "Dockerfile.api": image.format(options[0], starts[0]),
        "Dockerfile.jobs": image.format(options[1], starts[1]),
        "pyproject.toml": GROUPS,
        "poetry.lock": "",
        "shop.py": API,
        "jobs.py": JOBS,
    }
    (api, *_) = found_in(**files).services
    line = f"poetry install --no-interaction {said}".strip()
    assert api.tasks["install"].startswith(f"{line} || {line} --no-root")


@pytest.mark.parametrize(("exposed", "ports"), [(5678, {}), (7000, {"http": 7000})])
def test_a_port_that_an_image_has_for_its_debugger_is_none_of_its_program(exposed, ports):
    files = {
        "compose.yml": "services: {jobs: {build: .}}",
        "Dockerfile": f"FROM python:3.12\nEXPOSE {exposed}\nCOPY . .\nCMD celery -A jobs worker\n",
        "requirements.txt": "celery\nredis\n",
        "jobs.py": JOBS,
    }
    (jobs,) = found_in(**files).services
    assert jobs.ports == ports


@pytest.mark.parametrize(
    ("command", "more", "app"),
    [
        ("main:app", {}, "shop.main:app"),
        ("main:app", {"main.py": API}, "main:app"),
        ("main:app --app-dir shop", {}, "main:app"),
        ("main:app", {"other/main.py": f"import other\n{API}"}, "main:app"),
        ("main:other", {}, "main:other"),
    ],
)
def test_an_app_that_is_not_where_its_command_says_is_named_from_its_folder(command, more, app):
    files = {
        "compose.yml": 'services: {api: {build: ., ports: ["8000:8000"]}}',
        "Dockerfile": f"FROM python:3.12\nWORKDIR /app\nCOPY . /app\nCMD uvicorn {command}\n",
        "requirements.txt": "fastapi\nuvicorn\n",
        "shop/__init__.py": "",
        "shop/main.py": f"from shop.names import NAME\n{API}",
        "shop/names.py": "NAME = 1\n",
    }
    (api,) = found_in(**{**files, **more}).services
    assert f"uvicorn {app} " in api.run


@pytest.mark.parametrize(
    ("inside", "folder"), [("/app/shop", "shop"), ("/app", ""), ("/elsewhere", "")]
)
def test_a_program_starts_in_its_images_working_folder_where_its_module_is(inside, folder):
    files = {
        "compose.yml": """
            services:
              web: {build: {context: ., dockerfile: images/web/Dockerfile}, ports: ["8000:8000"]}
        """,
        "images/web/Dockerfile": f"""
            FROM python:3.12
            WORKDIR {inside}
            COPY . /app
            RUN pip install -r requirements.txt
            CMD daphne shop.asgi:application --port 8000
        """,
        "shop/requirements.txt": "django\ndaphne\n",
        "shop/manage.py": "import django\n",
        "shop/shop/__init__.py": "",
        "shop/shop/asgi.py": "application = None\n",
    }
    (web,) = found_in(**files).services
    assert web.folder == folder


@pytest.mark.parametrize(
    "step",
    [
        "COPY lists/requirements/dev.txt /app",
        "ADD ./lists/requirements/base.txt ./lists/requirements/dev.txt /app/",
    ],
)
def test_a_list_that_an_image_has_beside_its_program_is_installed_from_its_place(step):
    image = f"FROM python:3.12\nWORKDIR /app\n{step}\nRUN pip install -r dev.txt\nCOPY . /app\n"
    files = {
        "Dockerfile": f"{image}CMD python manage.py runserver 0.0.0.0:8000\n",
        "lists/requirements/base.txt": "django\n",
        "lists/requirements/dev.txt": "-r base.txt\n",
        "manage.py": "import django\n",
    }
    (web,) = found_in(**files).services
    assert "install -q -r lists/requirements/dev.txt " in web.tasks["install"]


@pytest.mark.parametrize(
    ("lock", "image", "said"),
    [
        ("package-lock.json", "RUN npm ci", "npm ci --no-audit --no-fund"),
        ("package-lock.json", "", "npm ci --no-audit --no-fund || npm install --no-save"),
        ("package-lock.json", "RUN npm install", "--no-fund || npm install --no-package-lock"),
        ("yarn.lock", "", "yarn install --pure-lockfile --mutex network"),
    ],
)
def test_packages_are_installed_also_where_a_lock_file_does_not_fit(lock, image, said):
    files = {"package.json": "{}", lock: "", "Dockerfile": f"FROM node:20\n{image}\n"}
    line = tools(folder_of(files))[1]
    assert said in line
    assert ("npm install" in line) is ("npm install" in said)


MIGRATES = """
package main
import (
    "flag"
    "github.com/golang-migrate/migrate/v4"
)
func main() {
    path := flag.String("path", DEFAULT, "where the steps are")
    flag.Parse()
    m, err := migrate.New(*path, "x")
    m.Up()
}
"""


@pytest.mark.parametrize(
    ("default", "line", "loaded"),
    [
        ('"./steps"', "go run ./cmd/migrate", ()),
        ("folder", "go run ./cmd/migrate", ()),
        ('""', None, ()),
    ],
)
@pytest.mark.parametrize("is_in_a_container", [True, False])
def test_a_program_that_makes_the_tables_goes_before_the_one_beside_it(
    default, line, loaded, is_in_a_container
):
    compose = """
        services:
          api: {build: ., ports: ["8080:8080"]}
          db: {image: "postgres:16"}
    """
    image = "FROM golang:1.22\nWORKDIR /app\nCOPY . .\nRUN go build -o api ./cmd/api\n"
    files = {
        "go.mod": "module shop\nrequire github.com/lib/pq v1.10.9\n",
        "cmd/api/main.go": 'package main\nfunc main() { http.ListenAndServe(":8080", nil) }\n',
        "cmd/migrate/main.go": MIGRATES.replace("DEFAULT", default),
        "steps/1_a.up.sql": "CREATE TABLE a (n int);\n",
        **({"compose.yml": compose} if is_in_a_container else {}),
        "Dockerfile": f'{image}CMD ["./api"]\n',
    }
    found = found_in(**files)
    (api,) = found.services
    assert api.tasks.get("migrate") == line
    assert all(one.init == loaded for one in found.stores)


def test_programs_that_share_an_environment_of_pipenv_install_it_one_after_the_other():
    files = {
        "compose.yml": """
            services:
              api: {build: ., command: "uvicorn api:app --port 8000", ports: ["8000:8000"]}
              jobs: {build: ., command: "celery -A jobs worker"}
        """,
        "Dockerfile": "FROM python:3.12\nCOPY . .\nRUN pipenv install --system\n",
        "Pipfile": '[packages]\nfastapi = "*"\n[requires]\npython_version = "3.12"\n',
        "Pipfile.lock": "{}",
        "api.py": API,
        "jobs.py": JOBS,
    }
    api, jobs = found_in(**files).services
    mark = '"$(pipenv --venv 2>/dev/null)/.installed"'
    assert api.tasks["install"] == f"pipenv sync && touch {mark}"
    assert jobs.tasks["install"] == f"until test -e {mark}; do sleep 1; done"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("celery -A jobs worker --uid=nobody --gid=nogroup", "celery -A jobs worker"),
        ("celery -A jobs worker --uid nobody -l info", "celery -A jobs worker -l info"),
        ("gunicorn -u www -g www api:app -w 2", "gunicorn api:app -w 2"),
        ("python run.py --uid=nobody", "run.py --uid=nobody"),
    ],
)
def test_a_program_does_not_become_a_user_of_its_container(command, said):
    files = {
        "compose.yml": f"services: {{jobs: {{build: ., command: '{command}'}}}}",
        "Dockerfile": "FROM python:3.12\nCOPY . .\n",
        "requirements.txt": "celery\nredis\ngunicorn\n",
        "jobs.py": JOBS,
        "run.py": "",
    }
    jobs = next(one for one in found_in(**files).services if one.name == "jobs")
    assert jobs.run.removesuffix(" -b 127.0.0.1:$PORT").endswith(said)


@pytest.mark.parametrize(
    ("image", "code", "folder", "run"),
    [
        ("tiangolo/uwsgi-nginx-flask:python3.8", FLASK["app.py"], "web", "flask --app main:app"),
        ("tiangolo/uvicorn-gunicorn-fastapi", API, "web", "uvicorn main:app"),
        ("tiangolo/other", API, "", ""),
    ],
)
def test_an_image_with_a_server_of_its_own_starts_the_app_that_is_copied_into_it(
    image, code, folder, run
):
    files = {
        "compose.yml": 'services: {web: {build: ., ports: ["5000:80"]}}',
        "Dockerfile": f"FROM {image}\nCOPY requirements.txt /\nCOPY ./web /app\n",
        "requirements.txt": "flask\nfastapi\nuvicorn\n",
        "web/main.py": code,
    }
    found = found_in(**files)
    (web,) = found.services
    if run:
        assert f"-m {run} " in web.run
        assert web.ports == {"http": 5000}
    assert web.folder == folder


PARENT = "<parent><artifactId>spring-boot-starter-parent</artifactId><version>{}</version></parent>"


LOMBOK = "<dependency><artifactId>lombok</artifactId>{}</dependency>"


@pytest.mark.parametrize(
    ("version", "own", "more", "is_newer"),
    [
        ("2.2.7.RELEASE", "", "", True),
        ("2.5.4", "<scope>provided</scope>", "", True),
        ("2.6.0", "", "", False),
        ("3.5.4", "", "", False),
        ("2.2.7.RELEASE", "<version>1.18.30</version>", "", False),
        ("2.2.7.RELEASE", "", "<lombok.version>1.18.30</lombok.version>", False),
    ],
)
def test_an_old_spring_compiles_with_a_lombok_that_knows_the_java_of_later_years(
    version, own, more, is_newer
):
    pom = f"<project>{PARENT.format(version)}{more}<dependencies>{LOMBOK.format(own)}"
    main = "@SpringBootApplication\nclass A { static void main(String[] a) {} }"
    (app,) = found_in(**{"pom.xml": pom, "src/main/java/A.java": main}).services
    assert app.run == f"mvn{' -Dlombok.version=1.18.30' * is_newer} -q spring-boot:run"


@pytest.mark.parametrize(
    ("scripts", "command", "names"),
    [
        ({"worker": "ts-node src/work.ts"}, "npx ts-node src/main.ts", ["api", "worker"]),
        (
            {"worker:mail": "ts-node src/work.ts mail", "worker:pdf": "ts-node src/work.ts pdf"},
            "npx ts-node src/main.ts",
            ["api", "worker-mail", "worker-pdf"],
        ),
        ({"worker:mail": "ts-node src/work.ts other"}, "npx ts-node src/main.ts", ["api"]),
        ({"worker": "ts-node src/work.ts"}, "npm run worker", ["api"]),
        ({"worker": "ts-node src/ends.ts"}, "npx ts-node src/main.ts", ["api"]),
    ],
)
def test_workers_that_scripts_start_are_beside_the_one_program_of_a_file(scripts, command, names):
    started = {"dev": "ts-node src/main.ts", **scripts}
    files = {
        "compose.yml": f"""
            services:
              api: {{build: ., command: "{command}", ports: ["3000:3000"]}}
              redis: {{image: "redis:7"}}
        """,
        "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\n",
        "package.json": json.dumps({"scripts": started, "dependencies": {"bullmq": "5"}}),
        "src/main.ts": "app.listen(3000)\n",
        "src/work.ts": "const worker = new Worker('mail', work)\n",
        "src/ends.ts": "console.log(1)\n",
    }
    found = found_in(**files)
    assert [one.name for one in found.services] == names
    assert all(one.run == f"npm run {one.name.replace('-', ':')}" for one in found.services[1:])
