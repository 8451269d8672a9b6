"""What a container runs: by its profile, its image, its start script and the files beside."""

from __future__ import annotations

from repository import found_in, system_of, text_of

APP = {
    "requirements.txt": "flask\ncelery\nredis\n",
    "app.py": "import os\nfrom flask import Flask\napp = Flask(__name__)\n",
}
SERVERS = """
  postgres: {image: "postgres:16"}
  redis: {image: "redis:7"}
"""


def runs(found):
    """Return what each service runs, by its name."""
    assert system_of(found), text_of(found)
    return {service.name: service.run for service in found.services}


def stores(found):
    """Return the names of the stores."""
    return {store.name for store in found.stores}


def test_profiles_that_the_variables_switch_on_count():
    compose = """services:
  web: {build: ., command: flask run, profiles: [web]}
  worker: {build: ., command: celery -A app worker, profiles: [worker]}
  cache: {image: "redis:7", profiles: [redis]}
"""
    example = "export COMPOSE_PROFILES=redis,web\n"
    found = found_in(
        **{"compose.yaml": compose, ".env.example": example, "Dockerfile": "FROM python:3.12\n"}
        | APP
    )
    assert runs(found).keys() == {"web"}
    assert stores(found) == {"cache"}
    assert any(line.startswith("worker: only in the profile worker") for line in found.left_out)


def test_where_every_service_has_a_profile_all_of_them_count():
    compose = """services:
  web: {build: ., command: flask run, profiles: [web]}
  cache: {image: "redis:7", profiles: [redis]}
"""
    found = found_in(**{"compose.yaml": compose, "Dockerfile": "FROM python:3.12\n"} | APP)
    assert runs(found).keys() == {"web"}
    assert stores(found) == {"cache"}


def test_a_service_of_an_image_that_another_one_builds_is_a_program_too():
    compose = """services:
  consumer: {build: ., image: shop-image, entrypoint: [python, consumer.py]}
  api: {image: shop-image, entrypoint: [flask, run, --port=80]}
"""
    files = {"consumer.py": "while True:\n    pass\n", "Dockerfile": "FROM python:3.12\nCOPY . .\n"}
    found = runs(found_in(**{"compose.yaml": compose} | files | APP))
    assert found["api"].endswith("-m flask run --port=$PORT")
    assert found["consumer"].endswith("consumer.py")


ENTRY = """#!/bin/bash
set -e

worker() {
  echo "Starting"
  exec watchmedo auto-restart --pattern=*.py -- ./manage.py rq worker $QUEUES
}

case "$1" in
  worker)
    shift
    worker
    ;;
  serve | server)
    exec flask run -h 0.0.0.0
    ;;
  *)
    exec "$@"
    ;;
esac
"""
DOCKERFILE = 'FROM python:3.12\nCOPY . /app\nENTRYPOINT ["/app/bin/docker-entrypoint"]\n'


def test_a_start_script_says_what_its_words_run():
    compose = """services:
  server: {build: ., command: server}
  worker: {build: ., command: worker}
  other: {build: ., command: celery -A app worker}
"""
    files = {"Dockerfile": DOCKERFILE, "bin/docker-entrypoint": ENTRY, "manage.py": ""}
    found = runs(found_in(**{"compose.yaml": compose} | files | APP))
    assert found["server"].endswith("-m flask run -h 127.0.0.1 --port $PORT")
    assert found["worker"].endswith("python manage.py rq worker")
    assert found["other"].endswith("-m celery -A app worker")


def test_an_entry_point_of_any_name_that_runs_what_follows_it_is_left_out():
    script = '#!/bin/sh\nset -e\nexec "$@"\n'
    dockerfile = (
        'FROM python:3.12\nCOPY . .\nENTRYPOINT ["/app/bin/start-web"]\nCMD ["flask", "run"]\n'
    )
    files = {"Dockerfile": dockerfile, "bin/start-web": script}
    found = runs(found_in(**{"compose.yaml": "services: {web: {build: .}}"} | files | APP))
    assert found["web"].endswith("-m flask run --port $PORT")


