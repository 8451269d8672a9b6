"""Kinds of repositories that `init` met late, each with small files of its own."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

from tarmac.base.errors import BadInput

GO = 'package main\nfunc main() { http.ListenAndServe(":"+os.Getenv("PORT"), nil) }\n'
NODE = 'require("http").createServer().listen(process.env.PORT)\n'
MODULE = "module example.test/a\n\ngo 1.22\n"
ASGI = "from fastapi import FastAPI\napp = FastAPI()\n"


def runs(**files: str) -> dict[str, tuple[str, str]]:
    """Survey a repository; returns how each service runs, and where."""
    return {service.name: (service.run, service.folder) for service in found_in(**files).services}


def built(package: str) -> str:
    return (
        "FROM golang:1.22 AS build\nWORKDIR /src\nCOPY . .\n"
        f"RUN CGO_ENABLED=0 go build -ldflags '-s -w' -o /bin/app {package}\n"
        'FROM scratch\nCOPY --from=build /bin/app /app\nCMD ["/app", "-v"]\n'
    )


def test_a_binary_of_a_build_stage_is_run_from_the_package_that_it_is_built_of():
    compose = (
        "services:\n"
        "  api: {build: {context: ., dockerfile: docker/Dockerfile-api}}\n"
        "  worker: {build: {context: ., dockerfile: docker/Dockerfile-worker}}\n"
    )
    files = {"compose.yaml": compose, "go.mod": MODULE}
    for name in ("api", "worker"):
        files[f"cmd/{name}/main.go"] = GO
        files[f"docker/Dockerfile-{name}"] = built(f"./cmd/{name}")
    assert runs(**files) == {
        "api": ("go run ./cmd/api -v", ""),
        "worker": ("go run ./cmd/worker -v", ""),
    }


def test_programs_of_one_module_read_the_variables_of_their_own_packages():
    files = {"go.mod": MODULE, "compose.yaml": "services:\n"}
    for name in ("api", "worker"):
        files["compose.yaml"] += f"  {name}: {{build: {{context: ., dockerfile: {name}.docker}}}}\n"
        files[f"cmd/{name}/main.go"] = f'{GO}var x = os.Getenv("{name.upper()}_URL")\n'
        files[f"{name}.docker"] = built(f"./cmd/{name}")
    found = {service.name: service for service in found_in(**files).services}
    assert found["api"].missing.keys() == {"API_URL"}
    assert found["worker"].missing.keys() == {"WORKER_URL"}


@pytest.mark.parametrize(
    ("files", "run", "folder"),
    [
        (  # without a go.mod
            {
                "backend/main.go": GO,
                "backend/Dockerfile": (
                    "FROM golang:1.18 AS builder\nWORKDIR /code\nCOPY . .\n"
                    "RUN go build -o bin/backend main.go\nFROM scratch\n"
                    "COPY --from=builder /code/bin/backend /usr/local/bin/backend\n"
                    'CMD ["backend"]\n'
                ),
                "compose.yaml": "services:\n  backend: {build: backend}\n",
            },
            "go run main.go",
            "backend",
        ),
        (  # a crate whose result gets another name
            {
                "Cargo.toml": '[package]\nname = "server"\n',
                "src/main.rs": "fn main() {}\n",
                "Dockerfile": (
                    "FROM rust:1 AS b\nWORKDIR /app\nCOPY . .\n"
                    "RUN cargo build --release && objcopy target/release/server ./conduit\n"
                    "FROM debian:12\nWORKDIR /app\nCOPY --from=b /app/conduit conduit\n"
                    'CMD ["./conduit"]\n'
                ),
                "compose.yaml": "services:\n  server: {build: .}\n",
            },
            "cargo run --quiet",
            "",
        ),
        (  # Maven without a framework
            {
                "pom.xml": "<project><artifactId>app</artifactId></project>",
                "src/main/java/App.java": "public class App {}",
                "Dockerfile": (
                    "FROM maven:3 AS b\nWORKDIR /w\nCOPY . .\nRUN mvn package\n"
                    "FROM eclipse-temurin:17\nCOPY --from=b /w/target/app-1.jar /app.jar\n"
                    'CMD ["java", "-jar", "/app.jar"]\n'
                ),
                "compose.yaml": "services:\n  app: {build: .}\n",
            },
            "mvn -q -DskipTests package && java -jar target/app-1.jar",
            "",
        ),
    ],
    ids=["go without a module", "rust", "maven"],
)
def test_a_build_step_says_what_to_run(files, run, folder):
    assert list(runs(**files).values()) == [(run, folder)]


def test_a_dockerfile_in_a_crates_src_does_not_hide_the_crate():
    files = {
        "Cargo.toml": '[workspace]\nmembers = ["crates/server"]\n',
        "crates/server/Cargo.toml": '[package]\nname = "server"\n',
        "crates/server/src/main.rs": "fn main() {}\n",
        "crates/server/src/Dockerfile": 'FROM debian:12\nCMD ["./server"]\n',
    }
    assert runs(**files) == {"server": ("cargo run --quiet", "crates/server")}


def test_a_compose_file_of_released_images_hides_no_program_and_gives_its_stores():
    found = found_in(
        **{
            "package.json": '{"name": "d", "private": true}',
            "apps/api/package.json": '{"name": "api", "scripts": {"start": "node s.js"}}',
            "apps/api/s.js": NODE,
            "compose.yaml": (
                'services:\n  d: {image: "ghcr.io/acme/d:1"}\n  db: {image: "postgres:16"}\n'
            ),
        }
    )
    assert [service.name for service in found.services] == ["api"]
    assert [(store.name, store.kind) for store in found.stores] == [("db", "postgres")]


def test_the_file_that_builds_counts_beside_one_of_released_images():
    found = found_in(
        **{
            "api/package.json": '{"name": "api", "scripts": {"start": "node s.js"}}',
            "api/s.js": NODE,
            "compose.yaml": 'services:\n  api: {image: "ghcr.io/acme/api:1"}\n',
            "compose.prod.yaml": "services:\n  api: {build: ./other}\n",
            "compose.local.yaml": "services:\n  api: {build: ./api}\n  db: {image: postgres}\n",
        }
    )
    assert [(service.name, service.folder) for service in found.services] == [("api", "api")]
    assert found.origins == ("compose.local.yaml",)


SETTINGS = """
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="DB_PG_")
    host: str
    username: str
    password: str
    db: str
