"""What a twenty-ninth round of repositories has taught of programs and of their words."""

from __future__ import annotations

import json

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs, text_of

from tarmac.adopt.survey.found import MIGRATE
from tarmac.adopt.survey.survey import survey

QUEUE = 'from celery import Celery\nqueue = Celery("a", broker="redis://localhost:6379/0")\n'
TIMES = "from .jobs import queue\nqueue.conf.beat_schedule = {}\n"


def with_broker(files):
    return survey(folder_of(files), CATALOGUE, KINDS | {"rabbitmq"})


@pytest.mark.parametrize(
    ("more", "app"),
    [
        ({"shop/times.py": TIMES}, "shop.times:queue"),
        ({"shop/times.py": TIMES, "shop/web.py": "from . import times\n"}, "shop.jobs:queue"),
        ({"shop/tasks.py": TIMES}, "shop.jobs:queue"),
        ({"shop/times.py": TIMES, "shop/other.py": TIMES}, "shop.jobs:queue"),
    ],
)
def test_the_clock_of_celery_starts_from_the_module_that_has_its_times(more, app):
    files = {"requirements.txt": "celery\nredis\n", "shop/jobs.py": QUEUE, **more}
    said = runs(found_in(**files))
    assert f"celery -A {app} beat" in said["beat"]
    assert "celery -A shop.jobs:queue worker" in said["worker"]


@pytest.mark.parametrize(
    ("text", "worker", "beat"),
    [
        ("celery -A shop.jobs worker\ncelery -A shop.times beat\n", "shop.jobs", "shop.times"),
        ("$ poetry run celery worker --app shop.jobs\n", "shop.jobs", "shop.times:queue"),
        ("celery -A other worker\n", "shop.jobs:queue", "shop.times:queue"),
        ("Run `celery -A shop.times worker` first\n", "shop.jobs:queue", "shop.times:queue"),
    ],
)
def test_a_readme_names_the_apps_of_celery(text, worker, beat):
    files = {"requirements.txt": "celery\nredis\n", "shop/jobs.py": QUEUE, "shop/times.py": TIMES}
    said = runs(found_in(**files, **{"README.md": f"# Shop\n\n```\n{text}```\n"}))
    assert f"celery -A {worker} worker" in said["worker"]
    assert f"celery -A {beat} beat" in said["beat"]


@pytest.mark.parametrize(
    ("listed", "steps", "line"),
    [
        ("flask\nFlask-Migrate\n", "migrations/versions/1_a.py", "flask --app app:app db upgrade"),
        ("flask\n", "migrations/versions/1_a.py", ""),
        ("flask\nFlask-Migrate\n", "migrations/env.py", ""),
    ],
)
def test_tables_of_flask_are_made_by_its_own_command(listed, steps, line):
    files = {"requirements.txt": listed, "app.py": FLASK["app.py"], steps: "x = 1\n"}
    (app,) = found_in(**files).services
    assert app.tasks.get(MIGRATE, "").endswith(line)
    assert (MIGRATE in app.tasks) == bool(line)


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("REDIS_HOST = '127.0.0.1'\nREDIS_PORT = 6379\n", True),
        ("class A:\n    REDIS_HOST: str = 'localhost'  # here\n    REDIS_PORT = 6379\n", True),
        ("REDIS_HOST = 'redis.example.com'\nREDIS_PORT = 6379\n", False),
        ("MAIL_HOST = 'localhost'\n", False),
        ("HOST = 'localhost'\nPORT = 6379\n", False),
    ],
)
def test_names_of_python_say_where_a_server_is(code, found):
    files = {"requirements.txt": "flask\nredis\n", "app.py": FLASK["app.py"], "settings.py": code}
    stores = {store.kind: store for store in found_in(**files).stores}
    assert ("redis" in stores) == found
    if found:
        assert stores["redis"].known.port == 6379


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("- Python 3.9\n- Flask\n", "{ python3.9 -m venv"),
        ("Needs Python 3.9+\n", "python3 -m venv"),
        ("Python 3.9 or newer\n", "python3 -m venv"),
        ("Python 3.9.1 - 3.12\n", "python3 -m venv"),
        ("python\n", "python3 -m venv"),
    ],
)
def test_a_readme_names_the_python_that_nothing_else_names(text, first):
    files = {"requirements.txt": "flask\n", "app.py": FLASK["app.py"]}
    (app,) = found_in(**files, **{"README.md": f"# Shop\n\n{text}"}).services
    assert first in app.tasks["install"]
    assert ("python3.9" in app.tasks["install"]) == ("3.9 " in first)
    (app,) = found_in(**files, **{"README.md": text, ".python-version": "3.12"}).services
    assert "python3.12" in app.tasks["install"]


