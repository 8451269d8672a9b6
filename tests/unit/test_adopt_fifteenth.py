"""Assemblies, scripts side by side and lock files, as a fifteenth round met them, on own files."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, FLASK, KINDS, folder_of, found_in, runs

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.survey import survey
from tarmac.adopt.variables.dotenv_files import is_secret

PROJECT = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>\n'


@pytest.mark.parametrize(
    ("assembly", "folder"), [("Shop.dll", "Shop/src"), ("Desk.dll", "Desk"), ("Tool.dll", "")]
)
def test_an_assembly_is_started_where_its_project_is(assembly, folder):
    compose = """
    services:
      web: {build: {context: ., dockerfile: Dockerfile.web}, ports: ["5000:5000"]}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile.web": f'FROM sdk\nCOPY . .\nENTRYPOINT ["dotnet", "{assembly}"]\n',
        "Shop/src/Shop.csproj": PROJECT,
        "Desk/Desk.csproj": PROJECT,
    }
    found = found_in(**files)
    started = [one.folder for one in found.services if one.name == "web"]
    assert started == ([folder] if folder else [])


def test_a_program_of_one_file_has_what_that_imports_but_not_the_program_beside_it():
    compose = """
    services:
      web: {build: ., command: python web.py}
      mail: {build: ., command: python mail.py}
    """
    files = FLASK | {
        "compose.yaml": compose,
        "web.py": "import settings\n",
        "mail.py": "import os\nos.environ['MAIL_HOST']\n",
        "settings.py": "import os\nos.environ['PAGE_SIZE']\n",
    }
    found = {one.name: one for one in found_in(**files).services}
    assert set(found["web"].missing) == {"PAGE_SIZE"}
    assert set(found["mail"].missing) == {"PAGE_SIZE", "MAIL_HOST"}


@pytest.mark.parametrize(
    ("step", "is_again"),
    [("npm install", True), ("npm i", True), ("npm ci", False), ("npm install -g yarn", False)],
)
def test_a_lock_file_that_an_image_does_not_follow_may_not_fit(step, is_again):
    files = {
        "package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"a": "1"}}',
        "package-lock.json": "{}",
        "a.js": "app.listen(3000)\n",
        "Dockerfile": f"FROM node:20\nCOPY . .\nRUN {step}\nCMD npm start\n",
    }
    (app,) = found_in(**files).services
    assert ("|| npm install --no-package-lock" in app.tasks["install"]) is is_again
    assert runs(found_in(**files))


RAILS = {
    "Gemfile": 'gem "rails"\n',
    "bin/rails": "",
    "bin/jobs": "",
    "config/puma.rb": 'port ENV.fetch("PORT", 3000)\n',
    "Dockerfile": "FROM ruby:3.4\nCOPY . .\nCMD bundle exec rails server -b 0.0.0.0\n",
}


def test_workers_of_a_procfile_are_there_beside_the_one_program_of_a_file():
    compose = """
    services:
      app: {build: ., ports: ["3000:3000"], environment: {CACHE_URL: "redis://cache"}}
      cache: {image: "redis:7"}
    """
    lines = "web: bin/rails server\ncss: bin/rails css:watch\njob: bin/jobs\nrelease: bin/rails a\n"
    found = {
        s.name: s for s in found_in(**RAILS, **{"compose.yaml": compose}, Procfile=lines).services
    }
    assert set(found) == {"app", "job"}
    assert (found["job"].run, dict(found["job"].ports)) == ("bin/jobs", {})
    assert found["job"].env == found["app"].env == {"CACHE_URL": "${stores.cache.url}"}
    assert "bundle install" in found["job"].tasks["install"]
    assert "it is not in compose.yaml" in found["job"].guesses
    assert found["app"].run == "bundle exec rails server -b 127.0.0.1 -p $PORT"


def test_a_file_with_workers_of_its_own_needs_no_procfile():
    compose = "services: {app: {build: .}, worker: {build: ., command: bin/jobs}}\n"
    found = found_in(**RAILS, **{"compose.yaml": compose}, Procfile="web: a\njob: bin/jobs\n")
    assert {service.name for service in found.services} == {"app", "worker"}


@pytest.mark.parametrize(("part", "stores"), [("development", 1), ("production", 0)])
def test_of_settings_for_each_environment_those_for_work_count(part, stores):
    other = "production" if part == "development" else "development"
    settings = f"{other}:\n  adapter: async\n{part}:\n  url: redis://localhost:6379/1\n"
    files = {
        "Gemfile": 'gem "rails"\ngem "redis"\n',
        "bin/rails": "",
        "config/cable.yml": settings,
    }
    assert len(found_in(**files).stores) == stores