"""


def test_a_compose_file_in_a_folder_is_read_from_there_and_its_store_is_connected_by_the_driver():
    found = found_in(
        **{
            "pyproject.toml": '[project]\nname = "app"\ndependencies = ["fastapi", "asyncpg"]\n',
            "uv.lock": "version = 1\n",
            "app/main.py": f"{ASGI}{SETTINGS}",
            "docker/docker-compose.yml": (
                "services:\n"
                "  app:\n"
                "    build: {context: .., dockerfile: docker/Dockerfile}\n"
                '    command: [uv, run, uvicorn, "app.main:app"]\n'
                '  pg-db: {image: "postgres:16"}\n'
            ),
            "docker/Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY . .\n",
        }
    )
    (app,) = found.services
    assert (app.run, app.folder) == ("uv run python -m uvicorn app.main:app --port $PORT", "")
    assert app.env == {
        "DB_PG_DB": "${stores.pg-db.database}",
        "DB_PG_HOST": "pg-db",
        "DB_PG_PASSWORD": "${stores.pg-db.password}",
        "DB_PG_USERNAME": "${stores.pg-db.user}",
    }


def test_files_of_one_folder_that_name_different_services_are_one_system():
    found = found_in(
        **{
            "deploy/docker-compose.api.yml": "services:\n  api: {build: ../api}\n",
            "deploy/docker-compose.db.yml": 'services:\n  db: {image: "postgres:16"}\n',
            "deploy/docker-compose.prod.yml": "services:\n  api: {build: ../prod}\n",
            "api/package.json": '{"name": "api", "scripts": {"start": "node s.js"}}',
            "api/s.js": NODE,
        }
    )
    assert [(service.name, service.folder) for service in found.services] == [("api", "api")]
    assert [store.name for store in found.stores] == ["db"]


def test_a_default_of_localhost_is_a_reason_to_connect():
    config = (
        "from starlette.config import Config\nconfig = Config()\n"
        'HOST = config("POSTGRES_SERVER", default="localhost")\n'
        'PASSWORD = config("POSTGRES_PASSWORD", default="postgres")\n'
        'CACHE = config("REDIS_CACHE_HOST", default="localhost")\n'
        'SECRET_KEY = config("SECRET_KEY", cast=Secret)\n'
        'DEBUG = config("SHOW", default=False)\n'
    )
    found = found_in(
        **{
            "requirements.txt": "fastapi\nasyncpg\nredis\n",
            "app.py": f"{ASGI}{config}",
            "compose.yaml": (
                "services:\n  web: {build: ., command: uvicorn app:app}\n"
                "  db: {image: postgres}\n  redis: {image: redis}\n"
            ),
        }
    )
    (web,) = found.services
    assert web.env == {
        "POSTGRES_PASSWORD": "${stores.db.password}",
        "POSTGRES_SERVER": "db",
        "REDIS_CACHE_HOST": "redis",
    }
    assert found.hosts
    assert web.stores == ("redis",), "it reaches the cache by its name alone"
    assert (web.secrets, web.optional) == (("SECRET_KEY",), ("SHOW",))


def test_the_working_folder_is_that_of_the_image_and_a_packages_script_is_run_by_its_tool():
    found = found_in(
        **{
            "pyproject.toml": '[project]\nname = "x"\ndependencies = ["fastapi", "arq>=0.26"]\n',
            "uv.lock": "version = 1\n",
            "src/app/main.py": ASGI,
            "src/app/jobs.py": "class WorkerSettings:\n    functions = []\n",
            "Dockerfile": "FROM python:3.12\nWORKDIR /code\nCOPY src /code\n",
            "compose.yaml": (
                "services:\n"
                '  web: {build: ., command: "uvicorn app.main:app"}\n'
                "  worker:\n"
                "    build: .\n"
                "    command: arq app.jobs.WorkerSettings\n"
                '    volumes: ["./src/app:/code/app"]\n'
            ),
        }
    )
    assert {service.name: (service.run, service.folder) for service in found.services} == {
        "web": ("uv run python -m uvicorn app.main:app --port $PORT", "src"),
        "worker": ("uv run arq app.jobs.WorkerSettings", "src"),
    }


def test_nothing_recognised_is_a_file_that_names_what_to_fill_in_and_is_refused_as_it_is():
    found = found_in(
        **{
            "k8s/all.yaml": "\n---\n".join(
                f"kind: Deployment\nmetadata: {{name: {name}}}\n"
                f"spec: {{template: {{spec: {{containers: [{{image: '{image}'}}]}}}}}}\n"
                for name, image in (("front", "acme/front:1"), ("orders-db", "postgres:16"))
            )
        }
    )
    assert found.services == ()
    assert found.left_out == (
        "1 deployments run images whose programs are not here: front (acme/front:1)",
    )
    text = text_of(found)
    assert '  front:\n    run: "" # the command that starts it' in text
    assert "orders-db: {kind: postgres" in text
    with pytest.raises(BadInput, match="run is empty; name a program"):
        system_of(found)


def test_what_the_code_tests_for_is_no_secret_and_what_it_signs_with_is():
    code = (
        "const captcha = process.env.CAPTCHA_SECRET_KEY;\n"
        "if (!captcha) { skip(); }\n"
        'const closed = process.env.DISABLE_PASSWORD_LOGIN === "true";\n'
        "const key = process.env.PAYMENT_SECRET_KEY;\n"
        'if (!key) { throw new Error("no key"); }\n'
        "const auth = process.env.AUTH_SECRET && process.env.AUTH_SECRET.length;\n"
    )
    (service,) = found_in(
        **{"package.json": '{"name": "s", "scripts": {"start": "node s.js"}}', "s.js": NODE + code}
    ).services
    assert set(service.secrets) == {"AUTH_SECRET", "PAYMENT_SECRET_KEY"}
    assert set(service.optional) == {"CAPTCHA_SECRET_KEY", "DISABLE_PASSWORD_LOGIN"}


def test_the_port_of_a_program_beside_it_is_no_port_of_a_service():
    code = f"const d = process.env.DAPR_HTTP_PORT || 3500;\n{NODE}"
    files = {}
    for name in ("a", "b"):
        files[f"{name}/web/package.json"] = '{"name": "web", "scripts": {"start": "node s.js"}}'
        files[f"{name}/web/s.js"] = code
    found = found_in(**files)
    assert [service.name for service in found.services] == ["web", "b-web"]
    assert [list(service.ports) for service in found.services] == [["http"], ["http"]]
    assert system_of(found)


def test_what_a_folder_below_has_is_no_second_service_of_the_folder_above():
    manage = "from django.core.management import execute_from_command_line\n"
    found = runs(
        **{
            "pyproject.toml": '[project]\nname = "p"\ndependencies = ["django"]\n',
            "uv.lock": "version = 1\n",
            "src/manage.py": manage,
            "Dockerfile": 'FROM python:3.12\nCOPY src /app\nENTRYPOINT ["/init"]\nEXPOSE 8000\n',
        }
    )
    assert list(found) == ["src"]


def test_nested_settings_are_variables_with_their_delimiter():
    code = (
        "class Database(BaseModel):\n    host: str\n    password: str\n\n\n"
        "class Settings(BaseSettings):\n"
        '    model_config = SettingsConfigDict(env_prefix="APP_", env_nested_delimiter="__")\n'
        "    db: Database\n    level: str = 'info'\n"
    )
    (service,) = found_in(
        **{"requirements.txt": "fastapi\npydantic-settings\n", "main.py": ASGI + code}
    ).services
    assert service.env.keys() | {*service.secrets} == {"APP_DB__HOST", "APP_DB__PASSWORD"}
    assert service.optional == ("APP_LEVEL",)


def test_tags_and_schemas_name_variables():
    go = (
        'type C struct {\n  URL string `env:"PG_URL,required"`\n'
        '  L string `env:"LEVEL" envDefault:"info"`\n}\n'
    )
    (service,) = found_in(**{"go.mod": MODULE, "main.go": GO + go}).services
    assert (service.missing.keys(), service.optional) == ({"PG_URL"}, ("LEVEL",))
    zod = (
        "const s = z.object({\n  API_URL: z.string().url(),\n  MODE: z.string().default('x'),\n"
        "}).parse(process.env)\n"
    )
    (service,) = found_in(
        **{"package.json": '{"name": "s", "scripts": {"start": "node s.js"}}', "s.js": NODE + zod}
    ).services
    assert (service.env, service.optional) == ({"API_URL": "http://localhost"}, ("MODE",))


def test_a_store_without_a_password_is_found_by_the_host_that_the_code_names():
    found = found_in(
        **{
            "package.json": '{"name": "s", "scripts": {"start": "node s.js"}}',
            "s.js": f"{NODE}new Redis('cache')\n",
            "compose.yaml": (
                "services:\n  web: {build: ., depends_on: [cache]}\n"
                '  cache: {image: "valkey/valkey:8"}\n'
            ),
            "Dockerfile": "FROM node:20\nCOPY . .\nCMD npm start\n",
        }
    )
    (cache,), (web,) = found.stores, found.services
    assert (found.hosts, cache.passwordless, web.stores) == (True, True, ("cache",))
    assert web.to_do == ()


def test_a_file_that_leaves_out_what_another_says_is_laid_over_it():
    found = found_in(
        **{
            "compose.yaml": (
                'services:\n  queue: {image: "nats:2"}\n  api: {image: "acme/api:1"}\n'
            ),
            "compose.dev.yaml": (
                'services:\n  queue: {ports: ["4222:4222"]}\n  api: {build: ./api}\n'
            ),
            "api/package.json": '{"name": "api", "scripts": {"start": "node s.js"}}',
            "api/s.js": NODE,
        }
    )
    assert [service.name for service in found.services] == ["api"]
    assert found.broker is not None
    assert found.broker.name == "queue"


def test_a_generator_of_load_is_left_to_be_started_by_hand():
    found = found_in(
        **{
            "requirements.txt": "locust==2.1\n",
            "locustfile.py": "from locust import HttpUser\n",
            "Dockerfile": "FROM python:3.12\nCOPY . .\nCMD locust -f locustfile.py\n",
            "compose.yaml": "services:\n  load: {build: .}\n",
        }
    )
    assert found.services == ()
    assert found.left_out == ("load: it tests the other services; start it by hand",)


def test_a_template_of_projects_is_no_project():
    found = found_in(
        **{
            "cookiecutter.json": "{}",
            "hooks/post_gen_project.py": "if __name__ == '__main__':\n    main()\n",
            "{{cookiecutter.slug}}/compose.yaml": "services:\n  web: {build: [\n",
        }
    )
    assert found.services == ()
    assert found.left_out == (
        "its folders are a template's: generate a project, and run `tarmac init` there",
    )


def test_a_module_without_a_program_is_a_library():
    boot = "dependencies { implementation 'org.springframework.boot:spring-boot-starter' }\n"
    main = "@SpringBootApplication\nclass Main { public static void main(String[] a) {} }\n"
    found = runs(
        **{
            "settings.gradle": "include 'api', 'domain'\n",
            "build.gradle": boot,
            "api/build.gradle": boot,
            "api/src/main/java/Main.java": main,
            "domain/build.gradle": boot,
            "domain/src/main/java/Order.java": "public class Order {}\n",
            "domain/src/integrationTest/java/Main.java": main,
        }
    )
    assert list(found) == ["api"]


@pytest.mark.parametrize("script", ["prisma migrate dev", "expo start", "npx storybook dev"])
def test_a_tool_at_work_is_no_service(script):
    package = f'{{"name": "x", "scripts": {{"dev": "{script}"}}}}'
    assert runs(**{"package.json": package, "index.js": "1\n"}) == {}
