"""What a thirty-second round has taught of variables, packages and stores, on files of our own."""

from __future__ import annotations

import json

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, system_of, text_of

from tarmac.adopt.survey.survey import survey

API = "from fastapi import FastAPI\napp = FastAPI()\n"


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
        "orders/migrations/000001_a.up.sql": "CREATE TABLE a (n int);",
        "orders/migrations/000001_a.down.sql": "DROP TABLE a;",
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
    mails = next(one for one in found.stores if one.name == "pg-mails")
    assert (mails.known.port, mails.init) == (5432, ())
    pg = next(one for one in found.stores if one.name == "pg")
    assert pg.init == ("orders/migrations/000001_a.up.sql",)


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
        ("app.py", "PLACE = os.environ['AWS_PLACE']\n", None),
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


GO_SETTINGS = """
package main
type Config struct {
    Port  string        `env:"GRPC_PORT"`
    Admin string        `env:"ADMIN_PORT"`
    Pool  int           `env:"POOL_MAX"`
    Wait  time.Duration `env:"QUEUE_TTL"`
    Quick bool          `env:"QUICK"`
    Shop  string        `env:"SHOP_NAME,required"`
}
func main() {
    LOADS
    log.Fatal(http.ListenAndServe(":8080", nil))
}
"""


@pytest.mark.parametrize("loads", [True, False])
def test_settings_of_go_have_values_for_now_where_their_file_is_lacking(loads):
    load = "if err := godotenv.Load(); err != nil {\n        log.Fatal(err)\n    }"
    code = GO_SETTINGS.replace("LOADS", load if loads else "")
    (app,) = found_in(**{"go.mod": "module x\ngo 1.22\n", "main.go": code}).services
    assert app.env["SHOP_NAME"] == "shop-name"
    assert ("GRPC_PORT" in app.env) is loads
    if loads:
        assert app.env["GRPC_PORT"] != app.env["ADMIN_PORT"]
        assert app.env["POOL_MAX"] == "10"
        assert (app.env["QUEUE_TTL"], app.env["QUICK"]) == ("1h", "false")


def test_an_address_in_a_task_is_that_of_the_store_here():
    compose = """
    services:
      db: {image: postgres:16, environment: {POSTGRES_DB: shop}}
      steps:
        build: .
        command: python steps.py --db postgres://postgres:x@db:5432/shop?sslmode=disable --up
      web:
        build: .
        command: python app.py
        ports: ["5000:5000"]
        depends_on: {steps: {condition: service_completed_successfully}}
    """
    files = {**FLASK, "requirements.txt": "flask\npsycopg2\n", "compose.yaml": compose}
    (web,) = found_in(**files, **{"steps.py": ""}).services
    assert web.tasks["steps"].endswith("python steps.py --db $DB --up")
    assert web.env["DB"] == "${stores.db.url}?sslmode=disable"


@pytest.mark.parametrize("builds", ["", "[build-system]\nrequires = ['poetry-core']\n"])
def test_poetry_installs_what_it_alone_knows(builds):
    project = "[tool.poetry]\nname = 'a'\n[tool.poetry.dependencies]\nfastapi = '*'\n"
    (app,) = found_in(**{"pyproject.toml": project + builds, "main.py": API}).services
    assert app.run.startswith("poetry run python") is not bool(builds)
    assert ("poetry install --no-interaction" in app.tasks["install"]) is not bool(builds)