def test_the_port_of_a_server_that_a_program_asks_is_not_its_own():
    asks = 'package shop\nfunc Place() string {\n\tport := os.Getenv("QUEUE_PORT")\n'
    asks += '\tif port == "" {\n\t\tport = "5672"\n\t}\n\treturn port\n}\n'
    main = 'package main\nimport "acme.example/shop/own"\nfunc main() {\n'
    main += '\tserver.Run(":" + os.Getenv("PORT"))\n}\n'
    files = {"go.mod": "module acme.example/shop\n", "main.go": main, "own/own.go": asks}
    (app,) = found_in(**files).services
    assert [*app.ports.values()] == [8000]


NX = {
    "package.json": '{"name": "shop", "devDependencies": {"nx": "21", "amqplib": "1"}}',
    "nx.json": '{"plugins": [{"options": {"serveTargetName": "serve"}}]}',
    "apps/api/package.json": '{"name": "@shop/api", "nx": {"targets": {"serve": {"executor": '
    '"@nx/js:node"}}}}',
    "apps/api/src/main.ts": "app.listen(process.env.PORT || 3333);\n",
    "apps/api-e2e/package.json": '{"name": "@shop/api-e2e", "nx": {"targets": {"serve": {}}}}',
    "apps/jobs/project.json": '{"name": "jobs", "targets": {"serve": {"executor": "@nx/js:node"}}}',
    "apps/jobs/src/main.ts": "NestFactory.createMicroservice(A, {transport: Transport.RMQ, "
    "options: {urls: [process.env.RABBITMQ_URL]}});\n",
    "apps/web/project.json": '{"name": "web"}',
    "apps/web/vite.config.ts": "export default {};\n",
    "libs/own/project.json": '{"name": "own", "targets": {"build": {}}}',
}


def test_each_project_of_nx_that_has_a_server_is_a_program():
    found = with_broker(NX)
    assert {one.name: one.run for one in found.services} == {
        "api": "npx nx serve @shop/api",
        "jobs": "npx nx serve jobs",
        "web": "npx nx serve web --port $PORT",
    }
    api, jobs, web = found.services
    assert [*api.ports.values()] == [3333]
    assert not jobs.ports
    assert [*web.ports.values()] == [4200]
    assert text_of(found).count("within: 5m") == 2, "those that listen are built before"
    assert "RABBITMQ_URL" in jobs.env
    assert "RABBITMQ_URL" not in api.env, "the code of another project is not its own"
    assert api.env["NX_DAEMON"] == "false"
    assert "NX_NO_CLOUD" not in api.env
    cloud = {**NX, "nx.json": '{"nxCloudId": "1"}'}
    assert with_broker(cloud).services[0].env["NX_NO_CLOUD"] == "true"
    old = {**NX, "package.json": NX["package.json"].replace("21", "^18.3.4")}
    assert all("CI" not in one.env for one in with_broker(old).services)
    assert api.env["CI"] == "true"
    plain = {name: text for name, text in NX.items() if name != "nx.json"}
    assert not found_in(**plain).services


SPRING = {
    "pom.xml": "<parent><artifactId>spring-boot-starter-parent</artifactId>\n<version>2.6</version>"
    "</parent>\nspring-boot-starter-amqp\nspring-boot-starter-data-redis\n"
    "spring-boot-maven-plugin",
    "src/main/java/A.java": "import org.springframework.amqp.rabbit.core.RabbitTemplate;\n"
    "import org.springframework.data.redis.core.RedisTemplate;\n"
    "@SpringBootApplication class A {}\n",
    "src/main/resources/application.properties": "spring.rabbitmq.username=root\n"
    "spring.rabbitmq.port=5672\n",
    "compose.yml": "services:\n  q: {image: rabbitmq}\n  cache: {image: redis}\n",
}


