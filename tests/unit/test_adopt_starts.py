"""What starts programs of repositories that `init` had not met, with small files of our own."""

from __future__ import annotations

import time

import pytest
from repository import found_in, text_of

from tarmac.adopt.containers.compose_parts import LEFT_OUT
from tarmac.adopt.survey.found import local_ports
from tarmac.adopt.variables.dotenv_files import is_placeholder

FLASK = {
    "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    "requirements.txt": "flask\npsycopg2\n",
    "Dockerfile": "FROM python:3.11\nWORKDIR /code\nCOPY . .\nCMD python /code/app.py\n",
}
DATABASE = "  db:\n    image: postgres:16\n"


def composed(service: str = "", database: str = DATABASE, **files: str):
    compose = f"services:\n  web: {{build: .{service}}}\n{database}"
    return found_in(**{**FLASK, "compose.yaml": compose, **files})


SHARED = {
    "app.py": FLASK["app.py"],
    "requirements.txt": "flask\ncelery\nhupper\ngunicorn\n",
    "Dockerfile": "FROM python:3.12\nWORKDIR /srv/shop\nCOPY . .\n",
    "tools/stats.py": "while True:\n    pass\n",
}


def shared(services: str):
    compose = f"services:\n  base: {{build: ., image: 'shop:dev'}}\n{services}"
    return found_in(**SHARED, **{"compose.yaml": compose})


def test_a_service_that_only_builds_the_image_of_others_is_left_out():
    found = shared("  web: {image: 'shop:dev', command: gunicorn app:app, ports: ['8000:8000']}\n")
    assert [service.name for service in found.services] == ["web"]


def test_a_program_that_starts_again_after_an_edit_is_the_one_that_it_starts():
    found = shared(
        "  jobs: {image: 'shop:dev', command: hupper --interval 10 -m celery -A app worker}\n"
    )
    assert [service.run for service in found.services] == [
        ".venv/bin/python -m celery -A app worker"
    ]


def test_a_single_file_that_is_mounted_leaves_the_image_what_it_is():
    found = shared(
        "  stats:\n    image: 'shop:dev'\n    command: python /srv/shop/tools/stats.py\n"
        "    volumes: ['./tools/stats.py:/srv/shop/tools/stats.py']\n"
    )
    assert [service.run for service in found.services] == [".venv/bin/python tools/stats.py"]


@pytest.mark.parametrize("name", ["tests", "api-test-service", "unit_test", "test-runner"])
def test_a_container_for_tests_of_ones_own_is_left_out(name):
    found = composed(f"}}\n  {name}: {{build: ., command: pytest", "")
    assert [service.name for service in found.services] == ["web"]
    assert found.left_out == (f"{name}: it tests the other services; start it by hand",)


def test_a_function_of_any_name_makes_the_app_of_a_module():
    factory = "def build_app_of_shop():\n    return FastAPI()\n"
    files = {"requirements.txt": "fastapi\nuvicorn\n", "shop/factory.py": factory}
    files |= {"shop/main.py": "from shop.factory import *\napp = build_app_of_shop()\n"}
    files |= {"scripts/first_data.py": "if __name__ == '__main__':\n    main()\n"}
    (web,) = found_in(**files).services
    assert web.run.startswith(".venv/bin/python -m uvicorn shop.main:app ")


SCRIPT = "#!/bin/sh\nwhile true; do date; sleep 1; done\n"
SHELL = "FROM alpine\nCOPY tick.sh /home/app/tick.sh\nCMD /home/app/tick.sh\n"


@pytest.mark.parametrize(
    ("script", "started"),
    [
        (SCRIPT, True),
        (SCRIPT.replace("date", "cat /var/lib/ticks"), False),
        ('#!/bin/sh\nprepare\nexec "$@"\n', False),
        (SCRIPT.replace("#!/bin/sh\n", ""), False),
    ],
)
def test_a_script_that_a_container_starts_is_run_as_it_is(script, started):
    compose = "services:\n  tick: {build: tick}\n"
    found = found_in(**{"compose.yaml": compose, "tick/Dockerfile": SHELL, "tick/tick.sh": script})
    assert [service.run for service in found.services] == ["sh tick.sh"] * started
    if not started:
        assert "tick does not show how to start it here" in found.left_out[-1]


def test_this_machine_in_a_file_of_variables_is_the_store_of_the_name():
    env = ", environment: {DATABASE_URL: x, REDIS_HOST: 'localhost:6379', REDIS_PASS: secret}"
    (web,) = composed(env, "  cache: {image: 'redis:7'}\n").services
    assert web.env["REDIS_HOST"] == "${stores.cache.address}"
    (other,) = composed(", environment: {REDIS_HOST: localhost}", DATABASE).services
    assert other.env["REDIS_HOST"] == "localhost"


