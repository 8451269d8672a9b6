"""Places of servers that code has in plain words, found in a thirty-fourth round."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, FLASK, folder_of, found_in, system_of

from tarmac.adopt.survey.survey import survey

NODE = '{"scripts": {"start": "node index.js"}, "dependencies": {"%s": "5", "express": "4"}}'


@pytest.mark.parametrize(
    ("library", "code", "kind", "known"),
    [
        (
            "ioredis",
            "const c = new IORedis({\n  host: 'localhost',\n  port: 6379,\n  db: 0,\n})",
            "redis",
            (6379, None, None),
        ),
        (
            "bullmq",
            "new Queue('mails', { connection: { host: '127.0.0.1', port: 6379 } })",
            "redis",
            (6379, None, None),
        ),
        (
            "pg",
            "const at = { host: 'localhost', port: 5432, user: 'me', password: 'pw' }",
            "postgres",
            (5432, "me", "pw"),
        ),
    ],
)
def test_an_object_with_a_servers_usual_port_says_where_that_is(library, code, kind, known):
    found = found_in(**{"package.json": NODE % library, "index.js": f"{code}\nlisten(8080)\n"})
    (store,) = found.stores
    assert (store.kind, (store.known.port, *store.known.login)) == (kind, known)


def test_an_object_with_the_port_of_a_server_that_has_no_client_here_says_nothing():
    code = "const at = { host: 'localhost', port: 6379 }\nlisten(8080)\n"
    assert found_in(**{"package.json": NODE % "pg", "index.js": code}).stores == ()


@pytest.mark.parametrize(
    ("library", "call", "kind", "known"),
    [
        ("redis", "redis.Redis(host='localhost', port=6379, db=0)", "redis", (6379, None, None)),
        (
            "redis",
            "StrictRedis(\n    host='127.0.0.1',  # here\n    password='pw',\n)",
            "redis",
            (6379, None, "pw"),
        ),
        (
            "psycopg2-binary",
            "psycopg2.connect(host='localhost', user='me', password='pw', dbname='shop')",
            "postgres",
            (5432, "me", "pw"),
        ),
        (
            "pymysql",
            "pymysql.connect(host='localhost', user='me', password='pw', db='shop')",
            "mysql",
            (3306, "me", "pw"),
        ),
    ],
)
def test_a_client_for_python_is_told_by_keywords_where_its_server_is(library, call, kind, known):
    found = found_in(**{"requirements.txt": f"{library}\n", "app.py": f"server = {call}\n"})
    (store,) = found.stores
    assert (store.kind, (store.known.port, *store.known.login)) == (kind, known)
    assert store.database in ("", "shop")


@pytest.mark.parametrize(
    "call",
    [
        "redis.Redis(host=os.getenv('H'), port=6379)",
        "serve(host='localhost', port=6379)",
        "app.run(host='0.0.0.0', port=5001)",
        "1\n# redis.Redis(host='localhost')",
        "psycopg2.connect(host='localhost')",
    ],
)
def test_other_calls_are_no_clients_that_are_told_a_place(call):
    found = found_in(**{"requirements.txt": "redis\n", "app.py": f"server = {call}\n"})
    assert found.stores == ()


@pytest.mark.parametrize("name", ["orderKafka", "movies-db"])
def test_a_database_has_the_name_that_code_says(name):
    main = (
        "package main\nfunc main() {\n"
        f'  sql.Open("postgres", "postgres://me:root@localhost:5432/{name}?sslmode=disable")\n'
        '  http.ListenAndServe(":8080", nil)\n}\n'
    )
    files = {
        "go.mod": "module shop\nrequire github.com/lib/pq v1\n",
        "go.sum": "github.com/lib/pq v1 h1:a\n",
        "main.go": main,
    }
    found = found_in(**files)
    (store,) = found.stores
    assert (store.database, store.known.login) == (name, ("me", "root"))
    assert system_of(found).file.stores["db"].database == name


def test_what_makes_the_tables_is_served_where_its_own_file_says():
    config = (
        "module.exports = {\n  development: {\n    dialect: 'postgres',\n    host: '127.0.0.1',\n"
        "    port: 5432,\n    username: 'me',\n    password: 'pw',\n    database: 'shop',\n"
        "  },\n};\n"
    )
    package = (
        '{"scripts": {"start": "node index.js", "migrate": "sequelize-cli db:migrate"}, '
        '"dependencies": {"pg": "8", "sequelize": "6", "sequelize-cli": "6"}}'
    )
    files = {
        "package.json": package,
        "index.js": "connect(process.env.POSTGRES_HOST, process.env.POSTGRES_PASSWORD)\n",
        "src/database/config.js": config,
        "src/database/migrations/001-first.js": "module.exports = { up() {} };\n",
        "compose.yaml": "services:\n  db: {image: 'postgres:16'}\n",
    }
    found = found_in(**files)
    (store,) = found.stores
    assert "migrate" in found.services[0].tasks
    assert (store.known.port, *store.known.login) == (5432, "me", "pw")


def test_a_volume_that_programs_of_a_folder_share_is_one_place():
    compose = """
    services:
      web:
        build: .
        environment: {MEDIA: /app/media, DATABASE_URL: "sqlite:////app/data/db.sqlite3"}
        volumes: ["media:/app/media", "data:/app/data", "own:/app/own"]
      worker:
        build: .
        command: celery -A app worker
        environment: {MEDIA: /app/media, DATABASE_URL: "sqlite:////app/data/db.sqlite3"}
        volumes: ["media:/app/media", "data:/app/data"]
    volumes: {media: , data: , own: }
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    for one in found.services:
        assert one.env["MEDIA"] == "media"
        assert one.env["DATABASE_URL"] == "sqlite:///data/db.sqlite3"
        assert one.volumes["data"] == "data"
    alone = compose.replace('["media:/app/media", "data:/app/data"]', '["own:/app/own"]')
    web, _ = found_in(**FLASK, **{"compose.yaml": alone}).services
    assert web.env["MEDIA"] == "${volumes.media.path}"
    assert system_of(found)


def test_a_broker_has_the_name_and_the_login_that_code_says():
    compose = (
        "services:\n  worker: {build: ., command: celery -A tasks worker, depends_on: [rabbit]}\n"
        "  rabbit: {image: 'rabbitmq:3'}\n"
    )
    code = "from celery import Celery\napp = Celery('tasks', broker='amqp://me:pw@rabbit:5672//')\n"
    files = {**FLASK, "compose.yaml": compose, "tasks.py": code}
    found = survey(folder_of(files), CATALOGUE, frozenset({"rabbitmq"}))
    (worker,) = found.services
    assert worker.to_do == ()
    written = system_of(found).file
    assert written.hosts
    assert written.broker.local.model_dump(exclude_none=True) == {
        "host": "rabbit",
        "user": "me",
        "password": "pw",
    }
