"""What a thirty-fourth round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from demo_system import KINDS, demo, facts_for
from repository import CATALOGUE, FLASK, folder_of, found_in, runs

from tarmac.adopt.containers.build_steps import with_paths
from tarmac.adopt.survey.survey import survey
from tarmac.adopt.variables import dotenv_files, go_tags
from tarmac.base.launch import reveal, secrets_of
from tarmac.plan.resolve import resolve

NEST = "const app = await NestFactory.create(App);\nawait app.listen(5001);\n"


def test_an_image_of_one_of_nests_programs_hides_none_of_them():
    projects = '{"projects": {"api": {"root": "apps/api"}, "mails": {"root": "apps/mails"}}}'
    files = {
        "package.json": '{"scripts": {"start": "nest start"}, "dependencies": {"a": "1"}}',
        "nest-cli.json": projects,
        "apps/api/src/main.ts": NEST,
        "apps/api/Dockerfile": 'FROM node:20\nCOPY . .\nCMD ["node", "dist/main"]\n',
        "apps/mails/src/main.ts": "NestFactory.createMicroservice(App);\n",
    }
    assert runs(found_in(**files)) == {"api": "npx nest start api", "mails": "npx nest start mails"}


@pytest.mark.parametrize(
    ("step", "plain"),
    [
        ('COPY ["src", "/app"]', "COPY src /app"),
        ('COPY --chown=me:me ["a", "b", "/app/"]', "COPY --chown=me:me a b /app/"),
        ('ADD ["src", "/app"]', "ADD src /app"),
        ('COPY ["my src", "/app"]', 'COPY ["my src", "/app"]'),
        ('CMD ["node", "main.js"]', 'CMD ["node", "main.js"]'),
    ],
)
def test_a_list_of_what_an_image_copies_is_read_as_its_words(step, plain):
    assert with_paths(f"FROM a\n{step}\n") == f"FROM a\n{plain}\n"


def test_a_program_is_in_the_folder_that_its_image_copies_by_a_list():
    files = {
        "compose.yaml": "services:\n  jobs: {build: jobs, command: celery -A tasks worker}\n",
        "jobs/requirements.txt": "celery\nredis\n",
        "jobs/Dockerfile": (
            'FROM python:3.12\nCOPY ["requirements.txt", "/"]\n'
            'RUN pip install -r requirements.txt\nCOPY ["jobs", "/src"]\nWORKDIR /src\n'
        ),
        "jobs/jobs/tasks.py": "from celery import Celery\napp = Celery()\n",
    }
    (jobs,) = found_in(**files).services
    assert jobs.folder == "jobs/jobs"
    assert "-r ../requirements.txt" in jobs.tasks["install"]


def test_an_images_python_counts_before_the_one_for_another_place():
    files = {
        **FLASK,
        "Dockerfile": FLASK["Dockerfile"].replace("3.12", "3.9"),
        "runtime.txt": "python-3.6.7\n",
        "compose.yaml": "services:\n  web: {build: .}\n",
    }
    (web,) = found_in(**files).services
    assert "{ python3.9 -m venv .venv ||" in web.tasks["install"]
    (web,) = found_in(**{**files, "Dockerfile": "FROM me/base\nCMD flask run\n"}).services
    assert "{ python3.6 -m venv .venv ||" in web.tasks["install"]


def test_bun_is_waited_for_until_it_has_installed_all():
    package = '{"scripts": {"start": "bun run main.ts"}, "dependencies": {"a": "1"}}'
    files = {
        "package.json": '{"private": true, "workspaces": ["apps/*"]}',
        "bun.lock": "",
        **{f"apps/{name}/package.json": package for name in ("api", "jobs")},
        **{f"apps/{name}/main.ts": "Bun.serve({port: 3000})" for name in ("api", "jobs")},
    }
    api, jobs = found_in(**files).services
    marker = "../../node_modules/.installed"
    assert api.tasks["install"].startswith(f"test -e {marker} || (cd ../../ && bun install && ")
    assert jobs.tasks["install"] == f"until test -e {marker}; do sleep 0.2; done"


def test_an_address_without_a_password_has_no_name_either_for_a_foreign_program():
    said = {}
    for store in ("redis", "{kind: redis, passwordless: true}"):
        system = demo(
            "tarmac: 1\nsystem: demo\nservices:\n  web:\n    run: [node, server.js]\n"
            '    port: 8080\n    env: {CACHE: "${stores.cache.url}"}\n'
            f"stores: {{cache: {store}}}\n"
        )
        plan = resolve(system, "local", facts_for(system), KINDS)
        launch = next(node for node in plan.nodes if node.name == "web").launch
        url = next(value for name, value in launch.env.items() if name == "CACHE")
        said[store] = reveal(url, {s.path: "s" for s in secrets_of(launch)})
    known, open_to_all = said.values()
    assert known.startswith("redis://web:s@")
    assert "@" not in open_to_all
    assert open_to_all.startswith("redis://")


PREFIXED = """
type DB struct {
	DSN string `env:"DSN,notEmpty"`
}