GO_FILE = {"web/dispatcher.go": 'package main\nfunc main() { http.ListenAndServe(":9000", nil) }\n'}


@pytest.mark.parametrize("target", ["./", ".", "/srv", "/srv/dispatcher"])
def test_a_program_that_a_stage_copies_into_its_folder_is_what_the_stage_before_built(target):
    build = (
        "FROM golang:1.24 as builder\nWORKDIR /src\nCOPY dispatcher.go .\n"
        "RUN GOOS=linux go build dispatcher.go\nFROM alpine\nWORKDIR /srv\n"
        f"COPY --from=builder /src/dispatcher {target}\nCMD ['/srv/dispatcher']\n"
    ).replace("'", '"')
    files = {**GO_FILE, "web/Dockerfile": build, "compose.yaml": "services: {web: {build: web}}\n"}
    (web,) = found_in(**files).services
    assert web.run == "go run dispatcher.go"


def test_a_jar_of_a_folder_that_a_stage_copies_is_where_this_machines_build_leaves_it():
    build = (
        "FROM maven:3 AS build\nWORKDIR /src\nCOPY pom.xml .\nCOPY src ./src\nRUN mvn verify\n"
        "FROM temurin:21\nWORKDIR /srv\nCOPY --from=build /src/target .\n"
        "ENTRYPOINT ['java', '-Xmx8m', '-jar', '/srv/words.jar']\n"
    ).replace("'", '"')
    main = "class Main { public static void main(String[] a) {} }"
    files = {"pom.xml": "<project/>", "src/main/java/Main.java": main, "Dockerfile": build}
    (words,) = found_in(**files, **{"compose.yaml": "services: {words: {build: .}}\n"}).services
    assert words.run == "mvn -q -DskipTests package && java -Xmx8m -jar target/words.jar"


def test_a_released_image_is_the_stage_of_the_dockerfile_that_is_named_for_it():
    stages = (
        "FROM python:3.11 AS backend\nWORKDIR /shop\nCMD ['gunicorn', 'app:app']\n\n"
        "FROM node:20 AS front\nCMD ['serve']\n"
    ).replace("'", '"')
    compose = "services:\n  api: {image: 'shop/shop:backend', ports: ['8000:8000']}\n"
    files = {"app.py": FLASK["app.py"], "requirements.txt": "flask\ngunicorn\n"}
    (api,) = found_in(**files, **{"Dockerfile": stages, "compose.yaml": compose}).services
    assert api.run == ".venv/bin/python -m gunicorn app:app -b 127.0.0.1:$PORT"
    assert api.guesses[0] == "the stage backend is the program of the image shop/shop:backend"


@pytest.mark.parametrize(
    ("programs", "run"),
    [("[program:web]\ncommand=gunicorn app:app\n", True), ("[program:a]\n[program:b]\n", False)],
)
def test_the_one_program_of_supervisord_is_the_service(programs, run):
    files = {"supervisord.conf": f"[supervisord]\nnodaemon=true\n{programs}"}
    found = composed(", command: supervisord -c /etc/supervisord.conf", "", **files)
    line = ".venv/bin/python -m gunicorn app:app -b 127.0.0.1:$PORT"
    assert [service.run == line for service in found.services] == [run] * len(found.services)


def test_what_a_debugger_starts_is_started_without_it():
    found = found_in(
        **{
            "go.mod": "module a\n",
            "main.go": "package main\nfunc main() { listen() }\n",
            "run.sh": "while true; do\n  dlv debug --headless --listen=:2345 -- app:serve &\n"
            "  inotifywait -r .\ndone\n",
            "Dockerfile": "FROM golang\nCOPY . /srv\nWORKDIR /srv\nCMD sh /srv/run.sh\n",
            "compose.yaml": "services: {web: {build: .}}\n",
        }
    )
    assert [service.run for service in found.services] == ["go run . app:serve"]


@pytest.mark.parametrize(
    "value",
    ["CHANGE-ME", "changeme", "change-me-to-32-characters", "your-secret-key-here", "<key>"],
)
def test_a_secret_that_an_example_leaves_to_its_reader_is_generated(value):
    (web,) = composed(f", environment: {{JWT_SECRET: {value!r}}}").services
    assert (web.secrets, web.env) == (("JWT_SECRET",), {})


@pytest.mark.parametrize("value", ["s3cr3t", "development", "exchange-method"])
def test_a_secret_of_a_compose_file_with_a_value_keeps_it(value):
    (web,) = composed(f", environment: {{JWT_SECRET: {value!r}}}").services
    assert web.env == {"JWT_SECRET": value}


