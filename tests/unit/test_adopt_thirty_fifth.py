"""A thirty-fifth round of unseen repositories: what packages want, members, addresses."""

from __future__ import annotations

from textwrap import dedent

import pytest
from repository import CATALOGUE, FLASK, folder_of, found_in

from tarmac.adopt.survey.survey import survey


@pytest.mark.parametrize(
    ("version", "added"),
    [
        ("==5.2.7", " packaging"),
        ("==5.3.6", " 'kombu<5.6'"),
        ("~=5.4.0", " 'kombu<5.6'"),
        ("==5.5.3", ""),
        ("", ""),
    ],
)
def test_an_old_set_of_celery_for_redis_has_what_its_driver_wants(version, added):
    image = FLASK["Dockerfile"].replace("CMD", "RUN pip install -r requirements.txt\nCMD")
    listed = f"flask\ncelery[redis]{version}\nredis\n"
    (app, *_) = found_in(**{**FLASK, "requirements.txt": listed, "Dockerfile": image}).services
    assert f"requirements.txt{added} &&" in app.tasks["install"]


GRPC = """package config

import "github.com/spf13/viper"

type Config struct {
    Port    string `mapstructure:"PORT"`
    AuthUrl string `mapstructure:"AUTH_SVC_URL"`
}

func Load() (c Config) {
    viper.AddConfigPath("./config/envs")
    viper.SetConfigName("dev")
    viper.SetConfigType("env")
    viper.AutomaticEnv()
    viper.ReadInConfig()
    viper.Unmarshal(&c)
    return c
}
"""
SERVES = """package main

import ("net"; "shop/config")

func main() {
    listener, _ := net.Listen("tcp", config.Load().Port)
    listener.Accept()
}
"""


def test_a_file_of_variables_that_viper_reads_says_ports_and_addresses():
    places = {"gateway": "PORT=:8080\nAUTH_SVC_URL=localhost:50051\n", "auth": "PORT=:50051\n"}
    files = {
        f"{place}/{name}": text
        for place, variables in places.items()
        for name, text in {
            "go.mod": "module shop\n",
            "main.go": SERVES,
            "config/config.go": GRPC,
            "config/envs/dev.env": variables,
        }.items()
    }
    found = {one.name: one for one in found_in(**files).services}
    assert found["gateway"].env["AUTH_SVC_URL"] == "${services.auth.address}"
    assert found["gateway"].env["PORT"] == ":8080"
    assert found["auth"].env["PORT"] == ":50051"
    assert [*found["auth"].ports.values()] == [50051]
    assert found["auth"].fixed


MEMBER = """
      {own}:
        image: bitnami/mongodb:8.0
        environment: [MONGODB_REPLICA_SET_MODE={mode}, MONGODB_ROOT_PASSWORD=first]"""
SET = """
      {own}:
        image: mongo:7
        command: [mongod, --replSet, rs0, --bind_ip_all]"""


@pytest.mark.parametrize(
    "others",
    [
        [MEMBER.format(own="one", mode="primary"), MEMBER.format(own="two", mode="secondary")],
        [MEMBER.format(own="two", mode="arbiter"), MEMBER.format(own="one", mode="primary")],
        [SET.format(own="one"), SET.format(own="two")],
    ],
)
def test_a_member_of_a_set_that_copies_another_one_is_no_store(others):
    compose = f"""
    services:
      web:
        build: .
        environment: {{MONGO_URL: "mongodb://one:27017,two:27017/shop?replicaSet=rs0"}}
        depends_on: [one, two]{"".join(others)}
    """
    files = {"compose.yml": dedent(compose), **FLASK}
    found = survey(folder_of(files), CATALOGUE, frozenset({"mongodb"}))
    assert [store.name for store in found.stores] == ["one"]
    (web,) = found.services
    assert web.env["MONGO_URL"] == "${stores.one.url}"
    assert "two: programs reach one without it" in found.left_out


def test_an_example_that_is_called_after_its_program_gives_its_variables():
    files = {
        "compose.yml": "services:\n  web: {build: ., env_file: [apps/web/.env]}\n",
        "apps/web/.env.web.template": "TOKEN_LIFE=3600\n",
        "apps/web/.env.test.template": "TOKEN_LIFE=1\n",
        **FLASK,
    }
    (web,) = found_in(**files).services
    assert web.env["TOKEN_LIFE"] == "3600"


@pytest.mark.parametrize(
    ("program", "listed", "port"),
    [
        ("rqscheduler", "rq_scheduler==0.13", "6379"),
        ("rqworker", "rq", "6379"),
        ("rq-dashboard", "rq-dashboard", "$PORT"),
    ],
)
def test_a_program_of_a_package_with_another_name_starts_by_its_own(program, listed, port):
    compose = f"services:\n  jobs: {{build: ., command: {program} --port 6379}}\n"
    files = {**FLASK, "requirements.txt": f"flask\n{listed}\n", "compose.yml": compose}
    found = {one.name: one for one in found_in(**files).services}
    assert found["jobs"].run == f".venv/bin/{program} --port {port}"
    assert bool(found["jobs"].ports) is (port == "$PORT")


PRESTART = """
services:
  prestart:
    build: .
    command: sh scripts/prestart.sh
    depends_on: {db: {condition: service_healthy}}
    environment: {DATABASE_URL: "postgresql://a:b@db/shop"}
  web:
    build: .
    environment: {DATABASE_URL: "postgresql://a:b@db/shop"}
    depends_on: {prestart: {condition: service_completed_successfully}}
  db: {image: postgres:16, environment: {POSTGRES_USER: a, POSTGRES_PASSWORD: b, POSTGRES_DB: shop}}
"""


