"""What a thirty-third round has taught of variables, packages and stores, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in

LOADS = """
package main
import ("net/http"; "github.com/joho/godotenv"; "path/filepath")
func main() {
  path, _ := filepath.Abs("../.env")
  godotenv.Load(path)
  http.ListenAndServe(":8080", nil)
}
"""
POOL = """
import os, psycopg2
psycopg2.connect(host=os.environ["DB_HOST"], user=os.environ["DB_USER"], dbname="x")
"""


def test_a_program_of_go_is_started_below_the_file_that_it_makes_a_path_of():
    files = {"go.mod": "module shop\n", ".env": "A=1\n", "cmd/main.go": LOADS.strip()}
    (shop,) = found_in(**files).services
    assert shop.run == "go run -C cmd ."


def test_a_library_is_told_a_password_that_no_variable_of_the_program_has():
    compose = """
    services:
      web: {build: ., command: python app.py, environment: {DB_HOST: db, DB_USER: shop}}
      db: {image: postgres:16, environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: pw}}
    """
    files = {**FLASK, "compose.yaml": compose, "app.py": f"{FLASK['app.py']}{POOL}"}
    (web,) = found_in(**files).services
    assert web.env["PGPASSWORD"] == "${stores.db.password}"
    told = compose.replace("DB_USER: shop}", "DB_USER: shop, DB_PASSWORD: pw}")
    (web,) = found_in(**{**files, "compose.yaml": told}).services
    assert "PGPASSWORD" not in web.env


NEEDS = "module shop\n\nrequire (\n\tshop.example/list v1.2.0\n)\n"


@pytest.mark.parametrize(
    ("more", "has"),
    [
        ({}, True),
        ({"go.sum": "shop.example/list v1.1.0 h1:x=\n"}, True),
        ({"go.sum": "shop.example/list v1.2.0 h1:x=\n"}, False),
        ({"vendor/modules.txt": ""}, False),
        ({"go.mod": f"{NEEDS}replace shop.example/list => ../list\n"}, False),
    ],
)
def test_the_sums_of_packages_are_listed_that_git_does_not_keep(more, has):
    main = 'package main\nimport "net/http"\nfunc main() { http.ListenAndServe(":80", nil) }\n'
    (shop,) = found_in(**{"go.mod": NEEDS, "main.go": main, **more}).services
    assert ("sums" in shop.tasks) is has
    assert ("GOFLAGS" in shop.env) is has  # go.mod and go.sum stay as they are


def test_one_key_of_viper_is_the_whole_address_of_a_server():
    code = (
        'package main\nimport ("net/http"; "github.com/spf13/viper")\nfunc main() {\n'
        'viper.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))\nviper.AutomaticEnv()\n'
        'viper.SetDefault("database.url", "")\nhttp.ListenAndServe(":8080", nil)\n}\n'
    )
    files = {
        "go.mod": "module shop\nrequire github.com/jackc/pgx/v5 v5.5.0\n",
        "main.go": code,
        "compose.yaml": "services:\n  db: {image: postgres:16}\n",
        ".env.local": "DATABASE_URL=postgres://a:b@db:5432/shop\n",
    }
    (shop,) = found_in(**files).services
    assert shop.env["DATABASE_URL"] == "${stores.db.url}"


CONFIG = """
ConfigModule.forRoot({envFilePath: `.env.${process.env.NODE_ENV}`});
app.listen(3000); const host = process.env.SHOP;
"""


@pytest.mark.parametrize(("text", "shop"), [(CONFIG, "here"), ("app.listen(3000)", None)])
def test_the_file_of_variables_is_the_one_of_the_mode_that_a_script_sets(text, shop):
    package = '{"scripts": {"start:docker": "cross-env NODE_ENV=docker node main.js"}}'
    files = {
        "compose.yaml": "services:\n  web: {build: api}\n",
        "api/Dockerfile": 'FROM node:20\nCOPY . .\nCMD ["npm", "run", "start:docker"]\n',
        "api/package.json": package,
        "api/main.js": text,
        "api/.env.development": "SHOP=elsewhere\n",
        "api/.env.docker": "SHOP=here\n",
    }
    (web,) = found_in(**files).services
    assert web.env.get("SHOP") == shop


def test_variables_of_a_program_with_two_drivers_are_of_the_store_that_is_there():
    package = '{"scripts": {"start": "node a.js"}, "dependencies": {"mysql": "2", "pg": "8"}}'
    reads = "".join(f"use(process.env.DB_{part});" for part in ("HOST", "PORT", "PASSWORD", "USER"))
    files = {
        "package.json": package,
        "a.js": f"{reads}\napp.listen(3000)",
        "compose.yaml": "services:\n  db: {image: postgres:16}\n",
    }
    (web,) = found_in(**files).services
    assert web.env["DB_PASSWORD"] == "${stores.db.password}"


def test_a_worker_is_the_app_that_a_readme_names_between_words():
    app = "from celery import Celery\ncelery = Celery()\n"
    told = "Run it:\n`celery -A worker_app.celery worker -l DEBUG`\n"
    files = {
        "requirements.txt": "flask\ncelery\nredis\n",
        "app/__init__.py": f"from flask import Flask\n{app}def create_app(): return Flask('a')\n",
        "worker_app.py": "from app import celery, create_app\ncreate_app().app_context().push()\n",
        "README.md": told,
    }
    found = {one.name: one.run for one in found_in(**files).services}
    assert "celery -A worker_app.celery worker" in found["worker"]


def test_images_of_one_folder_name_their_lists_and_packages():
    compose = """
    services:
      api: {image: "me/shop-api:1", ports: ["5000:5000"]}
      worker: {image: "me/shop-worker:1"}
    """
    image = (
        "FROM python:3.12\nCOPY requirements-{0}.txt .\nRUN pip install -r requirements-{0}.txt\n"
    )
    files = {
        "compose.yaml": compose,
        "api.Dockerfile": image.format("api") + "CMD flask --app app run\n",
        "worker.Dockerfile": image.format("worker")
        + "RUN pip install flower\nCMD python work.py\n",
        "requirements-api.txt": "flask\n",
        "requirements-worker.txt": "celery\n",
        "app.py": FLASK["app.py"],
        "work.py": "import celery\n",
    }
    made = found_in(**files).services[0].tasks["install"]
    assert "-r requirements-api.txt -r requirements-worker.txt" in made
    assert "flower" in made


def test_a_program_of_go_that_takes_messages_listens_at_no_port_of_its_file():
    takes = (
        'package main\nimport "github.com/segmentio/kafka-go"\nfunc main() {\n'
        "  // go ListenHere()\n  r := kafka.NewReader(kafka.ReaderConfig{})\n"
        "  for { r.ReadMessage(ctx) }\n}\n"
    )
    files = {
        "compose.yaml": "services:\n  work: {build: work, ports: ['8081:8081']}\n",
        "work/Dockerfile": "FROM golang:1.22\nWORKDIR /a\nCOPY . .\nRUN go build -o w\nCMD ./w\n",
        "work/go.mod": "module work\n",
        "work/main.go": takes,
    }
    (work,) = found_in(**files).services
    assert not work.ports
    serves = takes.replace("// go ListenHere()", "go ListenHere()")
    (work,) = found_in(**{**files, "work/main.go": serves}).services
    assert [*work.ports.values()] == [8081]


def test_letters_that_stand_for_a_value_are_none_and_a_secret_is_generated():
    reads = "".join(f"use(process.env.{name});" for name in ("MAIL_PORT", "TLS", "JWT_SECRET"))
    files = {
        "package.json": '{"scripts": {"start": "node a.js"}}',
        "a.js": f"{reads}\napp.listen(3000)",
        ".env.example": "MAIL_PORT=XXXXXXXX\nTLS=True/False\nJWT_SECRET=XXXXXXXX\n",
    }
    (web,) = found_in(**files).services
    assert not {"MAIL_PORT", "TLS"} & {*web.env}
    assert "JWT_SECRET" in web.secrets


@pytest.mark.parametrize(
    ("image", "env", "database", "loads"),
    [
        ("mysql:8", "MYSQL_ROOT_PASSWORD: pw", "shop", True),
        ("mysql:8", "MYSQL_ROOT_PASSWORD: pw, MYSQL_DATABASE: shop", "shop", True),
        ("mysql:8", "MYSQL_ROOT_PASSWORD: pw, MYSQL_DATABASE: other", "other", False),
        ("postgres:16", "POSTGRES_PASSWORD: pw, POSTGRES_DB: shop", "shop", False),
    ],
)
def test_a_file_that_chooses_the_database_of_its_store_is_loaded(image, env, database, loads):
    compose = f"""
    services:
      web: {{build: ., command: python app.py, environment: {{DB_HOST: db}}}}
      db:
        image: {image}
        environment: {{{env}}}
        volumes: ["./init.sql:/docker-entrypoint-initdb.d/init.sql"]
    """
    chosen = "CREATE DATABASE IF NOT EXISTS `shop` CHARACTER SET utf8mb4;\nUSE shop;\n"
    files = {**FLASK, "compose.yaml": compose, "init.sql": f"{chosen}CREATE TABLE a (b int);\n"}
    (db,) = found_in(**files).stores
    assert (db.database, bool(db.init)) == (database, loads)


def test_what_a_container_only_hands_to_a_client_is_loaded_by_the_store():
    compose = """
    services:
      web: {build: ., command: python app.py, depends_on: [migrate]}
      db: {image: postgres:16}
      migrate: {build: migrate, restart: on-failure}
    """
    script = "#!/bin/sh\npsql -h db -U postgres -d shop -f ./schema.sql\n"
    files = {
        **FLASK,
        "compose.yaml": compose,
        "migrate/Dockerfile": "FROM postgres:16\nWORKDIR /app\nCOPY . .\nCMD /app/migrate.sh\n",
        "migrate/migrate.sh": script,
        "migrate/schema.sql": "CREATE TABLE a (b int);\n",
    }
    found = found_in(**files)
    assert [one.name for one in found.services] == ["web"]
    assert found.stores[0].init == ("migrate/schema.sql",)


@pytest.mark.parametrize("name", ["cypress", "@vue/cli-plugin-e2e-cypress"])
def test_a_browser_for_tests_is_not_fetched(name):
    package = f'{{"scripts": {{"start": "node a.js"}}, "devDependencies": {{"{name}": "1"}}}}'
    (web,) = found_in(**{"package.json": package, "a.js": "app.listen(3000)"}).services
    assert "CYPRESS_INSTALL_BINARY=0" in web.tasks["install"]


def test_a_server_is_what_its_file_of_variables_says():
    compose = """
    services:
      web: {build: ., command: python app.py, env_file: web.env}
      db: {image: mysql:8, env_file: db.env}
    """
    files = {
        **FLASK,
        "compose.yaml": compose,
        "db.env": "MYSQL_DATABASE=shop\nMYSQL_USER=me\nMYSQL_PASSWORD=pw\n",
        "web.env": "DB_HOST=db\nDATABASE=shop\n",
    }
    found = found_in(**files)
    assert found.stores[0].database == "shop"


def test_parts_of_an_address_may_begin_with_a_word_and_db():
    reads = "".join(f"use(process.env.SHOP_DB{part});" for part in ("HOST", "PASS", "USER"))
    files = {
        "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"mysql2": "3"}}',
        "a.js": f"{reads}\nuse(process.env.TOKEN_HOUR_LIFESPAN); app.listen(3000)",
        "compose.yaml": "services:\n  db: {image: mysql:8}\n",
    }
    (web,) = found_in(**files).services
    assert web.env["SHOP_DBPASS"] == "${stores.db.password}"
    assert web.env["SHOP_DBUSER"] == "${stores.db.user}"
    assert "TOKEN_HOUR_LIFESPAN" not in web.secrets


def test_a_library_that_reads_no_login_in_an_address_is_told_none():
    package = '{"scripts": {"start": "node a.js"}, "dependencies": {"nats": "2"}}'
    files = {
        "package.json": package,
        "a.js": "connect({servers: process.env.NATS_URL, token: process.env.NATS_TOKEN}); "
        "app.listen(3000)",
        "compose.yaml": "services:\n  nats: {image: nats:2}\n",
    }
    found = found_in(**files)
    assert found.services[0].env == {"NATS_URL": "nats://${broker.address}", "NATS_TOKEN": ""}
    assert found.broker is not None
    assert found.broker.passwordless


@pytest.mark.parametrize(
    ("more", "init"),
    [
        ({}, ("db/schema.sql",)),
        ({"b.js": "readFileSync('db/schema.sql')"}, ()),
        ({"tables.sql": "CREATE TABLE b (c int);"}, ()),
        ({"db/schema.sql": "INSERT INTO a VALUES (1);"}, ()),
        ({"db/schema.sql": "CREATE TABLE a (b int AUTO_INCREMENT);"}, ()),
    ],
)
def test_the_one_file_of_all_tables_is_loaded_where_no_code_has_it(more, init):
    files = {
        "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"pg": "8"}}',
        "a.js": "connect(process.env.DATABASE_URL); app.listen(3000)",
        "db/schema.sql": "CREATE TABLE IF NOT EXISTS a (b int);\n",
        **more,
    }
    assert found_in(**files).stores[0].init == init


def test_parts_of_an_address_by_names_of_their_own_are_of_the_store_beside():
    compose = """
    services:
      web: {build: ., command: python app.py, env_file: .env}
      db: {image: mysql:8}
    """
    given = "SHOP_DBHOST=localhost\nSHOP_DBPORT=3306\nSHOP_DBUSER=me\nSHOP_DBPASS=pw\n"
    (web,) = found_in(**FLASK, **{"compose.yaml": compose, ".env": given}).services
    assert web.env["SHOP_DBHOST"] == "${stores.db.host}"
    assert web.env["SHOP_DBPORT"] == "${stores.db.port}"
    assert web.env["SHOP_DBPASS"] == "${stores.db.password}"


@pytest.mark.parametrize(
    ("version", "module"), [("20.0.4", "gunicorn.app.wsgiapp"), ("20.1.0", "gunicorn")]
)
def test_gunicorn_is_started_by_the_module_that_its_version_has(version, module):
    compose = "services:\n  web: {build: ., command: gunicorn app:app}\n"
    listed = f"flask\ngunicorn=={version}\n"
    files = {**FLASK, "compose.yaml": compose, "requirements.txt": listed}
    (web,) = found_in(**files).services
    assert f"-m {module} app:app" in web.run


def test_settings_of_tests_beside_those_of_a_program_are_not_its_own():
    code = """
        from fastapi import FastAPI
        from pydantic_settings import BaseSettings
        class Settings(BaseSettings):
            ALGORITHM: str
            EXPIRE_MINUTES: int
        class TestSettings(BaseSettings):
            ALGORITHM: str = "none"
            EXPIRE_MINUTES: int = 1
        app = FastAPI()
    """
    files = {"requirements.txt": "fastapi\nuvicorn\npydantic-settings\npyjwt\n", "app.py": code}
    (app,) = found_in(**files).services
    assert app.env == {"ALGORITHM": "HS256", "EXPIRE_MINUTES": "30"}


@pytest.mark.parametrize("compose", ["", "services:\n  db: {image: postgres:16}\n"])
def test_an_address_of_words_between_marks_is_that_of_the_store(compose):
    example = (
        "DATABASE_URL=postgres://<user>:<password>@<host>:<port>/<database>?sslmode=disable\n"
        "DSN=host=<host> user=<user> password=<password> dbname=<database> port=<port>\n"
    )
    files = {
        "go.mod": "module shop\nrequire github.com/jackc/pgx/v5 v5.5.0\n",
        "go.sum": "github.com/jackc/pgx/v5 v5.5.0 h1:x=\n",
        "main.go": 'package main\nimport ("net/http"; "os")\nfunc main() {\n'
        'open(os.Getenv("DATABASE_URL"), os.Getenv("DSN"))\nhttp.ListenAndServe(":80", nil)\n}\n',
        ".env.example": example,
        **({"compose.yaml": compose} if compose else {}),
    }
    found = found_in(**files)
    assert [store.kind for store in found.stores] == ["postgres"]
    (shop,) = found.services
    assert shop.env["DATABASE_URL"] == "${stores.db.url}?sslmode=disable"
    assert shop.env["DSN"].startswith("host=${stores.db.host} user=${stores.db.user} ")


def test_lists_in_a_folder_above_are_those_of_the_program_below():
    files = {
        "compose.yaml": "services:\n  web: {build: ., command: python app.py}\n",
        "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY src/ .\n",
        "requirements/local.txt": "flask\n",
        "src/app.py": FLASK["app.py"],
    }
    (web,) = found_in(**files).services
    assert web.folder == "src"
    assert "-r ../requirements/local.txt" in web.tasks["install"]


def test_a_library_that_is_only_listed_does_not_choose_the_scheme_of_another():
    code = """
        import os
        from sqlalchemy.ext.asyncio import create_async_engine
        from fastapi import FastAPI
        engine = create_async_engine(os.environ["DATABASE_URL"])
        app = FastAPI()
    """
    listed = "fastapi\nuvicorn\nsqlalchemy\nasyncpg\ntortoise-orm\n"
    (app,) = found_in(**{"requirements.txt": listed, "app.py": code}).services
    assert app.env["DATABASE_URL"].startswith("postgresql+asyncpg://")
    steps = "from sqlalchemy.ext.asyncio import a\nasync_engine_from_config(b)\n"
    plain = code.replace("create_async_engine(", "make(")
    files = {"requirements.txt": listed, "app.py": plain, "migrations/env.py": steps}
    (app,) = found_in(**files).services
    assert app.env["DATABASE_URL"].startswith("postgresql+asyncpg://")