def test_a_user_of_an_address_is_no_host_in_the_code():
    code = 'SetDefault("dsn", "postgres://db:pw@localhost:5432/x")\n'
    (web,) = composed(**{"app.py": f"{FLASK['app.py']}{code}"}).services
    assert web.to_do == ()


def test_a_manage_py_of_flask_is_told_its_port():
    manage = "from flask.cli import FlaskGroup\ncli = FlaskGroup(create_app=create_app)\n"
    command = ", command: python manage.py run -h 0.0.0.0"
    (web,) = composed(command, **{"manage.py": manage}).services
    assert web.run == ".venv/bin/python manage.py run -h 127.0.0.1 --port $PORT"


def test_a_store_is_only_shared_where_tables_have_owners():
    two = "}\n  jobs: {build: ., command: python app.py"
    files = {
        "requirements.txt": "flask\npymysql\n",
        "app.py": f"{FLASK['app.py']}u = environ['DB_URL']",
    }
    found = composed(two, "  db:\n    image: mysql:8\n", **files)
    shared = [store.shared for store in found.stores]
    assert shared == [False]


def test_what_an_example_of_variables_leaves_empty_is_a_secret_to_generate():
    env = ", env_file: .env.web"
    (web,) = composed(env, **{".env.web.example": "SECRET_KEY=\nDEBUG=\n"}).services
    assert (web.secrets, web.env) == (("SECRET_KEY",), {"DEBUG": ""})


def test_a_store_that_code_names_by_itself_is_used_by_the_service():
    code = "engine = connect('postgresql://me@db:5432/x')\n"
    (web,) = composed(**{"app.py": f"{FLASK['app.py']}{code}"}).services
    assert (web.env, web.to_do) == ({"PGPASSWORD": "${stores.db.password}"}, ())
    named = code.replace("postgresql://me@db:5432/x", "postgresql://me:p%40w@db:5432/x")
    (web,) = composed(**{"app.py": f"{FLASK['app.py']}{named}"}).services
    assert web.stores == ("db",)
    assert web.to_do == ("app.py:3 connects to the host 'db' by itself: have it read a variable",)


def test_of_several_addresses_the_one_for_http_is_the_port():
    said = local_ports(("a", "--telemetry-addr", ":10000", "--http-addr", ":8000"))
    assert said == ("a", "--telemetry-addr", "127.0.0.1:10000", "--http-addr", "127.0.0.1:$PORT")


def test_a_program_that_is_told_a_host_and_no_port_finds_the_store_by_its_name():
    found = composed(", environment: {DB_HOST: db, DB_USER: sam}", DATABASE)
    assert (found.services[0].env["DB_HOST"], found.hosts) == ("db", True)
    told = composed(", environment: {DB_HOST: db, DB_PORT: '5432'}", DATABASE)
    assert (told.services[0].env["DB_HOST"], told.hosts) == ("${stores.db.host}", False)


@pytest.mark.parametrize(
    ("about", "host"),
    [
        ("container_name: shop_db", "shop_db"),
        ("hostname: data.local", "data.local"),
        ("networks: {default: {aliases: [sql]}}", "sql"),
    ],
)
def test_a_container_is_known_by_its_other_names_too(about, host):
    database = f"  db:\n    image: postgres:16\n    {about}\n"
    env = f", environment: {{DB_URL: 'postgres://me:pw@{host}:5432/x'}}"
    assert composed(env, database).services[0].env["DB_URL"] == "${stores.db.url}"


def test_a_link_names_a_container_as_its_user_calls_it():
    env = ", links: ['db:sql'], environment: {DB_URL: 'postgres://me:pw@sql:5432/x'}"
    assert composed(env).services[0].env["DB_URL"] == "${stores.db.url}"


def test_a_value_in_single_quotes_is_not_filled_in():
    values = "A='si$ngle'\nB=\"si$ngle\"\nC='it is ${A}'\n"
    (web,) = composed(", env_file: web.env", **{"web.env": values}).services
    assert (web.env["A"], web.env["C"]) == ("si$ngle", "it is $${A}")
    assert web.env["B"] != "si$ngle"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("tmpfs: [/x], shm_size: 64m", "web: tmpfs, shm_size (its folders are this machine's)"),
        (
            "ulimits: {nproc: 5}",
            f"web: ulimits ({LEFT_OUT['ulimits']})",
        ),
        (
            "dns: 1.1.1.1, extra_hosts: ['a=10.0.0.1']",
            "web: dns, extra_hosts (names are this machine's own)",
        ),
        (
            "healthcheck: {test: [CMD-SHELL, 'python ask.py']}",
            "web: healthcheck `python ask.py` (its port is asked, or that it runs)",
        ),
    ],
)
def test_what_has_no_counterpart_is_said(key, said):
    assert said in composed(f", {key}", "").left_out