def test_springs_port_of_a_broker_alone_leaves_its_host_at_this_machine():
    (app,) = with_broker(SPRING).services
    assert app.env["SPRING_RABBITMQ_HOST"] == "${broker.host}"
    assert app.env["SPRING_RABBITMQ_PORT"] == "${broker.port}"
    assert app.env["SPRING_RABBITMQ_USERNAME"] == "${broker.user}"
    assert app.env["SPRING_REDIS_HOST"] == "${stores.cache.host}"
    assert "SPRING_REDIS_PASSWORD" not in {*app.env, *app.secrets}, "its server asks for none"


@pytest.mark.parametrize("name", ["ERROR_QUEUE_ROUTING_KEY", "ROUTING_KEY", "ORDERS_PARTITION_KEY"])
def test_a_key_that_says_where_something_goes_is_no_secret(name):
    (app,) = found_in(
        **{**FLASK, "app.py": f'{FLASK["app.py"]}import os\nos.environ["{name}"]\n'}
    ).services
    assert name in app.missing
    assert not app.secrets


ROOT = """
package cmd
var rootCmd = &cobra.Command{
	Use: "shop",
	// Run: func(cmd *cobra.Command, args []string) { },
}
"""
MAIN = 'package main\nimport "acme.example/shop/cmd"\nfunc main() { cmd.Execute() }\n'


def command(name, more=""):
    run = "Run: func(cmd *cobra.Command, args []string) { gin.Default().Run() },"
    return f'package cmd\nvar it = &cobra.Command{{\n\tUse: "{name}",\n\t{run}\n}}\n{more}'


ASKS = 'func init() { it.Flags().StringVar(&file, "config", "", "its file") }\n'


@pytest.mark.parametrize(
    ("commands", "files", "line"),
    [
        ([command("start")], {}, "go run . start"),
        ([command("start"), command("version")], {}, "go run . start"),
        (
            [command("start", ASKS)],
            {"config.yaml": "a: 1\n"},
            "go run . start --config config.yaml",
        ),
        ([command("start", ASKS)], {"config.yaml": "", "config.json": ""}, "go run . start"),
        ([command("start"), command("send")], {}, "go run ."),
        ([command("send")], {}, "go run ."),
    ],
)
def test_a_program_of_commands_is_started_by_the_one_that_starts_it(commands, files, line):
    told = {f"cmd/c{at}.go": text for at, text in enumerate(commands)}
    go = {"go.mod": "module acme.example/shop\n", "main.go": MAIN, "cmd/root.go": ROOT}
    (app,) = found_in(**go, **told, **files).services
    assert app.run == line
    image = 'FROM golang\nRUN go build -o shop main.go\nCMD ["/shop"]\n'
    (app,) = found_in(**go, **told, **files, Dockerfile=image).services
    assert app.run.removesuffix("main.go").rstrip(" .") == line.rstrip(" .")


OWN = {
    "orders/package.json": '{"name": "orders", "scripts": {"start": "node main.js"}, '
    '"dependencies": {"pg": "8"}}',
    "orders/main.js": "createServer().listen(process.env.PORT);\nprocess.env.DATABASE_HOST\n",
    "orders/Dockerfile": "FROM node:20\nCOPY . .\nCMD npm start\n",
    "orders/.env.example": "NODE_ENV=\nDATABASE_HOST=localhost\nDATABASE_PORT=5432\n"
    "DATABASE_USERNAME=postgres\nDATABASE_PASSWORD=\nDATABASE_NAME=orders\n",
    "bills/package.json": '{"name": "bills", "scripts": {"start": "node main.js"}, '
    '"dependencies": {"pg": "8"}}',
    "bills/main.js": "createServer().listen(process.env.PORT);\nprocess.env.DATABASE_URL\n",
    "bills/Dockerfile": "FROM node:20\nCOPY . .\nCMD npm start\n",
    "bills/.env.example": "DATABASE_URL=postgres://postgres:pw@localhost:5432/bills\n",
    "compose.yml": "services:\n  orders: {build: ./orders, env_file: ./orders/.env}\n"
    "  bills: {build: ./bills, env_file: ./bills/.env}\n  db: {image: postgres}\n",
}