def test_manifests_tell_of_the_programs_that_a_file_of_servers_has_not():
    deployment = """
    kind: Deployment
    metadata: {name: %s}
    spec: {template: {spec: {containers: [{image: "%s", env: [{name: MAIL_HOST, value: post}]}]}}}
    """
    files = {
        "compose.yaml": 'services: {db: {image: "postgres:16"}}\n',
        "news/go.mod": "module news\n",
        "news/main.go": 'package main\nvar host = os.Getenv("MAIL_HOST")\n',
        "k8s/news.yaml": deployment % ("news", "shop/news:1"),
        "k8s/post.yaml": deployment % ("post", "axllent/mailpit"),
        "k8s/sql.yaml": deployment % ("sql", "postgres:16"),
    }
    found = found_in(**files)
    assert [(store.name, store.kind) for store in found.stores] == [
        ("db", "postgres"),
        ("post", "mail"),
    ]
    (news,) = found.services
    assert news.env == {"MAIL_HOST": "${stores.post.host}"}


def test_an_image_that_fills_a_server_is_none():
    files = {
        "compose.yaml": """
            services:
              web: {build: ./web}
              db: {image: "mongo:7"}
              seed: {build: ./seed, depends_on: [db]}
            """,
        "seed/Dockerfile": "FROM mongo\nCOPY a.json /\nCMD mongoimport --host db --file /a.json\n",
    }
    files |= {f"web/{name}": text for name, text in FLASK.items()}
    found = survey(folder_of(files), CATALOGUE, KINDS | {"mongodb"})
    assert [store.name for store in found.stores] == ["db"]
    said = "seed: seed does not show how to start it here, where its container runs"
    assert f"{said} `mongoimport --host db --file a.json`" in found.left_out


def test_an_entry_point_that_is_mounted_says_what_a_plain_image_runs():
    files = {
        "compose.yaml": """
            services:
              pages:
                image: node:22
                volumes: ["./:/app"]
                entrypoint: /app/dev/pages.sh
            """,
        "dev/pages.sh": "#!/bin/sh\nset -e\nnpm install\nSHELL=/bin/sh exec npm run watch\n",
        "package.json": '{"scripts": {"watch": "a"}, "dependencies": {"a": "1"}}',
        "a.js": "",
    }
    (pages,) = found_in(**files).services
    assert (pages.name, pages.run) == ("pages", "SHELL=/bin/sh npm run watch")


@pytest.mark.parametrize("place", ["compose", "image"])
def test_a_container_changes_no_settings_of_its_tools_before_it_starts(place):
    line = "npm config set cache-min 9 && npm install && npm run dev"
    command = f"command: {line}" if place == "compose" else ""
    files = {
        "compose.yaml": f"services: {{web: {{build: ., {command}}}}}\n",
        "Dockerfile": f"FROM node:20\nCOPY . .\nCMD {line}\n",
        "package.json": '{"scripts": {"dev": "node a.js"}, "dependencies": {"a": "1"}}',
        "a.js": "app.listen(3000)\n",
    }
    (web,) = found_in(**files).services
    assert web.run == "npm run dev"