type Settings struct {
	Port int `env:"PORT" envDefault:"80"`
	Main DB  `envPrefix:"POSTGRES_"`
	Old  DB  `envPrefix:"OLD_"`
	Mail struct {
		Host string `env:"HOST"`
		Box  struct {
			Name string `env:"NAME"` // not {
		} `envPrefix:"BOX_"`
	} `envPrefix:"MAIL_"`
}

type Tool struct {
	Level string `env:"LEVEL" env-default:"info"`
}
"""


def test_a_struct_of_go_is_read_once_for_each_prefix_that_it_has():
    read = {one.name: one.default for one in go_tags.variables("main.go", PREFIXED)}
    assert read == {
        "POSTGRES_DSN": None,
        "OLD_DSN": None,
        "PORT": "80",
        "MAIL_HOST": "",
        "MAIL_BOX_NAME": "",
        "LEVEL": "info",
    }


def test_golang_migrates_address_is_one_of_postgresql():
    files = {
        **FLASK,
        "compose.yaml": "services:\n  web:\n    build: .\n"
        "    environment: {STEPS: 'pgx5://me:pw@db:5432/shop'}\n"
        "  db: {image: 'postgres:17', environment: {POSTGRES_DB: shop}}\n",
    }
    (web,) = found_in(**files).services
    assert web.env["STEPS"] == (
        "pgx5://${stores.db.user}:${stores.db.password}@${stores.db.host}:${stores.db.port}"
        "/${stores.db.database}"
    )


@pytest.mark.parametrize("library", ["github.com/IBM/sarama", "github.com/twmb/franz-go"])
def test_a_client_of_kafka_need_not_have_its_name(library):
    main = (
        'package main\nimport ("net/http"; "os"; "github.com/joho/godotenv")\nfunc main() {\n'
        '  godotenv.Load()\n  dial(os.Getenv("KAFKA_BROKER"))\n'
        '  http.ListenAndServe(":8081", nil)\n}\n'
    )
    files = {
        "go.mod": f"module orders\nrequire {library} v1.43.2\n",
        "main.go": main,
        ".env": "KAFKA_BROKER=localhost:29092\n",
    }
    found = survey(folder_of(files), CATALOGUE, frozenset({"kafka", "postgres"}))
    (orders,) = found.services
    assert (found.broker.kind, orders.env["KAFKA_BROKER"]) == ("kafka", "${broker.address}")


def test_a_file_below_that_leaves_out_an_image_is_laid_over_the_plain_one():
    work = (
        "services:\n  web: {build: ../web, depends_on: [cache]}\n  cache: {ports: ['6379:6379']}\n"
    )
    files = {
        **{f"web/{name}": text for name, text in FLASK.items()},
        "deployment/docker-compose.yml": "services:\n  cache: {image: 'redis:7.2'}\n",
        "deployment/docker-compose.dev.yml": work,
    }
    found = found_in(**files)
    assert {one.name: one.version for one in found.stores} == {"cache": "7.2"}
    whole = work.replace("cache: {ports", "cache: {image: 'redis:6', ports")
    alone = found_in(**{**files, "deployment/docker-compose.dev.yml": whole})
    assert {one.name: one.version for one in alone.stores} == {"cache": "6"}


def test_of_two_databases_a_program_is_told_the_one_that_it_has_a_library_for():
    databases = "services:\n  db: {image: 'mysql:8'}\n  pg: {image: 'postgres:16'}\n"
    files = {
        "compose.yaml": databases,
        "package.json": '{"scripts": {"start": "node index.js"}, "dependencies": {"pg": "8"}}',
        "index.js": "new Pool(process.env.DATABASE_URL)\nlisten(process.env.PORT)\n",
    }
    (web,) = found_in(**files).services
    assert web.env["DATABASE_URL"] == "${stores.pg.url}"


def test_an_image_that_only_installs_a_program_is_started_with_that():
    watch = '["celery", "--broker=redis://cache:6379", "flower", "--port=5555"]'
    files = {
        "compose.yaml": f"services:\n  watch: {{build: watch, command: {watch}}}\n"
        "  cache: {image: 'redis:7'}\n",
        "watch/Dockerfile": 'FROM python:3.10-alpine\nRUN pip install "flower==1.0.0"\n',
    }
    (watch,) = found_in(**files).services
    assert watch.run == ".venv/bin/python -m celery --broker=$BROKER flower --port=$PORT"
    assert ".venv/bin/pip install -q flower==1.0.0 &&" in watch.tasks["install"]
    other = {**files, "watch/Dockerfile": "FROM alpine\nRUN pip install flower\n"}
    assert found_in(**other).services == ()


@pytest.mark.parametrize("name", [".env_example", ".env_template", ".env_sample"])
def test_an_example_of_a_file_of_variables_may_be_named_with_a_line_below(name):
    assert dotenv_files.of_file(folder_of({name: "PORT=9000\n"})) == ({"PORT": "9000"}, name)


def test_a_module_that_a_listed_package_has_is_not_installed_from_another():
    code = "import dotenv\nfrom flask import Flask\napp = Flask(__name__)\n"
    listed = {"requirements.txt": "flask\ndjango-dotenv==1.4.2\n", "app.py": code}
    (app,) = found_in(**listed).services
    assert "python-dotenv" not in app.tasks["install"]
    (app,) = found_in(**{**listed, "requirements.txt": "flask\n"}).services
    assert "python-dotenv" in app.tasks["install"]