def test_this_machine_in_examples_of_containers_is_the_one_server_of_all_databases():
    found = found_in(**OWN)
    orders, bills = sorted(found.services, key=lambda one: one.name, reverse=True)
    assert orders.env["DATABASE_HOST"] == "${stores.db.host}"
    assert orders.env["DATABASE_PASSWORD"] == "${stores.db.password}"
    assert orders.env["DATABASE_NAME"] == "${stores.db.database}"
    assert "NODE_ENV" not in orders.env, "empty, it is none of the modes that a program knows"
    assert bills.env["DATABASE_URL"] == "${stores.db-bills.url}"


STEP = "src/db/migrations/001_orders.js"
BUILT = "mikro-orm migration:up --config ./dist/orm.js"


@pytest.mark.parametrize(
    ("scripts", "step", "line"),
    [
        ({"migrate": "knex migrate:latest"}, STEP, "npm run migrate"),
        ({"migrate": "knex migrate:latest"}, "src/db/orders.js", None),
        ({"migrate": "knex migrate:rollback"}, STEP, None),
        ({"db:migrate": "npx sequelize-cli db:migrate"}, STEP, "npm run db:migrate"),
        ({"undo": "sequelize db:migrate:undo"}, STEP, None),
        ({"up": "node-pg-migrate up", "up:test": "node-pg-migrate up"}, STEP, "npm run up"),
        (
            {"orm": "mikro-orm", "build": "tsc", "migration:up": f"npm run orm -- {BUILT[10:]}"},
            STEP,
            "npm run build && npm run migration:up",
        ),
        ({"migration:up": BUILT}, STEP, None),
        (
            {"migrate:up:a": "mikro-orm migration:up", "migrate:up:b": "mikro-orm migration:up"},
            STEP,
            "npm run migrate:up:a && npm run migrate:up:b",
        ),
    ],
)
def test_tables_are_made_by_the_scripts_of_a_library(scripts, step, line):
    package = {"scripts": {"start": "node app.js", **scripts}, "dependencies": {"knex": "3"}}
    files = {"package.json": json.dumps(package), "app.js": "createServer().listen(3000);\n"}
    (app,) = found_in(**files, **{step: "exports.up = (knex) => {};\n"}).services
    assert app.tasks.get(MIGRATE) == line


LISTED = 'const wanted = ["PORT",\n  "NODE_ENV"];\nwanted.forEach((name) => {\n  if (!'


@pytest.mark.parametrize(
    ("code", "mode"),
    [
        (LISTED + "process.env[name]) { throw new Error(name); }\n});\n", "development"),
        (LISTED + "process.env[name]) { log(name); }\n});\n", None),
    ],
)
def test_a_list_of_variables_without_which_it_ends_may_have_the_mode(code, mode):
    package = '{"scripts": {"start": "node app.js"}, "dependencies": {"a": "1"}}'
    code += "createServer().listen(process.env.PORT);\n"
    (app,) = found_in(**{"package.json": package, "app.js": code}).services
    assert app.env.get("NODE_ENV") == mode


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"test/app.e2e-spec.ts": ""}, "dist/src/main"),
        ({}, "dist/main"),
        ({"test/app.ts": "", "tsconfig.build.json": "{}"}, "dist/main"),
        ({"test/app.ts": "", "tsconfig.json": '{"include": ["src"]}'}, "dist/main"),
        ({"tsconfig.json": '{"compilerOptions": {"rootDir": "."}}'}, "dist/src/main"),
        ({"test/app.ts": "", "nest-cli.json": '{"webpack": true}'}, "dist/main"),
        ({"test/app.ts": "", "main.ts": ""}, "dist/main"),
    ],
)
def test_a_compiled_program_is_where_its_compiler_puts_it(files, path):
    package = '{"scripts": {"build": "nest build"}, "dependencies": {"@nestjs/core": "11"}}'
    own = {"package.json": package, "src/main.ts": "app.listen(process.env.PORT);\n"}
    image = 'FROM node:20\nCOPY . .\nRUN npm run build\nCMD ["node", "dist/main"]\n'
    (app,) = found_in(**{**own, **files}, Dockerfile=image).services
    assert app.run == f"npm run build && node {path}"