def test_first_data_comes_behind_the_tables_that_it_is_for():
    files = {
        **FLASK,
        "requirements.txt": "flask\nalembic\n",
        "alembic.ini": "[alembic]\nscript_location = steps\n",
        "scripts/prestart.sh": "python scripts/initial_data.py\n",
        "scripts/initial_data.py": "main()\n",
        "compose.yml": PRESTART,
    }
    (web,) = found_in(**files).services
    tasks = [*web.tasks]
    assert tasks.index("migrate") < tasks.index("prestart")


def together(**more: str) -> dict[str, str]:
    """Write two compose files, each with a service of the same name, that a Makefile starts."""
    one = "services:\n  api: {{image: {0}, container_name: {0}, command: flask run, {1}}}\n"
    mounts = 'volumes: ["./../../../{0}:/code"]'
    files = {
        f"{name}/stacks/{name}/docker-compose.yml": one.format(name, mounts.format(name))
        for name in ("shop", "stock")
    }
    calls = "".join(f"\tdocker compose -f {file} up -d\n" for file in files)
    apps = {f"{name}/{file}": text for name in ("shop", "stock") for file, text in FLASK.items()}
    return {**files, **apps, "requirements.txt": "flask\n", "Makefile": f"all:\n{calls}", **more}


def test_services_of_one_name_that_a_script_starts_together_are_called_apart():
    assert {one.name for one in found_in(**together()).services} == {"shop", "stock"}


def test_services_of_one_name_that_their_files_ask_for_are_of_systems_beside_each_other():
    file = "shop/stacks/shop/docker-compose.yml"
    text = f"{together()[file]}  db: {{image: 'postgres:16', command: [--wait-for, api]}}\n"
    assert "shop" not in {one.name for one in found_in(**together(**{file: text})).services}


@pytest.mark.parametrize(("databases", "is_made"), [("", False), ("DATABASES = {}", True)])
def test_django_without_a_database_has_no_tables_to_make(databases, is_made):
    files = {
        "manage.py": "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
        "from django.core.management import execute_from_command_line\n",
        "requirements.txt": "django\n",
        "shop/settings.py": f"INSTALLED_APPS = []\n{databases}\n",
        "shop/wsgi.py": "application = get_wsgi_application()\n",
    }
    (app,) = found_in(**files).services
    assert ("migrate" in app.tasks) is is_made


@pytest.mark.parametrize(("dotenv", "name"), [("", "$ADMIN"), ("ADMIN=root\n", "root")])
def test_a_command_asks_its_own_variable_for_what_no_file_gives(dotenv, name):
    compose = """
    services:
      web:
        build: .
        environment: ["ADMIN=${ADMIN}"]
        command: [sh, -c, "python fill.py --user $ADMIN && python app.py"]
    """
    files = {**FLASK, "fill.py": "fill()\n", "compose.yml": dedent(compose), ".env": dotenv}
    (web,) = found_in(**files).services
    assert f"fill.py --user {name} " in " ".join((web.run, *web.tasks.values()))


@pytest.mark.parametrize(
    ("line", "is_there"),
    [
        ("cd ../front && ./app &", True),
        ("@cd ../front && go run ./cmd", True),
        ("cd ../front && go build -o app", False),
    ],
)
def test_a_program_of_go_that_a_makefile_starts_beside_the_containers_is_a_service(line, is_there):
    main = (
        'package main\n\nimport "net/http"\n\nfunc main() {{ http.ListenAndServe(":{0}", nil) }}\n'
    )
    files = {
        "project/docker-compose.yml": "services:\n  api: {build: ../api, ports: ['3177:3177']}\n",
        "project/Makefile": f"start:\n\t{line}\n",
        "api/go.mod": "module api\n",
        "api/main.go": main.format(3177),
        "api/Dockerfile": "FROM golang\nCOPY . .\nRUN go build -o /app .\nCMD /app\n",
        "front/go.mod": "module front\n",
        "front/main.go": main.format(3178),
    }
    assert ("front" in {one.name for one in found_in(**files).services}) is is_there


def test_an_address_that_overrides_the_parts_of_a_program_is_left_to_it():
    code = """
    url = os.getenv("DATABASE_URL")
    if not url:
        url = f"postgresql+asyncpg://{os.environ['DB_USER']}:{os.environ['DB_PASSWORD']}"
        url += f"@{os.environ['DB_HOST']}:{os.environ['DB_PORT']}/{os.environ['DB_NAME']}"
    """
    files = {**FLASK, "requirements.txt": "flask\nasyncpg\n", "settings.py": dedent(code)}
    (app,) = found_in(**files).services
    assert "DATABASE_URL" not in app.env
    assert app.env["DB_HOST"] == "${stores.db.host}"


def test_a_port_that_a_debugger_takes_is_left_to_it():
    compose = "services:\n  web: {build: ., ports: ['5000:5000', '10004:10004']}\n"
    code = 'import debugpy\n\ndebugpy.listen(("0.0.0.0", 10004))\n'
    files = {**FLASK, "debug.py": code, "compose.yml": compose}
    (web,) = found_in(**files).services
    assert [*web.ports.values()] == [5000]