def test_a_compose_file_of_another_name_alone_is_read():
    compose = f"services:\n  web: {{build: ., command: flask run}}{SERVERS}"
    found = found_in(
        **{"docker-compose.dev.yml": compose, "Dockerfile": "FROM python:3.12\n"} | APP
    )
    assert runs(found).keys() == {"web"}
    assert stores(found) == {"postgres", "redis"}


def test_servers_of_a_file_beside_one_that_has_none_are_taken():
    main = "services: {web: {build: ., command: flask run}}"
    files = {"docker-compose.yml": main, "docker-compose-infra.yml": f"services:{SERVERS}"}
    found = found_in(**files | {"Dockerfile": "FROM python:3.12\n"} | APP)
    assert runs(found).keys() == {"web"}
    assert stores(found) == {"postgres", "redis"}
    own = {**files, "docker-compose.yml": f"{main[:-1]}, db: {{image: 'postgres:15'}}}}"}
    assert stores(found_in(**own | {"Dockerfile": "FROM python:3.12\n"} | APP)) == {"db"}


def test_paths_from_the_folder_in_which_compose_is_called_are_the_repositorys():
    compose = "services: {api: {build: {context: '${PWD}/api'}}}"
    files = {"deploy/docker/docker-compose.yml": compose, "api/Dockerfile": "FROM python:3.12\n"}
    files |= {f"api/{name}": text for name, text in APP.items()}
    (service,) = found_in(**files).services
    assert service.folder == "api"


def test_a_mount_above_the_working_folder_ends_the_search_for_the_program():
    compose = """services:
  web: {build: ., command: "gunicorn site.wsgi:app", volumes: ["./public:/app/public"]}
"""
    dockerfile = "FROM python:3.12\nWORKDIR /app\nCOPY --chown=a:b / /\nCOPY bin/ ./bin\n"
    found = found_in(**{"compose.yaml": compose, "Dockerfile": dockerfile} | APP)
    assert found.services[0].name == "web"


def test_a_variable_that_a_file_hands_on_without_a_value_is_connected_by_its_name():
    compose = """services:
  web:
    build: .
    command: flask run
    environment: ["REDIS_PASSWORD=${REDIS_PASSWORD}", "REDIS_URL=${REDIS_URL}"]
  redis: {image: "redis:7"}
"""
    found = found_in(**{"compose.yaml": compose, "Dockerfile": "FROM python:3.12\n"} | APP)
    (service,) = found.services
    assert service.env["REDIS_URL"] == "${stores.redis.url}"
    assert not service.secrets


def test_a_module_that_only_lists_others_is_not_a_program():
    parent = "<project><packaging>pom</packaging><parent>spring-boot</parent></project>"
    main = "@SpringBootApplication class A {}"
    files = {"pom.xml": parent, "one/pom.xml": "<project>spring-boot</project>"}
    found = found_in(**files, **{"one/src/main/java/A.java": main})
    assert [service.name for service in found.services] == ["one"]


WITH_SECRETS = """services:
  api:
    build: .
    command: flask run
    environment:
      DB_HOST: db
      DB_PASSWORD_FILE: /run/secrets/db-password
      API_KEY_FILE: /etc/keys/key
    secrets: [db-password, {source: key, target: /etc/keys/key}, unread]
  worker:
    build: .
    command: celery -A app worker
    environment: {API_KEY_FILE: /run/secrets/key}
    secrets: [key]
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD_FILE: /run/secrets/db-password}
    secrets: [db-password]
secrets: {db-password: {file: pw.txt}, key: {file: key.txt}, unread: {file: u.txt}}
"""


def test_secrets_that_a_container_has_as_files_stay_files():
    found = found_in(**{"compose.yaml": WITH_SECRETS, "Dockerfile": "FROM python:3.12\n"} | APP)
    system = system_of(found)
    api, worker = system.file.services["api"], system.file.services["worker"]
    assert api.env["DB_PASSWORD_FILE"] == "${stores.db.password_file}"
    assert {name: use.is_file for name, use in api.secrets.items()} == {"API_KEY_FILE": True}
    assert worker.secrets == api.secrets
    assert system.file.secrets == ("API_KEY",)
    text = text_of(found)
    assert "put API_KEY into the .env beside this file: it is the secret key" in text
    assert "secret unread (no variable has the path of its file" in text


