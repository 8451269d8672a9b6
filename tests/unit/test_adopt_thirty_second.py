"""What a thirty-second round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import json

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, system_of, text_of

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


def test_a_number_of_a_port_is_read_by_a_function_of_the_programs_own():
    code = """
        import os
        def _get_env_int(name, default): return int(os.environ.get(name) or default)
        DATABASES = {"default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ.get("DB_HOST", "localhost"),
            "PASSWORD": os.environ.get("DB_PASSWORD"),
            "PORT": _get_env_int("DB_PORT_NUMBER", 5432),
        }}
    """
    files = {
        "requirements.txt": "django\npsycopg2-binary\n",
        "manage.py": "import django\n",
        "shop/settings.py": code,
        "compose.yaml": "services:\n  db: {image: postgres:16}\n",
        ".env.example": "DB_HOST=db\nDB_PORT_NUMBER=5432\n",
    }
    (web,) = found_in(**files).services
    assert web.env["DB_HOST"] == "${stores.db.host}"
    assert web.env["DB_PORT_NUMBER"] == "${stores.db.port}"


def test_a_store_that_a_variable_only_names_is_one_that_the_program_uses():
    files = {
        "requirements.txt": "django\npsycopg2-binary\n",
        "manage.py": "import django\n",
        "shop/settings.py": "import os\nHOST = os.environ['DB_HOST']\n",
        "compose.yaml": "services:\n  db: {image: postgres:16}\n",
        ".env.example": "DB_HOST=db\n",
    }
    found = found_in(**files)
    assert [(one.env["DB_HOST"], one.stores) for one in found.services] == [("db", ("db",))]


TYPEORM = {
    "package.json": """{
      "scripts": {
        "start": "ts-node main.ts",
        "migration:run": "typeorm-ts-node-commonjs migration:run -d db.ts"
      },
      "dependencies": {"express": "4", "typeorm": "0.3", "pg": "8", "ts-node": "10"}
    }""",
    "main.ts": "app.listen(process.env.PORT);",
    "migrations/1700000000000-first.ts": "",
}


@pytest.mark.parametrize("itself", [True, False])
def test_steps_that_a_data_source_runs_itself_are_no_task(itself):
    source = f"export default new DataSource({{ migrationsRun: {str(itself).lower()} }});\n"
    (app,) = found_in(**TYPEORM, **{"db.ts": source}).services
    assert ("migrate" in app.tasks) is not itself


@pytest.mark.parametrize(
    "prefix",
    ['model_config = {"env_prefix": "DB_"}', 'model_config = SettingsConfigDict(env_prefix="DB_")'],
)
def test_settings_are_named_with_a_prefix_of_either_form(prefix):
    code = f"""
from pydantic_settings import BaseSettings
class DbSettings(BaseSettings):
    POOL: int
    {prefix}
class Settings(BaseSettings):
    DB: DbSettings = DbSettings()
    SHOP: str
    LISTED: list[str]
    MODE: str = "x"
