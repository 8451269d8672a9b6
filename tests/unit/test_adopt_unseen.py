"""Kinds of things in repositories that `init` had not met, each with small files of our own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in

from tarmac.adopt.survey.survey import survey

FLASK = {
    "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    "requirements.txt": "flask\npsycopg2\n",
    "Dockerfile": "FROM python:3.11\nWORKDIR /code\nCOPY . .\nCMD python /code/app.py\n",
}
DATABASE = "  db:\n    image: postgres:16\n"
LOGIN = "    environment: {POSTGRES_USER: sam, POSTGRES_PASSWORD: pw1, POSTGRES_DB: shop}\n"
HERE = "${stores.db.host}"


def composed(service: str = "", database: str = DATABASE + LOGIN, **files: str):
    compose = f"services:\n  web: {{build: .{service}}}\n{database}"
    return found_in(**{**FLASK, "compose.yaml": compose, **files})


def env_of(text: str, database: str = DATABASE + LOGIN, **files: str):
    return composed(f", environment: {{X_DB: {text!r}}}", database, **files).services[0].env["X_DB"]


@pytest.mark.parametrize(
    "command", ["python /code/app.py", "python app.py", "sh -c 'python /code/app.py'"]
)
def test_a_path_of_the_container_is_the_one_of_the_file_here(command):
    (web,) = composed(f", command: {command!r}", "").services
    assert web.run == ".venv/bin/python app.py"


def test_a_program_of_the_system_keeps_its_path():
    (web,) = composed(", command: python /usr/bin/app.py", "").services
    assert web.run == ".venv/bin/python /usr/bin/app.py"


def test_a_migration_of_a_procfile_is_run_once_with_the_packages_that_are_installed():
    found = composed(
        "}\n  worker: {build: ., command: celery -A app worker",
        "",
        Procfile="release: python manage.py migrate\nweb: python app.py\n",
    )
    tasks = {s.name: s.tasks.get("release") for s in found.services}
    assert tasks == {"web": "PATH=.venv/bin:$PATH python manage.py migrate", "worker": None}


def test_a_manage_py_of_flask_has_no_migrations_of_django():
    (web,) = composed(**{"manage.py": "from flask.cli import FlaskGroup\n"}).services
    assert "migrate" not in web.tasks


@pytest.mark.parametrize(
    ("listed", "scheme"),
    [
        ("Flask-SQLAlchemy==3.0.3\npsycopg2-binary==2.9.6\n", "postgresql+psycopg2"),
        ("sqlalchemy\npsycopg2\n", "postgresql+psycopg2"),
        ("sqlalchemy==2.0.30\npsycopg2\n", ""),
        ("sqlalchemy\npsycopg[binary]\n", ""),
        ("django\npsycopg2\n", ""),
    ],
)
def test_an_address_names_its_driver_where_the_newest_sqlalchemy_takes_another(listed, scheme):
    value = env_of("postgresql://sam:pw1@db:5432/shop", **{"requirements.txt": listed})
    assert value.partition("://")[0] == (scheme or "${stores.db.url}")


def test_a_port_that_is_also_exposed_is_one():
    (web,) = composed(", ports: ['8001:8000'], expose: [8000]", "").services
    assert [*web.ports] == ["http"]


def test_a_variable_with_the_port_of_its_container_is_its_port():
    (web,) = composed(
        ", ports: ['8888:8888'], environment: {WEB_PORT: '8888'}",
        "",
        **{"app.py": "import os\nserve(os.environ['WEB_PORT'], os.environ.get('HTTP_PORT'))\n"},
    ).services
    assert web.env["WEB_PORT"] == "${services.web.port}"
    assert "HTTP_PORT" not in web.env


@pytest.mark.parametrize("name", ["JWT_TOKEN_PREFIX", "REFRESH_TOKEN_IN_COOKIE", "API_KEY_SUFFIX"])
def test_how_a_secret_is_carried_is_no_secret(name):
    code = f"import os\nos.environ['{name}']\n"
    (web,) = composed("", "", **{"app.py": code, ".env.example": f"{name}=x\n"}).services
    assert (web.secrets, web.env[name]) == ((), "x")


def test_a_value_like_the_password_is_it_only_under_a_name_that_says_so():
    env = composed(
        ", environment: {DB_HOST: db, DB_TYPE: postgres, DB_PASS: postgres, DB_NAME: postgres}",
        DATABASE + "    environment: {POSTGRES_PASSWORD: postgres}\n",
    )
    env = env.services[0].env
    assert (env["DB_TYPE"], env["DB_PASS"]) == ("postgres", "${stores.db.password}")


def test_the_kind_of_a_database_is_not_its_name():
    env = {"DB": "postgres", "DB_HOST": "db", "DB_NAME": "shop"}
    given = ", ".join(f"{name}: {value}" for name, value in env.items())
    made = "    environment: {POSTGRES_DB: shop, POSTGRES_PASSWORD: postgres}\n"
    (web,) = composed(f", environment: {{{given}}}", DATABASE + made).services
    assert (web.env["DB"], web.env["DB_NAME"]) == ("postgres", "${stores.db.database}")


def test_redis_has_no_database_by_name():
    found = composed(
        ", environment: {REDIS_HOST: cache, REDIS_DB: '2'}", "  cache: {image: redis}\n"
    )
    assert found.services[0].env["REDIS_DB"] == "2"


def test_a_mail_server_with_a_password_is_no_database():
    code = "import os\n[os.environ[f] for f in ()]\n" + "".join(
        f"os.environ['SMTP__{end}']\n" for end in ("SERVER", "PASSWORD", "PORT")
    )
    (web,) = composed(**{"app.py": code}).services
    assert not [name for name in web.env if name.startswith("SMTP")]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (
            "host=db user=sam password=pw1 dbname=shop sslmode=disable",
            (
                f"host={HERE} port=${{stores.db.port}} user=${{stores.db.user}} "
                "password=${stores.db.password} dbname=${stores.db.database} sslmode=disable"
            ),
        ),
        (
            "Server=db;Port=5432;Database=shop;User Id=sam;Password=pw1",
            (
                f"Server={HERE};Port=${{stores.db.port}};Database=${{stores.db.database}};"
                "User Id=${stores.db.user};Password=${stores.db.password}"
            ),
        ),
        (
            (
                '{"url": "jdbc:postgresql://db:5432/shop", "a.username": "sam", '
                '"a.password": "pw1", "mail.password": "x"}'
            ),
            (
                f'{{"url": "jdbc:postgresql://{HERE}:${{stores.db.port}}/${{stores.db.database}}", '
                '"a.username": "${stores.db.user}", "a.password": "${stores.db.password}", '
                '"mail.password": "x"}'
            ),
        ),
        ("host=elsewhere user=sam password=pw1", "host=elsewhere user=sam password=pw1"),
    ],
)
def test_an_address_in_words_is_the_stores(text, written):
    assert env_of(text) == written


def test_a_login_before_an_address_of_gos_mysql_is_the_stores():
    database = "  db: {image: mysql, environment: {MYSQL_ROOT_PASSWORD: pw1}}\n"
    written = "${stores.db.user}:${stores.db.password}@tcp(${stores.db.address})/shop"
    assert env_of("root:pw1@tcp(db:3306)/shop", database) == written


def test_a_sqlite_file_on_a_volume_of_its_container_is_on_that_here():
    found = composed(
        ", volumes: [{type: volume, source: data, target: /data}], "
        "environment: {DATABASE_URL: 'sqlite:////data/db.sqlite'}",
        "volumes: {data: }\n",
    )
    assert found.services[0].env["DATABASE_URL"] == "sqlite:///${volumes.data.path}/db.sqlite"


def test_a_host_in_a_comment_is_not_connected_to():
    code = "# DATABASES = {'HOST': 'db'}\n# x = 'postgres://db/x'\n"
    assert composed(**{"app.py": code}).services[0].to_do == ()


def test_a_front_end_behind_nginx_is_served_by_its_own_server_at_the_published_port():
    package = '{"scripts": {"start": "react-app-rewired start"}, "dependencies": {"react": "16"}}'
    image = "FROM node\nRUN npm run build\nFROM nginx\nCOPY --from=0 /build /www\nEXPOSE 80\n"
    found = found_in(
        **{
            "web/package.json": package,
            "web/Dockerfile": image,
            "compose.yaml": "services:\n  web: {build: web, ports: ['9090:80']}\n",
        }
    )
    (web,) = found.services
    assert (web.ports, web.fixed, web.image_port) == ({"http": 9090}, False, 80)


def test_a_start_script_of_what_is_not_built_yet_comes_after_the_build():
    package = '{"scripts": {"start": "node dist/index", "build": "tsc"}}'
    (app,) = found_in(**{"package.json": package, "src/index.ts": "app.listen(3000)"}).services
    assert app.run == "npm run build && npm start"


def test_packages_without_a_lock_may_be_of_an_older_npm():
    package = '{"scripts": {"start": "node index.js"}, "dependencies": {"express": "4"}}'
    (app,) = found_in(**{"package.json": package, "index.js": "app.listen(3000)"}).services
    assert app.tasks["install"].endswith(
        "|| npm install --no-audit --no-fund || npm install --no-audit --no-fund --legacy-peer-deps"
    )


def test_env_var_of_node_says_what_it_needs_and_what_has_a_default():
    code = (
        "import { get } from 'env-var'\n"
        "const a = get('DB_HOST').required().asString()\n"
        "const b = get('SPEED').default('7').asIntPositive()\n"
        "const url = `postgres://${db.user}:${db.password}@${db.host}/${db.name}`\n"
    )
    package = '{"scripts": {"start": "node i.js"}, "dependencies": {"slonik": "1", "env-var": "7"}}'
    found = found_in(
        **{
            "package.json": package,
            "i.js": code,
            ".env.example": "DB_HOST=localhost\n",
            "docker/docker-compose.yml": "services:\n" + DATABASE,
        }
    )
    (app,) = found.services
    assert app.optional == ("SPEED",)
    assert (app.env["DB_HOST"], found.hosts) == ("db", True), "the address has no port in it"


@pytest.mark.parametrize(
    "copied", ["COPY --from=b /src/cmd/api/config.yml /", "COPY cmd/api/config.yml ."]
)
def test_a_program_of_go_starts_where_its_file_of_settings_is(copied):
    found = found_in(
        **{
            "go.mod": "module x\n",
            "cmd/api/main.go": "package main\nfunc main() {}\n",
            "cmd/api/config.yml": "http: {port: 5001}\n",
            "cmd/job/main.go": "package main\nfunc main() {}\n",
            "api.Dockerfile": (
                "FROM golang AS b\nCOPY . /src\nWORKDIR /src\n"
                "RUN go build -tags jobs -o /bin/app ./cmd/api\n"
                f'FROM scratch\n{copied}\nCOPY --from=b /bin/app /app\nCMD ["/app"]\n'
            ),
            "compose.yaml": "services:\n  api: {build: {context: ., dockerfile: api.Dockerfile}}\n",
        }
    )
    assert found.services[0].run == "go run -C ./cmd/api -tags jobs ."


@pytest.mark.parametrize(
    ("script", "is_told"),
    [
        ("url = context.config.get_main_option('sqlalchemy.url')\n", True),
        ("os.environ['URL']", False),
    ],
)
def test_alembic_is_told_the_address_where_its_file_alone_has_one(script, is_told):
    (web,) = composed(
        ", environment: {DATABASE_URL: 'postgresql+asyncpg://sam:pw1@db/shop'}",
        **{
            "requirements.txt": "flask\nalembic\n",
            "alembic.ini": (
                "[alembic]\nscript_location = migrations\n"
                "sqlalchemy.url = postgresql+asyncpg://sam:pw1@db/shop\n"
            ),
            "migrations/env.py": script,
            "Dockerfile": "FROM python:3.11\nCMD python app.py\n",
        },
    ).services
    assert ("os.environ['DATABASE_URL']" in web.tasks["migrate"]) is is_told


def test_migrations_that_begin_twice_are_left_to_the_user():
    (web,) = composed(
        **{
            "requirements.txt": "flask\nalembic\n",
            "alembic.ini": "[alembic]\nscript_location = m\n",
            "m/env.py": "",
            "m/versions/a.py": "revision = 'a1'\ndown_revision = None\n",
            "m/versions/b.py": "revision: str = 'b1'\ndown_revision: None = None\n",
        }
    ).services
    assert "migrate" not in web.tasks
    assert "its migrations begin 2 times (a1, b1): run them by hand" in web.to_do


def test_a_host_in_the_code_is_found_among_many_services_in_one_pass():
    services = "".join(f"  s{n}: {{build: s{n}}}\n" for n in range(300))
    code = "import urllib\nurllib.get('http://s7:8000/x')\n"
    files = {f"s{n}/app.py": code for n in range(300)}
    reads: list[str] = []
    folder = folder_of({**files, "compose.yaml": f"services:\n{services}"})
    counted = replace(folder, read=lambda name: reads.append(name) or folder.read(name))
    survey(counted, CATALOGUE, KINDS)
    assert len(reads) < 300 * 120


def test_an_image_of_others_with_files_of_the_repository_is_no_program_of_it():
    found = composed(
        "}\n  doc: {build: {context: ., dockerfile: swagger/Dockerfile}",
        **{"swagger/Dockerfile": "FROM swaggerapi/swagger-ui\nCOPY swagger /docs\n"},
    )
    assert [service.name for service in found.services] == ["web"]
    assert any("swaggerapi/swagger-ui with files of its own" in line for line in found.left_out)


@pytest.mark.parametrize(("others", "is_told"), [("", True), ("  db2: {image: postgres}\n", False)])
def test_an_address_on_this_machine_is_the_only_store_of_its_kind(others, is_told):
    value = env_of("postgres://a:b@localhost:5433/test", DATABASE + LOGIN + others)
    assert (value == "${stores.db.url}") is is_told


WAITS = 'host="$1"\nshift\ncmd="$@"\nuntil pg_isready -h "$host"; do sleep 1; done\nexec $cmd\n'


@pytest.mark.parametrize(
    ("script", "command"),
    [
        (WAITS, "./wait-for-db.sh db python app.py"),
        (WAITS.replace("shift", "shift 2"), "./wait-for-db.sh db 5432 python app.py"),
        (f"{WAITS}", "./wait-for-db.sh db -- python app.py"),
    ],
)
def test_a_script_that_waits_for_what_it_is_told_is_left_out(script, command):
    (web,) = composed(f", command: {command!r}", **{"wait-for-db.sh": script}).services
    assert web.run == ".venv/bin/python app.py"


@pytest.mark.parametrize("sign", [";", " &&"])
def test_each_command_of_a_procfiles_line_finds_the_packages_that_are_installed(sign):
    found = found_in(
        **{
            "app.py": FLASK["app.py"],
            "requirements.txt": "flask\ngunicorn\n",
            "Procfile": f"web: flask db upgrade{sign} gunicorn app:app\n",
        }
    )
    (web,) = found.services
    python = ".venv/bin/python -m"
    assert (
        web.run == f"{python} flask db upgrade{sign} {python} gunicorn app:app -b 127.0.0.1:$PORT"
    )
    assert "install" in web.tasks


@pytest.mark.parametrize(("driver", "kind"), [("pgx", "postgres"), ("mysql", "mysql")])
def test_of_two_databases_the_one_that_a_variable_chooses_is_meant(driver, kind):
    found = found_in(
        **{
            "go.mod": "module a\nrequire github.com/jackc/pgx/v5\n"
            "require github.com/go-sql-driver/mysql\n",
            "main.go": 'package main\nvar a = os.Getenv("DB_TYPE") + os.Getenv("DB_HOST") + '
            'os.Getenv("DB_PORT") + os.Getenv("DB_PASSWORD")\nfunc main() { listen() }\n',
            ".env.example": f"DB_TYPE={driver}\nDB_HOST=somewhere\nDB_PORT=1\nDB_PASSWORD=a\n",
        }
    )
    assert [store.kind for store in found.stores] == [kind]


def test_a_library_that_takes_one_scheme_alone_gets_it():
    listed = {"requirements.txt": "tortoise-orm\nasyncpg\n"}
    assert env_of("postgres://sam:pw1@db:5432/shop", **listed).startswith("postgres://")


def test_files_in_hidden_folders_are_not_the_programs():
    (app,) = found_in(
        **{
            "pom.xml": "<project>spring-boot</project>",
            "src/main/java/App.java": "@SpringBootApplication class App {}",
            ".mvn/wrapper/Downloader.java": 'String a = System.getenv("MVNW_PASSWORD");',
        }
    ).services
    assert (app.secrets, app.missing) == ((), {})


def test_a_mail_server_without_more_words_is_its_host():
    (web,) = found_in(
        **{
            **FLASK,
            "requirements.txt": "flask\nflask-mail\n",
            "app.py": f"{FLASK['app.py']}a = environ['MAIL_SERVER']\nb = environ['MAIL_PORT']\n",
        }
    ).services
    assert web.env["MAIL_SERVER"] == "${stores.mail.host}"


def test_what_go_is_built_with_is_no_variable_of_the_program():
    found = found_in(
        **{
            "go.mod": "module a\n",
            "main.go": "package main\nfunc main() { listen() }\n",
            "Dockerfile": "FROM golang:1.24\nENV GOPROXY=https://proxy.example.com CGO_ENABLED=0\n"
            "ENV GOGO=1\nRUN go build -o a .\nCMD ./a\n",
        }
    )
    assert found.services[0].env == {"GOGO": "1"}


@pytest.mark.parametrize(
    ("schema", "secrets", "missing"),
    [
        ("required: ['COOKIE_SECRET', 'REGION']", ("COOKIE_SECRET",), ["REGION"]),
        ("required: ['COOKIE_SECRET']", ("COOKIE_SECRET",), []),
    ],
)
def test_a_json_schema_of_the_variables_says_which_are_needed(schema, secrets, missing):
    text = (
        f"import env from '@fastify/env'\nconst s = {{ type: 'object', {schema}, properties: {{\n"
    )
    text += "COOKIE_SECRET: { type: 'string' },\nREGION: { type: 'string' },\n"
    text += "LIMIT: { type: 'number', default: 4 } } }\napp.listen(3000)\n"
    package = '{"scripts": {"start": "node a.js"}, "dependencies": {"@fastify/env": "5"}}'
    (web,) = found_in(**{"package.json": package, "a.js": text}).services
    assert (web.secrets, [*web.missing]) == (secrets, missing)
    assert "LIMIT" in web.optional


def test_an_example_is_copied_where_node_reads_the_file():
    package = '{"scripts": {"start": "node --env-file=.env a.js"}}'
    files = {"package.json": package, "a.js": "app.listen(3000)\n"}
    (web,) = found_in(**files, **{".env.example": "A=1\n"}).services
    assert web.tasks["dotenv"] == "test -e .env || cp .env.example .env"
    assert found_in(**files).services[0].tasks["dotenv"] == "test -e .env || touch .env"


@pytest.mark.parametrize("host", ["myhost", "host", "your-db-host", "hostname"])
def test_a_host_that_an_example_leaves_to_its_reader_is_the_only_database(host):
    assert env_of(f"postgres://user:pass@{host}/name") == "${stores.db.url}"
    words = env_of(f"user=me password=pw host={host} port=5432 dbname=name")
    assert words.startswith(
        "user=${stores.db.user} password=${stores.db.password} host=${stores.db"
    )
    assert "dbname=${stores.db.database}" in words


def test_a_host_of_an_example_is_not_known_where_there_are_several_databases():
    two = DATABASE + LOGIN + "  other:\n    image: postgres:16\n"
    assert env_of("postgres://user:pass@myhost/name", two) == "postgres://user:pass@myhost/name"
