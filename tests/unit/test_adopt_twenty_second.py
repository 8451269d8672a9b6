"""What a twenty-second round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import pytest
from repository import FLASK, folder_of, found_in, runs, system_of, text_of

from tarmac.adopt.packages.package_day import day_of
from tarmac.adopt.packages.python_workers import workers
from tarmac.adopt.variables import code, hocon
from tarmac.adopt.variables.dotenv_files import of_file
from tarmac.base.foreign import files as foreign_files

GO = {"go.mod": "module example.org/shop\n"}
GRADLE = (
    'plugins {\n    kotlin("jvm")\n    alias(libs.plugins.ktor)\n}\n'
    'dependencies { implementation("org.postgresql:postgresql:42.7") }\n'
)
KTOR = {
    "build.gradle.kts": GRADLE,
    "gradlew": "",
    "src/main/kotlin/Application.kt": (
        "fun main(args: Array<String>) = io.ktor.server.netty.EngineMain.main(args)\n"
    ),
}
SETTINGS = "src/main/resources/application.conf"


def named(found):
    return {service.name: service for service in found.services}


# Ktor, HOCON and JDBC.


def test_settings_in_hocon_name_variables_with_their_defaults():
    text = """
    ktor { deployment { port = 8080 // here
        port = ${?PORT} }, application.modules = [ a.b, c ] }
    storage : { jdbcURL = "jdbc:postgresql://localhost:5432/notes" # of work
      jdbcURL = ${?PLACE}
      user = ${LOGIN}
    }
    note = "a { b = 1 } # no remark"
    """
    found = {read.name: read for read in hocon.variables(SETTINGS, text)}
    assert {name: read.default for name, read in found.items()} == {
        "PORT": "8080",
        "PLACE": "jdbc:postgresql://localhost:5432/notes",
        "LOGIN": None,
    }
    assert (found["PLACE"].about, found["PLACE"].by_jdbc) == ("DATABASE_URL", True)
    assert found["LOGIN"].about == "DATABASE_USER"
    assert hocon.parsed(text)["note"] == "a { b = 1 } # no remark"
    assert not list(hocon.variables("nginx/site.conf", text))


def test_ktor_is_told_its_port_and_its_database_by_the_variables_of_its_settings():
    settings = (
        "ktor { deployment { port = 8081\n port = ${?PORT} } }\n"
        'storage { jdbcURL = "jdbc:postgresql://localhost:5432/notes"\n jdbcURL = ${?DB_ADDR}\n'
        ' user = "me"\n user = ${?DB_LOGIN}\n password = "pw"\n password = ${?DB_SECRET} }\n'
    )
    found = found_in(**KTOR, **{SETTINGS: settings})
    (app,) = found.services
    assert (runs(found)["app"], app.ports, app.fixed) == ("./gradlew -q run", {"http": 8081}, False)
    assert app.env == {
        "DB_ADDR": "jdbc:postgresql://${stores.db.host}:${stores.db.port}/${stores.db.database}",
        "DB_LOGIN": "${stores.db.user}",
        "DB_SECRET": "${stores.db.password}",
    }


def test_ktor_that_reads_no_variable_finds_its_database_where_its_settings_say():
    settings = (
        "ktor.deployment.port = 9090\n"
        'db { url = "jdbc:postgresql://localhost:5432/notes", user = notes, password = "s3" }\n'
    )
    found = found_in(**KTOR, **{SETTINGS: settings})
    (app,) = found.services
    assert (app.ports, app.fixed) == ({"http": 9090}, True)
    assert 'database: notes, local: {port: 5432, user: notes, password: "s3"}' in text_of(found)


@pytest.mark.parametrize(
    ("login", "end"),
    [
        ('user = env("DB_USER"); password = env("DB_PASSWORD")', ""),
        ("", "?user=${stores.db.user}&password=${stores.db.password}"),
    ],
)
def test_an_address_that_a_driver_of_jdbc_is_given_is_one_of_jdbc(login, end):
    main = f'fun main() {{ val s = Source(jdbcUrl = System.getenv("DATABASE_URL")); {login} }}\n'
    found = found_in(**KTOR | {"src/main/kotlin/Application.kt": main})
    (app,) = found.services
    place = "jdbc:postgresql://${stores.db.host}:${stores.db.port}/${stores.db.database}"
    assert app.env["DATABASE_URL"] == f"{place}{end}"


def test_kotlin_reads_variables_by_a_library_and_by_functions_of_its_own():
    text = 'val a = dotenv.get("A_URL", "x")\nval b = requireEnv("B_KEY")\n'
    text += 'val c = env["C_ID"] ?: "y"\nval d = System.getenv("D_PORT")?.toInt() ?: 8085\n'
    found = code.variables(folder_of({"src/main/kotlin/A.kt": text}))
    assert {name: read.default for name, read in found.items()} == {
        "A_URL": "x",
        "B_KEY": None,
        "C_ID": "y",
        "D_PORT": "8085",
    }


# Rust.


def test_rust_reads_variables_by_a_function_of_its_own_and_by_a_struct():
    text = (
        'fn a() { env_var("DB_URL"); env_var_opt("MAIL_HOST"); }\n'
        "#[derive(Debug, Deserialize)]\npub struct Config {\n    pub redis_url: Secret,\n"
        "    /// said\n    pub skip_mail: Option<bool>,\n    #[serde(default)]\n"
        "    pub level: Level,\n}\nfn b() { Figment::new().merge(Env::raw()).extract() }\n"
    )
    found = code.variables(folder_of({"Cargo.toml": "", "src/main.rs": text}))
    assert {name: read.default for name, read in found.items()} == {
        "DB_URL": None,
        "MAIL_HOST": "",
        "REDIS_URL": None,
        "SKIP_MAIL": "",
        "LEVEL": "",
    }


# Python.


def test_a_list_of_packages_that_windows_wrote_is_read(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_bytes("celery==5.4\r\nfastapi\r\n".encode("utf-16"))
    assert foreign_files.text(file, marked=True) == "celery==5.4\nfastapi\n"


def test_a_list_that_says_behind_each_package_what_asks_for_it_is_complete():
    folder = folder_of({"requirements.txt": "amqp==5.0.2    # via kombu\n"})
    assert day_of(["requirements.txt"], folder) == ""


def test_celery_is_told_of_tasks_and_queues_that_its_app_does_not_know():
    texts = {
        "app/core/jobs.py": "queue = Celery('x', config_source=c)\n",
        "app/mail.py": "from app.core.jobs import queue\n@queue.task()\ndef send(): ...\n",
        "app/orders.py": "send.apply_async(\n    queue='mail',\n    args=[1])\n",
    }
    (worker,) = workers(texts)
    assert worker.line.endswith("worker --loglevel info --include app.mail --queues celery,mail")
    texts["app/core/jobs.py"] = "queue = Celery('x', include=['app.mail'])\n"
    (worker,) = workers(texts)
    assert "--include" not in worker.line


CELERY = {
    "requirements.txt": "fastapi\nuvicorn\ncelery\n",
    "main.py": "app = FastAPI()\n",
    "jobs.py": "import os\nqueue = Celery('x', broker=os.environ['CELERY_BROKER_URL'])\n",
    "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD uvicorn main:app\n",
}


def test_a_worker_that_no_container_is_for_is_beside_the_program_of_a_file():
    compose = "services: {web: {build: ., ports: ['80:8000']}, db: {image: 'postgres:16'}}"
    found = found_in(**CELERY, **{"compose.yaml": compose})
    assert runs(found)["worker"].endswith("-m celery -A jobs:queue worker --loglevel info")
    one = (
        "services: {web: {build: ., ports: ['80:8000']}, "
        "jobs: {build: ., command: celery -A jobs worker}}"
    )
    assert set(runs(found_in(**CELERY, **{"compose.yaml": one}))) == {"web", "jobs"}


def test_the_end_of_an_address_is_a_place_whatever_its_variable_is_called():
    main = (
        "import os\nengine = create_async_engine(f\"postgresql+asyncpg://{os.getenv('DB_USER')}:"
        "{os.getenv('DB_PASSWORD')}@{os.getenv('DATABASE_URL')}\")\napp = FastAPI()\n"
    )
    repository = {
        "requirements.txt": "fastapi\nuvicorn\nasyncpg\nsqlalchemy\n",
        "main.py": main,
        "compose.yaml": "services: {web: {build: ., ports: [8000]}, db: {image: 'postgres:16'}}",
        "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD uvicorn main:app\n",
    }
    env = named(found_in(**repository))["web"].env
    assert env["DATABASE_URL"] == "${stores.db.address}/${stores.db.database}"
    assert (env["DB_USER"], env["DB_PASSWORD"]) == ("${stores.db.user}", "${stores.db.password}")


def test_alembic_is_told_the_address_of_a_program_that_is_told_its_parts():
    repository = {
        "requirements.txt": "fastapi\nuvicorn\npsycopg2\nalembic\n",
        "main.py": "import os\nfor n in ('DB_HOST', 'DB_PORT', 'DB_USER'): os.environ[n]\n"
        "os.environ['DB_PASSWORD']; os.environ['DB_NAME']; os.environ['DB_HOST']\n"
        "os.environ['DB_PORT']; os.environ['DB_USER']\napp = FastAPI()\n",
        "alembic.ini": "[alembic]\nscript_location = alembic\n"
        "sqlalchemy.url = postgresql://me:pw@127.0.0.1:5433/notes\n",
        "alembic/env.py": "engine_from_config(config)\n",
        "compose.yaml": "services: {web: {build: ., ports: [8000]}, db: {image: 'postgres:16'}}",
        "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD uvicorn main:app\n",
    }
    web = named(found_in(**repository))["web"]
    assert web.env["ALEMBIC_DATABASE_URL"] == (
        "postgresql://${stores.db.user}:${stores.db.password}@${stores.db.address}"
        "/${stores.db.database}"
    )
    assert "os.environ['ALEMBIC_DATABASE_URL']" in web.tasks["migrate"]


def test_a_program_does_not_wait_for_a_debugger():
    debug = (
        "import os\nif os.getenv('DEBUGGER') == 'True':\n    import debugpy\n"
        "    debugpy.listen(('0.0.0.0', 10004))\n    debugpy.wait_for_client()\n"
    )
    compose = (
        "services: {web: {build: ., ports: ['8000:8000', '10004:10004'], "
        "environment: {DEBUGGER: 'True'}}}"
    )
    repository = CELERY | {"debug.py": debug, "compose.yaml": compose}
    web = named(found_in(**repository))["web"]
    assert ("DEBUGGER" in web.env, web.ports) == (False, {"http": 8000})


def test_a_task_of_a_procfile_is_not_one_of_the_pages_beside_its_program():
    compose = """
    services:
      pages: {build: {context: ., dockerfile: pages.dockerfile}, command: yarn dev}
      web: {build: ., command: python manage.py runserver, ports: ['80:8000']}
    """
    repository = {
        "compose.yaml": compose,
        "pages.dockerfile": "FROM node:14\nCOPY . .\n",
        "Dockerfile": "FROM python:3.9\nCOPY . .\n",
        "requirements.txt": "django\n",
        "manage.py": "import django\n",
        "package.json": '{"scripts": {"dev": "webpack --watch"}, "dependencies": {"webpack": "5"}}',
        "yarn.lock": "",
        "Procfile": "release: python manage.py migrate\nweb: gunicorn shop.wsgi\n",
    }
    found = named(found_in(**repository))
    assert "release" not in found["pages"].tasks
    assert found["web"].tasks["release"].endswith("python manage.py migrate")


# Go and Procfiles.


def test_each_command_of_a_procfile_is_run_from_source():
    main = 'package main\nfunc main() { port := env("PORT", "3000") }\n'
    found = found_in(
        **GO, **{"main.go": main, "Procfile": "web: ./bin/shop migrate && ./bin/shop\n"}
    )
    (web,) = found.services
    assert (runs(found)["web"], web.ports) == ("go run . migrate && go run .", {"http": 3000})


HEAD = 'package main\nimport "example.org/shop/config"\n'
COMMANDS = {
    **GO,
    "config/config.go": 'package config\nvar Port = env("PORT", "8080")\n',
    "cmd/api/main.go": (HEAD + 'func main() { http.ListenAndServe(":" + config.Port, nil) }\n'),
    "cmd/jobs/main.go": (
        HEAD + "func main() { for msg := range consume(config.Queue) { do(msg) } }\n"
    ),
    "cmd/hooks/main.go": (
        HEAD + 'func main() { log("port", config.Queue); http.ListenAndServe(":8083", nil) }\n'
    ),
}


def test_of_several_programs_of_go_each_listens_where_its_own_code_says():
    found = named(found_in(**COMMANDS))
    assert (found["api"].ports, found["api"].fixed) == ({"http": 8080}, False)
    assert found["jobs"].ports == {}
    assert (found["hooks"].ports, found["hooks"].fixed) == ({"http": 8083}, True)


def test_a_program_of_viper_that_reads_variables_without_its_file_is_given_none():
    main = (
        'package main\nfunc main() { viper.SetConfigFile(".env")\n'
        'if err := viper.ReadInConfig(); err != nil { PORT = os.Getenv("PORT"); return }\n'
        'PORT = viper.GetString("PORT"); http.ListenAndServe(":" + PORT, nil) }\n'
    )
    found = found_in(**GO, **{"main.go": main, ".env.example": "PORT=8080\n"})
    assert "dotenv" not in found.services[0].tasks


# Examples and settings.


@pytest.mark.parametrize("name", [".example.env", ".env-example.txt"])
def test_an_example_may_be_called_in_other_ways(name):
    assert of_file(folder_of({name: "A=1\nB=[generate with <openssl rand>]\n"}))[0] == {"A": "1"}


def test_a_broker_that_a_file_of_settings_names_may_have_an_unusual_port():
    compose = "services: {web: {build: ., ports: ['80:5000']}, pg: {image: 'postgres:16'}}"
    settings = "database:\n  host: pg\n  port: 5433\n  user: me\n  password: pw\n  name: notes\n"
    files = FLASK | {"requirements.txt": "flask\npsycopg\n", "config/settings.yaml": settings}
    found = found_in(**files, **{"compose.yaml": compose})
    assert system_of(found)
    assert 'local: {port: 5433, user: me, password: "pw"}' in text_of(found)
    assert found.hosts


def test_an_extension_of_a_browser_is_no_program():
    package = (
        '{"scripts": {"dev": "vite"}, "devDependencies": {"@crxjs/vite-plugin": "2", "vite": "7"}}'
    )
    assert found_in(**{"extension/package.json": package}).services == ()


def test_steps_that_a_program_carries_out_by_itself_are_not_loaded_before():
    steps = {"migrations/001_a.up.sql": "CREATE TABLE a (id int);\n"}
    main = 'package main\nfunc main() { db := os.Getenv("DATABASE_URL") }\n'
    compose = {"compose.yaml": "services: {db: {image: 'postgres:16'}}"}
    files = {**GO, **steps, **compose, "main.go": main}
    assert found_in(**files).stores[0].init == ("migrations/001_a.up.sql",)
    by_itself = files | {"Procfile": "web: ./bin/shop migrate && ./bin/shop\n"}
    assert found_in(**by_itself).stores[0].init == ()