"""
    files = {"requirements.txt": "fastapi\npydantic-settings\n", "main.py": API + code}
    (app,) = found_in(**files).services
    assert app.env == {"DB_POOL": "10", "SHOP": "shop"}
    assert [*app.missing] == ["LISTED"]
    assert "DB_POOL is 10, SHOP is shop: its settings insist" in app.guesses[-1]


def test_a_package_of_django_that_the_list_lacks_is_installed():
    files = {
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
        "shop/views.py": "import django_filters\nimport shop.models\n",
    }
    (web,) = found_in(**files).services
    assert "requirements.txt django-filter" in web.tasks["install"]


def test_a_program_of_nest_with_packages_of_its_own_gets_them_without_a_workspace():
    projects = {"users": {"type": "application", "root": "apps/users"}, "a": {"root": "apps/a"}}
    files = {
        "package.json": json.dumps(
            {"scripts": {"start:dev": "nest start --watch"}, "dependencies": {"@nestjs/core": "10"}}
        ),
        "package-lock.json": "{}",
        "nest-cli.json": json.dumps({"monorepo": True, "projects": projects}),
        "apps/users/package.json": '{"dependencies": {"@nestjs/jwt": "11"}}',
        "apps/users/src/main.ts": "app.listen(process.env.PORT)",
        "apps/a/package.json": '{"dependencies": {"@nestjs/core": "10"}}',
        "apps/a/src/main.ts": "app.listen(process.env.PORT)",
        "Dockerfile": "FROM node:20\nWORKDIR /app\nCOPY . .\n",
        "compose.yaml": "services:\n  users: {build: ., command: npm run start:dev users}\n",
    }
    (users,) = found_in(**files).services
    assert "(cd apps/users && npm install --no-package-lock" in users.tasks["install"]
    assert "cd apps/a" not in users.tasks["install"]


STARTED = {"scripts": {"start": "node s.js"}, "dependencies": {"a": "1"}}


@pytest.mark.parametrize("engines", [{"node": "20", "npm": "^10"}, {"node": "20"}])
def test_npm_installs_for_a_package_that_names_another_one(engines):
    files = {
        "package.json": json.dumps({**STARTED, "engines": engines}),
        ".npmrc": "engine-strict = true\n",
        "s.js": "require('http').createServer().listen(process.env.PORT)\n",
    }
    (app,) = found_in(**files).services
    assert ("--engine-strict=false" in app.tasks["install"]) is ("npm" in engines)


GO_MAIN = """
package main
func main() {
    host := getEnv(
        "DB_HOST",
        "localhost",
    )
    name := getEnv("DB_NAME", "orders")
    password, port := getEnv("DB_PASSWORD", "x"), getEnv("DB_PORT", "5432")
    http.ListenAndServe(":8080", open(host, name, password, port))
}
"""


def test_go_is_of_the_database_that_its_own_files_import():
    modules = (
        "\tgorm.io/driver/postgres v1.6.0\n\tgithub.com/go-sql-driver/mysql v1.8.1 // indirect\n"
    )
    files = {
        "orders/go.mod": f"module orders\ngo 1.25\nrequire (\n{modules})\n",
        "orders/main.go": GO_MAIN,
        "orders/.env": "DB_HOST=localhost\nDB_PORT=5432\nDB_NAME=orders\nDB_PASSWORD=x\n",
        "mails/requirements.txt": "fastapi\npsycopg2-binary\n",
        "mails/main.py": f"{API}URL = 'postgresql://me:pw@localhost:5432/mails'\n",
        "compose.yaml": "services: {pg: {image: postgres, environment: {POSTGRES_DB: orders}}}\n",
    }
    found = found_in(**files)
    assert {store.name: store.database for store in found.stores} == {
        "pg": "orders",
        "pg-mails": "mails",
    }
    orders = next(one for one in found.services if one.name == "orders")
    assert orders.env["DB_HOST"] == "${stores.pg.host}"
    assert next(one for one in found.stores if one.name == "pg-mails").known.port == 5432


@pytest.mark.parametrize(
    ("version", "install"),
    [
        ('python_full_version = "3.11.2"', "pipenv --python 3.11 sync"),
        ('python_version = "3.11"', "pipenv sync"),
        ('python_full_version = "3.8.13"', "python3.8 -m venv"),
    ],
)
def test_another_patch_of_the_python_that_pipenv_is_told_does(version, install):
    files = {
        "Pipfile": f'[packages]\nflask = "*"\n[requires]\n{version}\n',
        "Pipfile.lock": "{}",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    }
    (app,) = found_in(**files).services
    assert install in app.tasks["install"]


@pytest.mark.parametrize(
    ("listed", "more"),
    [
        ("celery>=5.2,<6\nredis>=5.0,<6.0\nkombu>=5.0\n", " 'kombu<5.6'"),
        ("celery\nredis~=5.0\n", " 'kombu<5.6'"),
        ("celery\nredis>=5\n", " packaging"),
        ("celery\nredis<7\nkombu\n", ""),
        ("celery\nredis<6\nkombu==5.3\n", ""),
    ],
)
def test_the_kombu_that_takes_an_old_client_of_redis_is_installed(listed, more):
    files = {
        "requirements.txt": listed,
        "app.py": "from celery import Celery\napp = Celery('a', broker='redis://localhost')\n",
    }
    line = found_in(**files).services[0].tasks["install"]
    assert f"-r requirements.txt{more} &&" in line.replace(") &&", " &&").replace(" || ", " && ")


@pytest.mark.parametrize(("more", "is_one"), [("", False), (", restart: always", True)])
def test_what_fills_tables_is_a_command_for_people(more, is_one):
    compose = f"""
    services:
      web: {{build: ., command: python app.py, ports: ["5000:5000"]}}
      seed: {{build: ., command: python fill.py{more}}}
    """
    files = {**FLASK, "compose.yaml": compose, "fill.py": ""}
    found = found_in(**files)
    assert ("seed" in [one.name for one in found.services]) is is_one
    assert ("tarmac run web seed" in " ".join(found.left_out)) is not is_one
    assert ("      seed: PATH=.venv/bin:$PATH python fill.py" in text_of(found)) is not is_one
    assert system_of(found)


@pytest.mark.parametrize(("key", "provider"), [("'uuid'", "binary"), ("", "")])
def test_typeorm_has_keys_made_by_an_extension(key, provider):
    entity = f"@Entity()\nexport class User {{ @PrimaryGeneratedColumn({key}) id: string }}\n"
    source = "const host = process.env.DB_HOST, port = process.env.DB_PORT;\n"
    (store,) = found_in(**TYPEORM, **{"src/user.entity.ts": entity, "db.ts": source}).stores
    assert (store.kind, store.provider) == ("postgres", provider)


@pytest.mark.parametrize(
    ("file", "code", "value"),
    [
        ("app.py", "NAME = os.environ['SHOP_NAME']\n", "shop-name"),
        ("app.py", "def name():\n    return os.environ['SHOP_NAME']\n", None),
        ("app.py", "MODULE = os.environ['SHOP_SETTINGS_MODULE']\n", None),
        ("app.py", "HOST = os.environ['UPSTREAM_HOST']\n", "localhost"),
    ],
)
def test_a_variable_that_a_module_ends_without_has_a_value_for_now(file, code, value):
    text = f"import os\nfrom flask import Flask\napp = Flask('a')\n{code}"
    (app,) = found_in(**{"requirements.txt": "flask\n", file: text}).services
    assert [*app.env.values()] == [value] * (value is not None)


@pytest.mark.parametrize(
    ("ends", "is_given"), [('log.Fatal("no name")', True), ('name = "shop"', False)]
)
def test_a_variable_that_go_ends_without_has_a_value_for_now(ends, is_given):
    code = f"""
package main
func main() {{
    name := os.Getenv("SHOP_NAME")
    if name == "" {{
        {ends}
    }}
    http.ListenAndServe(":8080", nil)
}}
"""
    (app,) = found_in(**{"go.mod": "module x\ngo 1.22\n", "main.go": code}).services
    assert (app.env.get("SHOP_NAME") == "shop-name") is is_given


@pytest.mark.parametrize(
    ("told", "port"),
    [
        ('bootstrap_servers="localhost:9094"', 9094),
        ('bootstrap_servers=["localhost:9094"]', 9094),
        ('bootstrap_servers=os.getenv("KAFKA", "localhost:9094")', 0),
        ('page="localhost:9094"', 0),
    ],
)
def test_kafka_is_where_code_looks_for_it_whatever_its_number(told, port):
    code = f"import os\nfrom aiokafka import AIOKafkaConsumer\n{API}a = AIOKafkaConsumer({told})\n"
    files = {
        "requirements.txt": "fastapi\naiokafka\n",
        "main.py": code,
        "compose.yaml": "services: {kafka: {image: apache/kafka, ports: ['9094:9094']}}\n",
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    assert found.broker is not None
    assert (found.broker.known.port if found.broker.known else 0) == port
