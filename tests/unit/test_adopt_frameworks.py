"""What frameworks and package managers leave unsaid, and where repositories keep their files."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

from tarmac.catalog.stores.mongodb import STORE as MONGODB


def only(**files: str):
    found = found_in(**files)
    (service,) = found.services
    assert system_of(found)
    return service


PYTHON = {"requirements.txt": "gunicorn", "app.py": "app = Flask(__name__)"}


def test_a_line_of_a_procfile_finds_the_packages_that_it_needs():
    service = only(**PYTHON, Procfile="web: gunicorn app:app -b 0.0.0.0:$PORT -w 3")
    assert service.run == ".venv/bin/python -m gunicorn app:app -b 127.0.0.1:$PORT -w 3"
    assert "pip install" in service.tasks["install"]


def test_a_line_that_only_a_shell_understands_stays_as_it_is():
    line = "cd site && ./serve --on $PORT | tee log"
    assert only(**PYTHON, Procfile=f"web: {line}").run == line


@pytest.mark.parametrize(
    ("files", "wanted"),
    [
        ({".python-version": "# ours\n3.12.4\n"}, 12),
        ({"runtime.txt": "python-3.10.2"}, 10),
        ({"Dockerfile": "FROM ghcr.io/x/uv AS uv\nFROM docker.io/python:3.13-slim"}, 13),
        ({"pyproject.toml": '[project]\nrequires-python = ">=3.12"'}, 12),
        ({"docker/Dockerfile": "FROM python:3.11"}, 11),
    ],
)
def test_the_python_that_a_repository_is_for_makes_its_environment_if_it_is_there(files, wanted):
    install = only(**PYTHON, **files).tasks["install"]
    near = " || ".join(f"python3.{wanted - step} -m venv .venv" for step in range(3))
    assert f"({{ {near}; }} 2>/dev/null || python3 -m venv .venv) && " in install
    assert "python3." not in only(**PYTHON).tasks["install"]


@pytest.mark.parametrize(
    ("lock", "install", "run"),
    [
        (
            "poetry.lock",
            "poetry install --no-interaction || poetry install --no-interaction --no-root",
            "poetry run",
        ),
        ("Pipfile", "pipenv sync", "pipenv run"),
    ],
)
def test_what_a_container_runs_by_a_package_manager_is_run_by_it(lock, install, run):
    compose = "services: {api: {build: ., ports: ['8000:8000']}}"
    command = "poetry run alembic upgrade head && poetry run work --all"
    files = {"compose.yaml": compose, "Dockerfile": f"FROM x\nCMD {command}", "app.py": "import x"}
    service = only(**files, **{lock: "", "alembic.ini": "[alembic]"})
    assert service.run == f"{run} python -m alembic upgrade head && {run} work --all"
    assert service.tasks == {"install": install}, "the tables are made by what it runs"


def test_a_variable_is_read_where_its_name_is_on_the_next_line():
    code = (
        "const port = process.env.PORT;\nconst ms = process.env\n  .TOKEN_EXPIRES_IN as Duration;"
    )
    files = {"package.json": '{"scripts": {"start": "node s.ts"}}', "s.ts": code}
    assert "TOKEN_EXPIRES_IN" in only(**files).missing


def test_tables_are_made_once_where_several_programs_share_them():
    procfile = "web: gunicorn app:app -b :$PORT\nworker: celery -A app worker"
    found = found_in(**{"requirements.txt": "django", "manage.py": "", "Procfile": procfile})
    web, worker = found.services
    assert web.tasks["migrate"] == "PATH=.venv/bin:$PATH python manage.py migrate --noinput"
    assert "migrate" not in worker.tasks
    release = found_in(
        **{"requirements.txt": "x", "manage.py": "", "Procfile": f"{procfile}\nrelease: ./migrate"}
    )
    assert [list(service.tasks) for service in release.services] == [
        ["install", "release"],
        ["install"],
    ]


@pytest.mark.parametrize(
    "own", [{"artisan": "", "composer.json": "{}"}, {"manage.py": ""}, {"config.ru": ""}]
)
def test_a_package_of_pages_is_no_program_of_another_framework(own):
    page = {"package.json": '{"scripts": {"dev": "vite"}}', "Gemfile": "", "public/index.php": ""}
    assert "vite" not in only(**page, **own).run


def test_of_a_workspace_only_the_programs_are_services():
    def package(script: str) -> str:
        return f'{{"name": "x", "scripts": {{"dev": "{script}"}}}}'

    found = found_in(
        **{
            "pnpm-lock.yaml": "",
            "pnpm-workspace.yaml": "",
            "package.json": package("turbo watch dev --continue"),
            "apps/web/package.json": package("next dev"),
            "packages/api/package.json": package("tsc --watch"),
            "packages/ui/package.json": package("npx tsup"),
        }
    )
    assert [service.name for service in found.services] == ["web"]


@pytest.mark.parametrize(
    ("package", "command", "run"),
    [
        ('{"scripts": {"start": "nx serve"}}', "node api", "npm start"),
        (
            '{"scripts": {"start": "x", "build": "tsc"}}',
            "node dist/a.js",
            "npm run build && node dist/a.js",
        ),
        ('{"scripts": {"start": "x"}}', "node api/s", "node api/s"),
    ],
)
def test_what_an_image_was_built_of_is_built_here_or_started_by_its_own_script(
    package, command, run
):
    files = {"package.json": package, "Dockerfile": f"FROM node\nCMD {command}", "api/s.js": ""}
    compose = "services: {api: {build: ., ports: ['3000:3000']}}"
    if run == "npm start":
        del files["api/s.js"]
    assert only(**files, **{"compose.yaml": compose}).run == run


def test_programs_that_make_code_are_no_services():
    main = "package main\nfunc main() {}"
    files = {"cmd/app/main.go": main, "internal/tagdata/main.go": main, "tools/x/main.go": main}
    assert only(**{"go.mod": "module x.dev/app"}, **files).run == "go run ./cmd/app"


@pytest.mark.parametrize(
    ("file", "text", "port"),
    [
        ("main.go", 'import "github.com/gin-gonic/gin"\nfunc main() { gin.Default().Run() }', 8080),
        ("src/main.rs", 'axum::Server::bind(&"0.0.0.0:8090".parse()?)', 8090),
    ],
)
def test_a_framework_that_names_no_port_has_its_usual_one(file, text, port):
    files = {"go.mod": "module x.dev/app", "Cargo.toml": '[package]\nname = "x"'}
    project = "go.mod" if file.endswith(".go") else "Cargo.toml"
    text = f"package main\n{text}" if file.endswith(".go") else text
    service = only(**{project: files[project], file: text})
    assert dict(service.ports) == {"http": port}
    assert service.fixed is file.endswith(".rs"), "gin reads PORT, and a literal address does not"


@pytest.mark.parametrize(
    ("files", "variable", "reference"),
    [
        (
            {
                "Cargo.toml": '[package]\nname = "x"\n[dependencies]\nsqlx = ["postgres"]',
                "src/main.rs": "#[clap(long, env)]\npub database_url: String,",
            },
            "DATABASE_URL",
            "${stores.db.url}",
        ),
        (
            {
                "package.json": '{"scripts": {"start": "node s.js"}}',
                "db/schema.prisma": 'provider = "postgresql"\nurl = env("DATABASE_URL")',
            },
            "DATABASE_URL",
            "${stores.db.url}",
        ),
        (
            {
                "Gemfile": "gem 'rails'\ngem 'pg'",
                "bin/rails": "",
                "config/database.yml": "default:\n  adapter: postgresql",
            },
            "DATABASE_URL",
            "${stores.db.url}",
        ),
        (
            {
                "composer.json": "{}",
                "artisan": "",
                "public/index.php": "",
                ".env.example": "DB_CONNECTION=mysql\nDB_HOST=127.0.0.1",
                "config/database.php": "env('DB_HOST', '127.0.0.1'), env('DB_PORT', '3306')",
            },
            "DB_HOST",
            "${stores.db.host}",
        ),
    ],
)
def test_a_database_is_found_where_the_framework_says_it(files, variable, reference):
    assert only(**files).env[variable] == reference


def test_a_database_in_a_file_needs_no_store():
    files = {"Gemfile": "gem 'rails'", "bin/rails": "", "config/database.yml": "adapter: sqlite3"}
    assert found_in(**files).stores == ()


def test_what_other_companies_hand_out_is_not_made_up():
    code = (
        'import os\nos.environ.get("AWS_SECRET_ACCESS_KEY")\nos.environ.get("DJANGO_SECRET_KEY")\n'
        'os.environ["STRIPE_SECRET_KEY"]\n'
    )
    service = only(**{"requirements.txt": "x", "main.py": code})
    assert service.secrets == ("DJANGO_SECRET_KEY", "STRIPE_SECRET_KEY")
    assert service.optional == ("AWS_SECRET_ACCESS_KEY",)


def test_the_port_of_a_server_elsewhere_is_no_second_port():
    code = 'os.getenv("SEARCH_PORT", "9200"); os.getenv("X_HOST", "x"); os.getenv("X_PORT", "7777")'
    service = only(**{"requirements.txt": "flask", "app.py": f"app = Flask(__name__)\n{code}"})
    assert list(service.ports) == ["http"]


def test_names_that_a_program_gives_its_variables_are_no_variables():
    code = 'const { DB_HOST: HOST, DB_HOST_FILE: FILE, LEVEL = "x" } = process.env;'
    service = only(**{"package.json": '{"scripts": {"start": "node s.js"}}', "s.js": code})
    assert {*service.missing, *service.optional} == {"DB_HOST", "DB_HOST_FILE", "LEVEL"}
    assert "DB_HOST_FILE" in service.optional, "a file may hold what the other variable holds"


def test_a_compose_file_below_the_root_is_the_systems_if_it_is_the_only_one():
    project = '<Project Sdk="Microsoft.NET.Sdk.Web"></Project>'
    files = {
        "src/compose.yaml": """
            services:
              db: {image: postgres}
              api: {build: {context: ., dockerfile: Shop/Api/Dockerfile}, ports: ["80:8080"]}
        """,
        "src/Shop/Api/Dockerfile": 'FROM x\nENTRYPOINT ["dotnet", "Api.dll"]',
        "src/Shop/Api/Api.csproj": project,
        "README.md": "x",
    }
    found = found_in(**files)
    (service,) = found.services
    assert (service.name, service.folder) == ("api", "src/Shop/Api")
    assert service.run.startswith("dotnet run")
    assert found.origins == ("src/compose.yaml",)
    assert [store.name for store in found.stores] == ["db"]
    two = found_in(**files, **{"other/compose.yaml": "services: {x: {image: redis}}"})
    assert two.origins != ("src/compose.yaml",), "neither counts where there are two"


def test_an_image_that_the_repository_makes_of_a_servers_is_that_server():
    compose = """
        services:
          orders-db: {image: acme/shop-pg, environment: {POSTGRES_DB: orders}}
          api: {build: api, environment: {DATABASE_URL: "postgres://orders-db/orders?sslmode=require"}}
    """
    found = found_in(
        **{
            "compose.yaml": compose,
            "pg/Dockerfile": "FROM postgres:16\nCOPY init.sql /docker-entrypoint-initdb.d/",
            "api/Dockerfile": "FROM node",
            "api/package.json": '{"scripts": {"start": "x"}}',
        }
    )
    (store,) = found.stores
    assert (store.name, store.kind, store.version, store.database) == (
        *("orders-db", "postgres", "16", "orders"),
    )
    assert store.remarks[-1].startswith("pg/Dockerfile adds files to postgres:16")
    assert found.services[0].env["DATABASE_URL"] == "${stores.orders-db.url}", (
        "nothing is encrypted"
    )


def test_the_name_of_a_queue_is_no_database():
    env = "{QUEUE_HOST: bus, QUEUE_PORT: '4222', QUEUE_NAME: orders}"
    compose = f"""
        services:
          bus: {{image: nats}}
          api: {{build: api, environment: {env}}}
    """
    files = {"api/Dockerfile": "FROM node", "api/package.json": '{"scripts": {"start": "x"}}'}
    found = found_in(**{"compose.yaml": compose}, **files)
    assert found.services[0].env["QUEUE_HOST"] == "${broker.host}"
    assert found.services[0].env["QUEUE_NAME"] == "orders"


def test_a_server_that_speaks_mongodb_is_known_by_its_image_and_not_by_its_version():
    shows = MONGODB.fingerprint
    assert "documentdb-local" in shows.images
    assert "documentdb-local" not in shows.numbered


def test_a_program_with_a_port_for_browsers_is_not_asked_for_grpc_there():
    code = "package main\ns := grpc.NewServer()\ngrpc_health.RegisterHealthServer(s, h)\n"
    files = {"go.mod": "module x.dev/x", "main.go": code + 'flag.Int("port", 7000, "")'}
    assert only(**files).grpc_health
    files["http.go"] = 'package main\nhttp.ListenAndServe(":7000", nil)'
    assert not only(**files).grpc


def test_a_server_address_without_a_port_means_the_default_port():
    files = {"requirements.txt": "pymysql", "app.py": "app = Flask(__name__)\n"}
    host = 'os.environ.get("MYSQL_HOST"); os.environ.get("MYSQL_DB")'
    untold = found_in(**{**files, "db.py": host})
    assert untold.hosts, "the store is to be there by its name, at the default port"
    assert untold.services[0].env == {"MYSQL_HOST": "db", "MYSQL_DB": "${stores.db.database}"}
    told = found_in(**{**files, "db.py": f'{host}; os.environ.get("MYSQL_PORT")'})
    assert [store.kind for store in told.stores] == ["mysql"]
    assert not told.hosts
    assert told.services[0].env["MYSQL_HOST"] == "${stores.db.host}"


def test_an_address_keeps_the_scheme_that_the_code_compares():
    compose = """
        services:
          db: {image: postgres}
          app: {build: app, environment: {DATABASE_URL: postgres://u:p@db/x}}
    """
    files = {"compose.yaml": compose, "app/Dockerfile": "FROM x\nCMD python a.py"}
    plain = found_in(**files, **{"app/a.py": "x"})
    assert plain.services[0].env["DATABASE_URL"] == "${stores.db.url}"
    code = 'if os.environ["DATABASE_URL"].startswith("postgres://"): ...'
    asked = found_in(**files, **{"app/a.py": code})
    assert asked.services[0].env["DATABASE_URL"].startswith("postgres://${stores.db.user}:")
    assert asked.services[0].env["DATABASE_URL"].endswith("/${stores.db.database}")


def test_what_only_tests_and_checks_need_is_neither_fetched_nor_run():
    package = '{"scripts": {"start": "x"}, "dependencies": {"a": "1", "cypress": "1"}}'
    install = only(**{"package.json": package}).tasks["install"]
    assert "|| CYPRESS_INSTALL_BINARY=0 npm install --no-audit --no-fund ||" in install
    pom = "<spring-boot/><artifactId>maven-checkstyle-plugin</artifactId>"
    assert only(**{"pom.xml": pom}).run == "mvn -Dcheckstyle.skip -q spring-boot:run"


def test_an_empty_argument_of_a_container_stays_one():
    compose = "services: {app: {build: ., command: [./app, --config, '']}}"
    files = {"compose.yaml": compose, "Dockerfile": "FROM x\nCOPY . ."}
    run = only(**files, **{"go.mod": "module x.dev/app", "main.go": "package main"}).run
    assert run == "go run . --config ''"


def test_a_table_of_settings_names_variables():
    table = 'package main\nvar all = options{"DATABASE_URL": {}, "RUN_MIGRATIONS": {}}'
    files = {"go.mod": "module x.dev/app\nrequire github.com/jackc/pgx v5", "main.go": table}
    assert only(**files).env["DATABASE_URL"] == "${stores.db.url}"
    assert only(**files).env["RUN_MIGRATIONS"] == "1", "it makes its tables if it is told to"
    files["go.mod"] = "module x.dev/app\nrequire github.com/lib/pq v1"
    # It insists on an encrypted connection where nothing says otherwise.
    assert only(**files).env["DATABASE_URL"] == "${stores.db.url}?sslmode=disable"


def test_the_parts_of_an_address_are_known_in_small_letters_too():
    env = "{APP_db__host: db, APP_db__port: '5432', APP_db__user: u, APP_db__password: p}"
    compose = f"""
        services:
          db: {{image: postgres, environment: {{POSTGRES_USER: u, POSTGRES_PASSWORD: p}}}}
          app: {{build: app, environment: {env}}}
    """
    files = {"compose.yaml": compose, "app/Dockerfile": "FROM x\nCMD python a.py", "app/a.py": "x"}
    parts = ("host", "port", "user", "password")
    wanted = {f"APP_db__{part}": f"${{stores.db.{part}}}" for part in parts}
    assert only(**files).env == wanted


@pytest.mark.parametrize(
    ("file", "text", "is_lacking"),
    [
        ("schema.sql", "CREATE EXTENSION IF NOT EXISTS pgcrypto;", True),
        ("src/database/migrations/1.ts", 'sql(`"id" uuid DEFAULT uuid_generate_v4()`)', True),
        ("src/migrations/1.ts", """query('create extension "uuid-ossp"')""", True),
        ("db/schema.rb", 'enable_extension "pgcrypto"', True),
        ("app/migrations/0001_initial.py", "operations = [CryptoExtension()]", True),
        ("schema.sql", "CREATE EXTENSION citext; SELECT gen_random_uuid();", False),
        ("notes.txt", "CREATE EXTENSION pgcrypto;", False),
    ],
)
def test_an_extension_that_the_embedded_server_lacks_asks_for_an_installed_one(
    file, text, is_lacking
):
    compose = "services: {db: {image: 'postgres:16'}, app: {build: app}}"
    files = {"compose.yaml": compose, "app/Dockerfile": "FROM x\nCMD python a.py", "app/a.py": "x"}
    (store,) = found_in(**files, **{file: text}).stores
    assert (store.provider == "binary") is is_lacking
    assert any(file in remark for remark in store.remarks) is is_lacking


def test_the_server_that_a_survey_asks_for_is_in_the_file():
    files = {"requirements.txt": "psycopg", "m.sql": "create extension pgcrypto", "Dockerfile": ""}
    code = 'import os\nos.environ["DATABASE_URL"]\nwhile True: ...'
    system = system_of(found_in(**files, **{"worker.py": code}))
    assert system.file.stores["db"].provider == "binary"


@pytest.mark.parametrize(
    ("schema", "more", "where"),
    [
        ("prisma/schema.prisma", "", ""),
        ("db/schema.prisma", "", " --schema db/schema.prisma"),
        ("db/schema.prisma", ', "prisma": {"schema": "db/schema.prisma"}', ""),
    ],
)
def test_what_prisma_generates_is_there_before_the_program_and_its_tables_too(schema, more, where):
    package = '{"scripts": {"start": "x"}, "dependencies": {"@prisma/client": "1"}' + more + "}"
    files = {"package.json": package, schema: 'provider = "postgresql"\nurl = env("DATABASE_URL")'}
    assert list(only(**files).tasks) == ["install", "generate"]
    made = only(**files, **{schema.replace("schema.prisma", "migrations/1/migration.sql"): "x"})
    assert list(made.tasks) == ["install", "generate", "migrate"]
    assert made.tasks["generate"] == f"npx prisma generate{where}"
    assert made.tasks["migrate"] == f"npx prisma migrate deploy{where}"


@pytest.mark.parametrize(
    ("dockerfile", "ports", "image_port"),
    [
        ("FROM nginx\nEXPOSE 80", "", 80),
        ("FROM node\nCMD npm start", '["8080:9000"]', 9000),
        ("FROM node\nEXPOSE 3000\nCMD npm start", "", 3000),
        ("FROM node\nCMD npm start", "", 0),
    ],
)
def test_where_an_image_listens_is_in_the_file_if_it_is_elsewhere(dockerfile, ports, image_port):
    files = {"package.json": '{"scripts": {"start": "node s.js"}}', "Dockerfile": dockerfile}
    files["s.js"] = "x.listen(process.env.PORT || 3000)"
    compose = {"compose.yaml": f"services: {{app: {{build: ., ports: {ports}}}}}"} if ports else {}
    found = found_in(**files, **compose)
    (service,) = found.services
    assert service.image_port == image_port
    moved = image_port not in (0, service.ports["http"])
    assert (f"image_port: {image_port}" in text_of(found)) is moved
    (written,) = system_of(found).file.services.values()
    assert written.image_port == (image_port if moved else None)