def test_a_program_that_waits_for_a_server_first_is_left_out():
    compose = """services:
  web:
    build: .
    entrypoint: [/app/wait-for.sh, "db:5432", --, /app/start.sh]
    command: [flask, run]
"""
    found = runs(found_in(**{"compose.yaml": compose, "Dockerfile": "FROM python:3.12\n"} | APP))
    assert found["web"].endswith("-m flask run --port $PORT")


def test_a_login_in_the_query_of_an_address_is_the_stores_own():
    address = "postgres://db/shop?sslmode=disable&user=postgres&password=hush"
    compose = f"""services:
  web: {{build: ., command: flask run, environment: {{DSN: "{address}"}}}}
  db: {{image: "postgres:16"}}
"""
    found = found_in(**{"compose.yaml": compose, "Dockerfile": "FROM python:3.12\n"} | APP)
    assert found.services[0].env["DSN"] == "${stores.db.url}?sslmode=disable"


def test_a_service_with_a_folder_of_its_own_in_a_shared_image_is_what_lies_there():
    compose = """services:
  server: {build: ., image: dev, command: node s.js, volumes: ["./server:/app"]}
  client: {image: dev, command: node c.js, volumes: ["./client:/app"]}
"""
    files = {"server/s.js": "serve(process.env.PORT)", "client/c.js": "serve(process.env.PORT)"}
    files |= {f"{name}/package.json": '{"dependencies": {}}' for name in ("server", "client")}
    found = found_in(**{"compose.yaml": compose, "Dockerfile": "FROM node:22\n"} | files)
    assert {s.name: s.folder for s in found.services}["client"] == "client"


def test_what_rebuilds_a_go_program_after_an_edit_is_not_a_part_of_it():
    dockerfile = "FROM golang:1.24\nCOPY . .\nENTRYPOINT CompileDaemon --build='go build .'\n"
    files = {"go.mod": "module a", "main.go": "package main\n", "Dockerfile": dockerfile}
    assert runs(found_in(**files)) == {"a": "go run ."}


MAIN = """package main
import "flag"
func main() {
    port := flag.Int("serverPort", 4000, "where it listens")
    db := flag.String("storeURI", "postgres://localhost:5432", "its database")
}
"""


def test_what_follows_an_entry_point_is_its_arguments_and_addresses_become_variables():
    dockerfile = """FROM golang:1.24 AS build
RUN go build -o /go/bin/films ./cmd/app
FROM alpine
COPY --from=build /go/bin/films films
ENTRYPOINT ["./films"]
"""
    compose = """services:
  films: {build: films, command: ["-storeURI", "postgres://db:5432/a", "-level", "info"]}
  web: {build: web, command: ["-filmsAPI", "http://films:4000/api/", "-other", "http://a.example/"]}
  db: {image: "postgres:16"}
"""
    parts = {"go.mod": "module x\n", "cmd/app/main.go": MAIN, "Dockerfile": dockerfile}
    files = {f"{name}/{file}": text for name in ("films", "web") for file, text in parts.items()}
    found = found_in(**{"compose.yaml": compose} | files)
    films, web = (next(s for s in found.services if s.name == name) for name in ("films", "web"))
    assert films.run == "go run ./cmd/app --serverPort $PORT -storeURI $STORE_URI -level info"
    assert films.env["STORE_URI"] == "${stores.db.url}"
    assert films.ports == {"http": 4000}
    assert web.run.endswith("-filmsAPI $FILMS_API -other http://a.example/")
    assert web.env["FILMS_API"] == "${services.films.url}/api/"


def test_of_several_compose_files_the_one_that_builds_beside_its_folder_is_the_repositorys():
    compose = """services:
  web: {build: {context: .., dockerfile: web/Dockerfile}, command: flask run}
  db: {image: "postgres:16"}
"""
    other = "services: {old: {build: ., command: flask run}}"
    app = {f"{place}/{file}": text for place in ("web", "old") for file, text in APP.items()}
    dockers = {f"{place}/Dockerfile": "FROM python:3.12\n" for place in ("web", "old")}
    files = {"docker/docker-compose.yml": compose, "old/docker-compose.yml": other}
    found = found_in(**files | app | dockers)
    assert "web" in runs(found)
    assert stores(found) == {"db"}
