"""Kinds of things that the eleventh round of unseen repositories taught, with files of our own."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in, text_of

from tarmac.adopt.survey.survey import survey

POM = (
    "<project><artifactId>spring-boot-starter-web</artifactId><groupId>org.postgresql</groupId>"
    "</project>"
)
MAIN = "@SpringBootApplication class App { public static void main(String[] a) {} }"
SPRING = {"pom.xml": POM, "src/main/java/App.java": MAIN}
RESOURCES = "src/main/resources/"
NODE = '{"scripts": {"start": "node s.js", "debug": "nodemon ./dist/s.js", "build": "tsc"}, '
NODE += '"dependencies": {"pg": "8", "mysql": "2"}}'
LISTENS = "app.listen(process.env.PORT)\n"


def test_the_file_of_the_profile_that_is_chosen_names_servers_too():
    chosen = {
        f"{RESOURCES}application.properties": "spring.profiles.active=dev,other\n",
        f"{RESOURCES}application-dev.properties": "spring.datasource.url=jdbc:postgresql://"
        "localhost:5432/a\nspring.datasource.username=me\n",
    }
    (app,) = found_in(**SPRING, **chosen).services
    assert app.env["SPRING_DATASOURCE_URL"].startswith("jdbc:postgresql://${stores.db.host}")
    assert app.env["SPRING_DATASOURCE_USERNAME"] == "${stores.db.user}"
    unchosen = {**chosen, f"{RESOURCES}application.properties": "a=b\n"}
    assert found_in(**SPRING, **unchosen).stores == ()


def test_a_container_that_springs_settings_name_is_overridden_like_this_machine():
    compose = "services:\n  app: {build: ., ports: ['8080:8080']}\n  data: {image: postgres}\n"
    files = {
        f"{RESOURCES}application.properties": "server.port=8080\n"
        "spring.datasource.url=jdbc:postgresql://data/shop\nspring.datasource.username=me\n",
        "Dockerfile": "FROM openjdk\nCOPY target/app.jar .\nCMD java -jar app.jar\n",
        "compose.yaml": compose,
    }
    (app,) = found_in(**SPRING, **files).services
    assert "${stores.data.host}" in app.env["SPRING_DATASOURCE_URL"]
    assert app.env["SERVER_PORT"] == "${services.app.port}"
    assert (app.fixed, app.to_do) == (False, ())


def test_a_package_json_beside_a_program_of_java_makes_pages_for_it():
    (app,) = found_in(**SPRING, **{"package.json": NODE, "s.js": LISTENS}).services
    assert "spring-boot:run" in app.run


def test_a_function_of_the_programs_own_reads_variables_in_javascript():
    code = "const a = getOsEnv('APP_NAME'), b = getOsEnvOptional('LOG_JSON');\n"
    code += "const c = {type: getOsEnv('TYPEORM_CONNECTION'), host: getOsEnv('TYPEORM_HOST'), "
    code += "port: getOsEnv('TYPEORM_PORT'), password: getOsEnvOptional('TYPEORM_PASSWORD')};\n"
    example = "APP_NAME=notes\nTYPEORM_CONNECTION=postgres\nTYPEORM_HOST=localhost\n"
    example += "TYPEORM_PORT=5432\nTYPEORM_PASSWORD=\n"
    files = {"package.json": NODE, "s.js": code + LISTENS, ".env.example": example}
    found = found_in(**files)
    (app,), (store,) = found.services, found.stores
    assert store.kind == "postgres"
    assert app.env["APP_NAME"] == "notes"
    assert app.env["TYPEORM_HOST"] == "${stores.db.host}"
    assert app.env["TYPEORM_PORT"] == "${stores.db.port}"
    assert app.env["TYPEORM_PASSWORD"] == "${stores.db.password}"
    assert "LOG_JSON" in app.optional


def test_variables_that_a_program_gives_itself_by_default_are_not_missing():
    code = "import environ, os\nfrom flask import Flask\napp = Flask(__name__)\n"
    code += "os.environ.setdefault('ROOT_KEY', 'abc')\nGIVEN = {'BOT_KEY': 'def'}\n"
    code += "for name, value in GIVEN.items():\n    os.environ.setdefault(name, value)\n"
    code += "env = environ.Env(\n    DEBUG=(bool, False),\n    GIT_SHA=(str, 'development'),\n)\n"
    code += "a = env('GIT_SHA'), os.environ['ROOT_KEY'], env('WANTED'), os.environ['BOT_KEY']\n"
    (app,) = found_in(**{"app.py": code, "requirements.txt": "flask\ndjango-environ\n"}).services
    assert app.env == {"WANTED": "wanted"}
    assert app.secrets == ()


def test_a_comment_behind_a_line_of_a_start_script_is_not_run():
    files = {
        "compose.yaml": "services: {web: {build: ., entrypoint: ./e.sh, command: flask run}}\n",
        "Dockerfile": "FROM python\nCOPY . .\n",
        "e.sh": "#!/bin/sh\npython a.py # before the rest\nmake '# pages'\nexec \"$@\"\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
        "requirements.txt": "flask\n",
    }
    (web,) = found_in(**files).services
    said = " ".join(web.tasks.values())
    assert "before the rest" not in said
    assert "make '# pages'" in said


def test_an_image_of_a_server_that_starts_another_program_is_no_store():
    compose = "services:\n  web: {build: web}\n  saves: {build: saves}\n  db: {build: db}\n"
    files = {
        "compose.yaml": compose,
        "web/package.json": NODE,
        "web/s.js": LISTENS,
        "saves/Dockerfile": 'FROM postgres:17\nCOPY e.sh /\nENTRYPOINT ["/e.sh"]\nCMD ["cron"]\n',
        "db/Dockerfile": 'FROM postgres:17\nCOPY a.sql /\nCMD ["postgres", "-c", "fsync=off"]\n',
    }
    found = found_in(**files)
    assert [store.name for store in found.stores] == ["db"]
    assert any(line.startswith("saves: ") for line in found.left_out)


def test_what_mounts_its_package_json_alone_is_the_program_of_that_folder():
    compose = """
    services:
      api:
        image: node:12
        working_dir: /srv/notes
        command: bash -c "npm install --only=prod && npm run debug"
        volumes: ["./dist/:/srv/notes/dist/", "./package.json:/srv/notes/package.json"]
        ports: ["5050:5050", "9222:9222"]
    """
    files = {"compose.yaml": compose, "package.json": NODE, "src/s.ts": LISTENS}
    (api,) = found_in(**files).services
    assert api.name == "api"
    assert api.run == "npm run build && npm run debug"
    assert api.ports == {"http": 5050}


@pytest.mark.parametrize(
    ("dockerfile", "volumes"),
    [("COPY ./conf/app.yml /conf/app.yml\n", ""), ("", ", volumes: ['./conf:/conf']")],
)
def test_a_file_that_a_container_has_is_named_where_it_is_here(dockerfile, volumes):
    files = {
        "compose.yaml": f"services:\n  api: {{build: .{volumes}}}\n",
        "Dockerfile": f'FROM alpine\nCOPY main /main\n{dockerfile}CMD ["/main", "-c", '
        '"/conf/app.yml"]\n',
        "go.mod": "module example.com/api\n",
        "main.go": "package main\nfunc main() {}\n",
        "conf/app.yml": "server:\n  port: 3000\n",
    }
    (api,) = found_in(**files).services
    assert api.run.endswith("-c conf/app.yml")


def test_of_several_files_of_settings_the_one_that_the_command_names_counts():
    text = "db:\n  host: localhost\n  port: %d\n  user: a\n  password: b\n  driver: mysql\n"
    files = {
        "compose.yaml": "services: {api: {build: .}}\n",
        "Dockerfile": 'FROM alpine\nCOPY main /main\nCMD ["/main", "-c", "conf/zero.yml"]\n',
        "go.mod": "module example.com/api\n",
        "main.go": "package main\nfunc main() {}\n",
        **{f"conf/{name}.yml": text % n for n, name in enumerate(("a", "zero"), 3306)},
    }
    assert found_in(**files).stores[0].known.port == 3307
    plain = {**files, "Dockerfile": 'FROM alpine\nCOPY main /main\nCMD ["/main"]\n'}
    plain |= {"conf/a.full.yml": text % 3305, "conf/a.yml": text % 3306}
    assert found_in(**plain).stores[0].known.port == 3306


def test_a_variable_chooses_one_of_several_files_of_settings():
    text = "postgres:\n  PostgresqlHost: %s\n  PostgresqlPort: 5432\n"
    text += "  PostgresqlUser: postgres\n  PostgresqlPassword: pw\n"
    compose = "services:\n  api: {build: ., environment: {config: docker}}\n"
    files = {
        "compose.yaml": f"{compose}  store: {{image: postgres}}\n",
        "Dockerfile": "FROM golang\nCMD go run .\n",
        "go.mod": "module example.com/api\nrequire github.com/jackc/pgx/v5 v5.0.0\n",
        "main.go": 'package main\nfunc main() { open("host=%s user=%s dbname=%s") }\n',
        "config/config-docker.yml": text % "store",
        "config/config-local.yml": text % "localhost",
    }
    found = found_in(**files)
    (store,) = found.stores
    assert (found.hosts, store.known.port, store.known.user) == (True, 0, "postgres")
    unchosen = {**files, "compose.yaml": files["compose.yaml"].replace("config: docker", "A: b")}
    assert found_in(**unchosen).stores[0].known.port == 5432


def test_tags_of_go_may_be_in_lower_case_and_the_port_of_other_pages_is_not_its_own():
    code = "package main\ntype T struct {\n"
    tags = {"http_port": "int", "database_uri": "string", "redis_password": "string"}
    code += "".join(f'\tA{n} {kind} `env:"{n}"`\n' for n, kind in tags.items())
    files = {
        "compose.yaml": "services:\n  api: {build: ., ports: ['8888:8888'], environment: "
        "{database_uri: 'postgres://a:b@db:5432/c'}}\n  db: {image: postgres}\n"
        "  cache: {image: redis}\n",
        "Dockerfile": "FROM golang\nCOPY . .\nCMD go run .\n",
        "go.mod": "module example.com/api\nrequire github.com/redis/go-redis/v9 v9.0.0\n",
        "main.go": f"{code}}}\nfunc main() {{}}\n",
        "pages/package.json": "{}",
        "pages/vite.config.ts": "export default {server: {\nport: 3000,\n}}\n",
    }
    (api,) = found_in(**files).services
    assert api.env["http_port"] == "${services.api.port}"
    assert api.env["redis_password"] == "${stores.cache.password}"
    assert (api.ports, api.fixed, api.secrets) == ({"http": 8888}, False, ())


def test_the_host_of_a_front_ends_command_is_not_left_behind():
    files = {
        "compose.yaml": "services: {web: {build: ., command: npm run dev -- --host 0.0.0.0}}\n",
        "Dockerfile": "FROM node\nCOPY . .\n",
        "package.json": '{"scripts": {"dev": "vite"}}',
    }
    (web,) = found_in(**files).services
    assert web.run == "npm run dev -- --host 127.0.0.1 --port $PORT --strictPort"
    assert text_of(found_in(**files)).count("127.0.0.1") == 1


def test_a_front_end_beside_the_compose_file_may_have_an_image_of_its_own():
    files = {
        "compose.yaml": "services: {api: {build: .}}\n",
        "Dockerfile": "FROM golang\nCMD go run .\n",
        "go.mod": "module example.com/api\n",
        "main.go": "package main\nfunc main() {}\n",
        "web/package.json": '{"scripts": {"dev": "vite", "build": "vite build"}}',
        "web/Dockerfile": "FROM node AS b\nRUN npm run build\nFROM nginx\n"
        'COPY --from=b /app/dist /usr/share/nginx/html\nEXPOSE 80\nCMD ["nginx"]\n',
    }
    by_name = {service.name: service for service in found_in(**files).services}
    assert by_name["web"].run.startswith("npm run dev -- --host")
    assert "it is not in compose.yaml" in by_name["web"].guesses


def test_a_binary_that_a_makefile_makes_of_a_module_below_is_made_so():
    files = {
        "docker/compose.yaml": "services:\n  app:\n"
        "    build: {context: .., dockerfile: docker/Dockerfile}\n",
        "docker/Dockerfile": "FROM golang AS b\nRUN make server\nFROM debian\n"
        'COPY --from=b /a/bin/notes-server /opt/\nEXPOSE 8000\nCMD ["/opt/notes-server"]\n',
        "Makefile": "server:\n\tcd server; env GOOS=linux go build -ldflags '$(L)' -o "
        "../bin/notes-server ./main\n",
        "server/go.mod": "module example.com/server\n",
        "server/main/main.go": "package main\nfunc main() {}\n",
    }
    (app,) = found_in(**files).services
    assert app.run == "go build -C server -o ../bin/notes-server ./main && ./bin/notes-server"


def test_modules_that_others_of_a_project_depend_on_are_made_first_and_once():
    modules = "".join(f"<module>{name}</module>" for name in ("lib", "one", "two", "alone"))
    parent = f"<project><artifactId>all</artifactId>{modules}</project>"
    pom = "<project><parent><artifactId>all</artifactId></parent><artifactId>%s</artifactId>"
    pom += "spring-boot<dependencies><artifactId>%s</artifactId></dependencies></project>"
    uses = {"lib": "slf4j", "one": "lib", "two": "lib", "alone": "slf4j"}
    files = {f"{name}/pom.xml": pom % (name, used) for name, used in uses.items()}
    files |= {f"{name}/src/main/java/A.java": MAIN for name in ("one", "two", "alone")}
    tasks = {s.name: s.tasks for s in found_in(**{"pom.xml": parent, **files}).services}
    assert "mvn -q -DskipTests -pl lib -am install" in tasks["one"]["install"]
    assert tasks["two"]["install"] == "until test -e ../lib/target/.installed; do sleep 0.2; done"
    assert tasks["alone"] == {}


def test_groups_of_packages_without_a_project_are_installed_as_groups():
    files = {
        "pyproject.toml": "[dependency-groups]\nmain = [\n  'flask',\n]\ndev = ['b']\n[tool.x]\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    }
    (app,) = found_in(**files).services
    assert ".venv/bin/pip install -q --group main --group dev &&" in app.tasks["install"]
    dockerfile = "FROM python:3.12\nRUN pip install 'pip>=25' && pip install --group main wheel a\n"
    (app,) = found_in(**files, Dockerfile=f"{dockerfile}CMD flask run\n").services
    assert ".venv/bin/pip install -q --group main a &&" in app.tasks["install"]
    alone = "FROM python:3.12\nRUN pip install --group main\nFROM python:3.12\nCMD flask run\n"
    (app,) = found_in(**files, Dockerfile=alone).services
    assert ".venv/bin/pip install -q --group main &&" in app.tasks["install"]


def test_a_file_that_chooses_a_profile_is_not_one_of_a_profile():
    yaml = "spring:\n  profiles:\n    active: default\n"
    yaml += "  datasource:\n    url: jdbc:postgresql://localhost:5432/a\n"
    (app,) = found_in(**SPRING, **{f"{RESOURCES}application.yml": yaml}).services
    assert "${stores.db.host}" in app.env["SPRING_DATASOURCE_URL"]
    of_one = yaml.replace("profiles:\n    active: default", "profiles: production")
    assert found_in(**SPRING, **{f"{RESOURCES}application.yml": of_one}).stores == ()


def test_a_broker_of_springs_without_a_login_is_given_one():
    yaml = "spring:\n  rabbitmq:\n    addresses: localhost:5672\n"
    files = {
        "compose.yaml": "services:\n  app: {build: .}\n  queue: {image: rabbitmq}\n",
        "Dockerfile": "FROM openjdk\nCMD java -jar app.jar\n",
        f"{RESOURCES}application.yml": yaml,
    }
    found = survey(folder_of({**SPRING, **files}), CATALOGUE, KINDS | {"rabbitmq"})
    env = found.services[0].env
    assert env["SPRING_RABBITMQ_ADDRESSES"] == "${broker.address}"
    assert env["SPRING_RABBITMQ_USERNAME"] == "${broker.user}"
    assert env["SPRING_RABBITMQ_PASSWORD"] == "${broker.password}"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (
            "app/migrations/0002_names.py",
            "CreateCollation('a', provider='icu', locale='und')\n",
        ),
        ("sql/a.sql", "CREATE COLLATION names (provider = icu, locale = 'und');\n"),
    ],
)
def test_collations_of_icu_ask_for_an_installed_postgresql(file, text):
    files = {
        "compose.yaml": "services:\n  web: {build: .}\n  db: {image: postgres}\n",
        "Dockerfile": "FROM python:3.12\nCMD flask run\n",
        "requirements.txt": "flask\npsycopg2\n",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    }
    (store,) = found_in(**{**files, file: text}).stores
    assert store.provider == "binary"
    assert found_in(**files).stores[0].provider == ""