def test_one_broker_is_there_for_all_of_a_cluster():
    brokers = 'services: {web: {build: ., environment: {KAFKA_SERVERS: "%s"}}, %s}\n'
    names = ("controller", "broker-1", "broker-2")
    files = FLASK | {
        "compose.yaml": brokers
        % (
            "broker-1:19092,broker-2:19092",
            ", ".join(f'{name}: {{image: "apache/kafka:4.1.0"}}' for name in names),
        )
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    (web,) = found.services
    assert web.env == {"KAFKA_SERVERS": "${broker.address}"}
    assert found.left_out == tuple(
        f"{name}: one kafka is there for all of them: controller" for name in names[1:]
    )


@pytest.mark.parametrize("name", ["PASSWORD_RESET_TOPIC", "TOKEN_QUEUE", "RESET_TOKEN"])
def test_the_name_of_a_topic_is_no_secret(name):
    assert is_secret(name) is (name == "RESET_TOKEN")


@pytest.mark.parametrize("asks", ['[[ -n "$1" ]]', "[ $# -gt 0 ]", 'test -n "$*"'])
def test_a_script_that_hands_over_what_it_is_given_starts_its_own_program_otherwise(asks):
    script = f"""
    #!/bin/bash
    set -e
    if {asks}; then
        exec "$@"
    else
        composer install
        if [ -f a ]; then
            rm a
        fi
        php artisan migrate --force
        chown -R www-data storage
        exec apache2-foreground
    fi
    """
    files = {
        "compose.yaml": """
            services:
              app: {build: ., entrypoint: /app/start.sh, volumes: ["./:/app"]}
              pages: {image: "node:22", entrypoint: npm run watch, volumes: ["./:/app"]}
            """,
        "Dockerfile": "FROM php:8-apache\nCOPY . /app\n",
        "start.sh": script,
        "composer.json": "{}",
        "artisan": "",
        "public/index.php": "",
        "package.json": '{"scripts": {"watch": "a"}}',
        "a.js": "",
    }
    app, pages = found_in(**files).services
    assert app.run == "php artisan serve --host=127.0.0.1 --port=$PORT"
    assert app.tasks["prepare"] == "php artisan migrate --force"
    assert pages.run == "npm run watch"


def test_a_dockerfile_in_a_folder_of_its_own_is_that_of_the_one_program_it_is_built_from():
    files = {
        "go.mod": "module example.org/post/v2\n",
        "main.go": "package main\n",
        "docker/Dockerfile": (
            "ARG OPEN=80\nFROM golang AS made\nCOPY ./main.go /src/\n"
            "RUN go build -o /post .\nFROM debian\nARG OPEN=80\nENV POST_SERVER_PORT=$OPEN\n"
            'EXPOSE $OPEN\nCOPY --from=made /post .\nENTRYPOINT ["./post"]\nCMD ["serve"]\n'
        ),
    }
    (post,) = found_in(**files).services
    assert (post.name, post.run) == ("post", "go run . serve")
    assert (post.port_variable, post.fixed) == ("POST_SERVER_PORT", False)
    assert post.env == {"POST_SERVER_PORT": "${services.post.port}"}


def test_images_of_two_programs_in_one_folder_stay_apart():
    files = {
        "go.mod": "module example.org/post\n",
        "main.go": "package main\n",
        "a/Dockerfile": "FROM debian\nCOPY main.go .\nCMD ./post a\n",
        "b/Dockerfile": "FROM debian\nCOPY main.go .\nCMD ./post b\n",
    }
    assert {service.name for service in found_in(**files).services} >= {"a", "b"}


WORKSPACE = {
    "pnpm-lock.yaml": "",
    "pnpm-workspace.yaml": "packages:\n  - apps/*\n  - packages/*\n",
    "compose.yaml": 'services: {db: {image: "postgres:16"}}\n',
    "packages/data/package.json": '{"name": "@shop/data", "dependencies": {"pg": "8"}}',
    "packages/data/src/index.ts": "new Pool({ connectionString: process.env.DATABASE_URL })\n",
    "packages/other/package.json": '{"name": "@shop/other"}',
    "packages/other/src/index.ts": "process.env.OTHER_URL\n",
    "apps/api/package.json": '{"scripts": {"start": "node a.js"}, '
    '"dependencies": {"@shop/data": "workspace:*"}}',
    "apps/api/a.js": "app.listen(process.env.PORT)\n",
}


def test_a_program_reads_the_variables_of_the_packages_that_it_links():
    (api,) = found_in(**WORKSPACE).services
    assert api.env == {"DATABASE_URL": "${stores.db.url}"}
    assert (api.missing, api.watch) == ({}, ("a.js",))


def test_the_client_of_a_database_in_a_linked_package_is_generated_there():
    schema = {"packages/data/prisma/schema.prisma": 'url = env("DATABASE_URL")\n'}
    (api,) = found_in(**WORKSPACE | schema).services
    assert api.tasks["generate-data"] == "(cd ../../packages/data && npx prisma generate)"


def test_a_package_that_shows_letters_while_they_are_written_is_no_program():
    letters = {"packages/letters/package.json": '{"scripts": {"dev": "email dev -p 3002"}}'}
    assert [service.name for service in found_in(**WORKSPACE | letters).services] == ["api"]


@pytest.mark.parametrize(
    ("step", "is_carried_out"),
    [("CREATE TABLE a (n int);", True), ("-- as it was\n/*\nCREATE TABLE a (n int);\n*/", False)],
)
def test_steps_of_a_linked_package_are_carried_out_there(step, is_carried_out):
    steps = {
        "packages/data/package.json": '{"name": "@shop/data", "dependencies": {"pg": "8"}, '
        '"scripts": {"push": "drizzle-kit push", "steps": "drizzle-kit migrate"}}',
        "packages/data/drizzle.config.ts": "export default defineConfig({ out: './steps' })\n",
        "packages/data/steps/meta/_journal.json": '{"entries": [{"idx": 0, "tag": "0000_a"}]}',
        "packages/data/steps/0000_a.sql": step,
    }
    beside = {"apps/web/package.json": WORKSPACE["apps/api/package.json"], "apps/web/a.js": ""}
    api, web = found_in(**WORKSPACE | steps | beside).services
    line = "(cd ../../packages/data && pnpm run steps)"
    assert api.tasks.get("migrate") == (line if is_carried_out else None)
    assert "migrate" not in web.tasks


def test_a_password_of_two_letters_is_that_of_its_server():
    compose = """
    services:
      web: {build: ., environment: {POSTGRES_HOST: db, POSTGRES_USER: a, POSTGRES_PW: b}}
      db: {image: "postgres:16", environment: {POSTGRES_USER: a, POSTGRES_PASSWORD: b}}
    """
    reads = "".join(f"import os\nos.environ['POSTGRES_{end}']\n" for end in ("HOST", "USER", "PW"))
    files = FLASK | {"compose.yaml": compose, "app.py": f"{FLASK['app.py']}{reads}"}
    (web,) = found_in(**files).services
    assert web.env["POSTGRES_PW"] == "${stores.db.password}"


def test_a_pattern_of_files_that_an_image_copies_is_no_folder_of_its_program():
    dockerfile = (
        "FROM golang AS made\nWORKDIR /made\nCOPY src/go* ./\nCOPY src .\nRUN go build -o app .\n"
        'FROM debian\nCOPY --from=made /made/app ./app\nENTRYPOINT ["./app"]\n'
    )
    files = {"Dockerfile": dockerfile, "src/go.mod": "module a\n", "src/main.go": "package main\n"}
    (app,) = found_in(**files | {"compose.yaml": "services: {app: {build: .}}\n"}).services
    assert app.run == "go run -C src ."


def test_what_a_server_of_settings_hands_to_all_is_read_for_each_program():
    main = "@SpringBootApplication class A {}\n"
    asks = "spring.application.name=%s\nspring.config.import=configserver:http://localhost:8888/\n"
    files = {
        "config/application.properties": "spring.datasource.url=jdbc:postgresql://localhost/a\n"
    }
    for name in ("jobs", "users"):
        files |= {
            f"{name}/pom.xml": "<project>spring-boot postgresql</project>",
            f"{name}/src/main/java/A.java": main,
            f"{name}/src/main/resources/application.properties": asks % name
            + "spring.kafka.producer.bootstrap-servers=localhost:9092\n",
        }
    files["compose.yaml"] = (
        'services: {db: {image: "postgres:16"}, kafka: {image: "apache/kafka:4.1.0"}}\n'
    )
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    for service in found.services:
        assert service.env["SPRING_DATASOURCE_URL"].startswith("jdbc:postgresql://${stores.db.")
        assert service.env["SPRING_KAFKA_PRODUCER_BOOTSTRAP_SERVERS"] == "${broker.address}"
    assert len(found.services) == 2


@pytest.mark.parametrize(
    ("schema", "mode"),
    [
        ("NODE_ENV: z.enum(['development', 'production']),", "development"),
        ("NODE_ENV: z.enum(['development', 'production']).default('production'),", None),
        ("NODE_ENV: z.string().optional(),", None),
        ("PORT: z.string(),", None),
    ],
)
def test_a_program_that_checks_its_variables_is_told_that_it_is_at_work(schema, mode):
    files = {
        "package.json": '{"scripts": {"start": "node a.js"}}',
        "a.js": f"z.object({{\n  {schema}\n}}).parse(process.env)\n"
        "if (process.env.NODE_ENV === 'production') {}\napp.listen(process.env.PORT)\n",
    }
    (app,) = found_in(**files).services
    assert app.env.get("NODE_ENV") == mode


KOANF = (
    'package main\nk.Load(env.Provider("NEWS_", ".", func(s string) string {\n'
    "\treturn %s\n}), nil)\n"
)


@pytest.mark.parametrize(
    ("file", "code", "name"),
    [
        (
            "main.go",
            KOANF % 'strings.Replace(strings.TrimPrefix(s, "NEWS_"), "__", ".", -1)',
            "NEWS_DB__HOST",
        ),
        (
            "main.go",
            KOANF % 'strings.ReplaceAll(strings.TrimPrefix(s, "NEWS_"), "_", ".")',
            "NEWS_DB_HOST",
        ),
        (
            "src/main.rs",
            'fn main() { Figment::new().merge(Env::prefixed("NEWS_").split("__")); }\n',
            "NEWS_DB__HOST",
        ),
    ],
)
def test_variables_whose_prefix_is_stripped_override_a_file_of_settings(file, code, name):
    files = {
        "compose.yaml": 'services: {db: {image: "postgres:16"}}\n',
        "config.toml": '[db]\nhost = "localhost"\nport = 5432\nuser = "a"\npassword = "b"\n',
        file: code,
        "go.mod": "module news\nrequire github.com/jackc/pgx/v5 v5.0.0\n",
        "Cargo.toml": '[package]\nname = "news"\n[dependencies]\nsqlx = "postgres"\n',
    }
    del files["Cargo.toml" if file.endswith(".go") else "go.mod"]
    (news,) = found_in(**files).services
    assert news.env[name] == "${stores.db.host}"


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        ("mvertes/alpine-mongo", "mongodb"),
        ("acme/redis-alpine:7", "redis"),
        ("mongo-express", None),
        ("prometheuscommunity/postgres-exporter", None),
        ("acme/redis-ui", None),
    ],
)
def test_an_image_of_another_is_known_by_the_server_in_its_name(image, kind):
    found = servers.of_image(image)
    assert (found.kind if found else None) == kind