@pytest.mark.parametrize(
    "check", ["{test: [NONE]}", "{disable: true}", "{test: 'curl http://localhost/ready'}"]
)
def test_a_health_check_that_is_off_or_carried_over_is_not_said(check):
    assert composed(f", healthcheck: {check}", "").left_out == ()


def test_a_path_that_a_shell_would_complete_is_asked_without_its_query():
    test = "{test: [CMD-SHELL, 'curl -f http://localhost:8000/up?x=$$HOSTNAME || exit 1']}"
    (web,) = composed(f", healthcheck: {test}", "").services
    assert web.probe == "/up"


def test_options_of_a_store_are_said_beside_it():
    found = composed("", "  db: {image: 'postgres:16', command: postgres -c max_connections=9}\n")
    assert found.stores[0].remarks == (
        "its options are not carried over: postgres -c max_connections=9",
    )


def test_a_command_for_a_shell_that_is_not_known_here_is_said_beside_the_one_of_its_folder():
    command = """, command: 'sh -c "export H=$$(hostname) && ./go.bin | tee log"'"""
    (web,) = composed(command, "").services
    assert web.remarks[0].startswith("its container's command is not carried over: export H=$(")


@pytest.mark.parametrize(
    "wait", ["while ! nc -z db 5432; do sleep 1; done;", "until nc -z db 5432; do sleep 1; done &&"]
)
def test_a_loop_that_waits_for_others_is_left_out(wait):
    (web,) = composed(f""", command: 'bash -c "{wait} python app.py"'""").services
    assert web.run == ".venv/bin/python app.py"


def test_what_a_shell_does_by_itself_behind_a_known_command_is_kept():
    (web,) = composed(", command: sh -c 'python app.py && echo done'", "").services
    assert web.run == ".venv/bin/python app.py && echo done"


def test_a_store_that_is_only_known_by_its_name_needs_no_password_and_is_named_once():
    env = ", environment: {REDIS_HOST: cache}"
    code = "host = environ['REDIS_HOST']\n"
    files = {"app.py": f"{FLASK['app.py']}{code}", "requirements.txt": "flask\nredis\n"}
    found = composed("", "  cache: {image: 'redis:7'}\n", **files)
    assert found.services[0].env["REDIS_HOST"] == "cache"
    assert (found.stores[0].passwordless, found.services[0].stores) == (True, ("cache",))
    assert "stores: {cache: cache}" in text_of(found)
    assert composed(env, "  cache: {image: 'redis:7'}\n", **files).stores[0].passwordless


def test_numbers_that_a_command_names_besides_its_port_are_the_programs():
    found = found_in(
        **{
            "go.mod": "module a\n",
            "main.go": "package main\nfunc main() { listen() }\n",
            "Dockerfile": "FROM golang\nRUN go build -o /a .\nEXPOSE 8000 9000\n"
            'CMD ["/a", "--telemetry-addr", ":9000", "--http-addr", ":8000"]\n',
        }
    )
    (service,) = found.services
    assert service.run.endswith("--telemetry-addr 127.0.0.1:9000 --http-addr 127.0.0.1:$PORT")
    assert service.ports == {"http": 8000}


@pytest.mark.parametrize("base", ["python:3.8-slim", "acme/api-base:python3.8"])
def test_the_python_of_a_dockerfile_of_another_name_is_wanted(base):
    files = {"app.py": FLASK["app.py"], "requirements.txt": "flask\n"}
    (web,) = found_in(**files, **{"docker/web.dockerfile": f"FROM {base}\n"}).services
    assert "python3.8 -m venv .venv" in web.tasks["install"]


def test_a_deployment_is_known_by_its_image_too():
    deployment = """
        kind: Deployment
        metadata: {name: web-deployment}
        spec: {template: {spec: {containers: [{image: 'shop/web:1', env: [{name: A, value: b}]}]}}}
        """
    code = f"{FLASK['app.py']}a = environ['A']\n"
    files = {"web/app.py": code, "web/requirements.txt": "flask\n", "k8s/web.yaml": deployment}
    (web,) = found_in(**files).services
    assert web.env["A"] == "b"


def test_a_long_value_is_soon_known_to_be_no_placeholder():
    begun = time.perf_counter()
    assert not is_placeholder("my_" + "a_" * 20_000)
    assert time.perf_counter() - begun < 1