def test_a_file_of_a_broker_alone_says_nothing_of_the_databases():
    files = {
        "compose.broker.yaml": 'services: {kafka: {image: "apache/kafka:4.1.0"}}\n',
        "api/package.json": '{"scripts": {"start": "node a.js"}, "dependencies": {"pg": "8"}}',
        "api/a.js": "app.listen(process.env.PORT)\nprocess.env.DATABASE_URL\n",
        "api/.env.example": "DATABASE_URL=postgres://a:b@localhost:5432/notes\n",
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    assert [store.kind for store in found.stores] == ["postgres"]
    (api,) = found.services
    assert api.env["DATABASE_URL"] == "${stores.db.url}"


@pytest.mark.parametrize(("listed", "broker"), [("kafka-python\n", "kafka"), ("\n", None)])
def test_servers_to_begin_with_are_those_of_kafka_where_its_client_is(listed, broker):
    files = FLASK | {
        "requirements.txt": f"flask\n{listed}",
        "app.py": f"{FLASK['app.py']}import os\nos.environ['BOOTSTRAP_SERVERS']\n",
    }
    found = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"})
    assert (found.broker.kind if found.broker else None) == broker


def test_paths_of_a_containers_programs_stay_in_it():
    compose = "services: {web: {build: ., environment: {PATH: /app/bin, HOME: /app, SIZE: 3}}}\n"
    (web,) = found_in(**FLASK | {"compose.yaml": compose}).services
    assert web.env == {"SIZE": "3"}


@pytest.mark.parametrize(
    ("image", "first", "kind"),
    [
        ("postgres:16", "POSTGRES_USER", "POSTGRES"),
        ("mongo:7", "MONGO_INITDB_ROOT_USERNAME", "MONGO"),
    ],
)
def test_the_first_user_of_a_server_is_its_own_here(image, first, kind):
    compose = f"""
    services:
      web: {{build: ., environment: {{{kind}_USER: boss, REPORTS_USER: boss}}}}
      db: {{image: "{image}", environment: {{{first}: boss, {kind}_PASSWORD: b}}}}
    """
    files = FLASK | {"compose.yaml": compose}
    (web,) = survey(folder_of(files), CATALOGUE, KINDS | {"mongodb"}).services
    assert web.env == {f"{kind}_USER": "${stores.db.user}", "REPORTS_USER": "boss"}


@pytest.mark.parametrize("host", ["host.docker.internal", "host.minikube.internal"])
def test_the_machine_of_containers_is_where_the_one_database_is(host):
    compose = f"""
    services:
      web:
        build: .
        environment:
          DSN: "host={host} port=5432 user=a password=b dbname=c"
          DATABASE_URL: "postgres://a:b@{host}:5432/c"
      db: {{image: "postgres:16"}}
    """
    (web,) = found_in(**FLASK | {"compose.yaml": compose}).services
    assert web.env["DSN"].startswith("host=${stores.db.host} port=${stores.db.port} user=${")
    assert web.env["DATABASE_URL"] == "${stores.db.url}"
