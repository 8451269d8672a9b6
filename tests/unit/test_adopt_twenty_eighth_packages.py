"""What a twenty-eighth round of repositories has taught of packages, Spring and stores."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of, found_in, system_of, text_of

from tarmac.adopt.survey.survey import survey

API = "from fastapi import FastAPI\napp = FastAPI()\n"


def install(found):
    return found.services[0].tasks["install"]


@pytest.mark.parametrize(
    ("listed", "code", "lacks"),
    [
        ("fastapi\nuvicorn\n", "from sqlalchemy.orm import Session\n", "sqlalchemy"),
        ("fastapi\nSQLAlchemy==2.0\n", "import sqlalchemy\n", ""),
        ("fastapi\nfastapi-users[sqlalchemy]\n", "import sqlalchemy\n", ""),
        ("fastapi\n-e .\n", "import sqlalchemy\n", ""),
        ("fastapi --hash=sha256:0\n", "import sqlalchemy\n", ""),
        ("fastapi\npsycopg2\n", "import psycopg2\n", ""),
        ("fastapi\n", "try:\n    import yaml\nexcept ImportError:\n    yaml = None\n", ""),
        ("fastapi\n", "from pydantic import BaseModel, EmailStr\n", "email-validator"),
        ("fastapi[all]\n", "from pydantic import BaseModel, EmailStr\n", ""),
        ("fastapi\n", "from fastapi import UploadFile\n", "python-multipart"),
        ("fastapi\n", "import redis, os\nimport own\n", "redis"),
    ],
)
def test_a_package_that_code_imports_is_installed_with_its_list(listed, code, lacks):
    found = found_in(**{"requirements.txt": listed, "main.py": API, "notes/db.py": code})
    assert install(found).endswith(f"{lacks} && touch .venv/.installed)")
    assert ("which its list of packages lacks" in text_of(found)) == bool(lacks)


def test_a_module_of_its_own_and_code_aside_ask_for_no_package():
    files = {
        "requirements.txt": "fastapi\n",
        "main.py": API,
        "redis.py": "",
        "a.py": "import redis\n",
    }
    assert " redis" not in install(found_in(**files))
    files = {**files, "a.py": "", "scripts/load.py": "import pandas\n", "redis.py": ""}
    assert "pandas" not in install(found_in(**files))
    other = {**files, "worker/requirements.txt": "requests\n", "worker/a.py": "import numpy\n"}
    lines = [one.tasks.get("install", "") for one in found_in(**other).services]
    assert not any("requirements.txt numpy" in line for line in lines if "worker" not in line)


@pytest.mark.parametrize(
    ("code", "is_there"),
    [
        ('app = Celery("x", broker="redis://localhost:6379/0")\n', True),
        ('app = Celery("x", broker=os.getenv("BROKER", "redis://localhost:6379/0"))\n', False),
        ('EXAMPLE = "redis://localhost:6379/0"\n', False),
    ],
)
def test_a_client_that_is_handed_an_address_finds_the_store_there(code, is_there):
    reads = 'import os\nimport redis\nurl = os.environ["REDIS_URL"]\n'
    files = {
        "requirements.txt": "fastapi\ncelery\nredis\n",
        "main.py": API + reads,
        "tasks.py": code,
    }
    store = next(one for one in found_in(**files).stores if one.kind == "redis")
    assert (store.known is not None and store.known.port == 6379) == is_there


def pom(name, *depends, starter="spring-boot-starter-web"):
    listed = "".join(
        f"<dependency><artifactId>{one}</artifactId></dependency>" for one in (starter, *depends)
    )
    return (
        "<project><parent><artifactId>spring-boot-starter-parent</artifactId></parent>"
        f"<artifactId>{name}</artifactId><dependencies>{listed}</dependencies></project>"
    )


MAIN = "@SpringBootApplication\nclass A { public static void main(String[] a) {} }\n"
SPRING = {
    "base/pom.xml": pom("base", "lombok", starter="spring-boot-starter"),
    "base/mvnw": "",
    "base/.mvn/wrapper/maven-wrapper.jar": "",
    "base/src/main/java/x/A.java": MAIN,
    "orders/pom.xml": pom("orders", "base"),
    "orders/src/main/java/x/A.java": MAIN,
    "mail/pom.xml": pom("mail", "base"),
    "mail/src/main/java/x/A.java": MAIN,
}


def test_a_project_that_others_beside_it_depend_on_is_installed_for_them():
    found = found_in(**SPRING)
    services = {one.name: one for one in found.services}
    assert services.keys() == {"orders", "mail"}
    assert "cd ../base && ./mvnw" in services["mail"].tasks["install"]
    assert services["orders"].tasks["install"].startswith("until test -e ../base/target/")
    assert system_of(found)
    runs = MAIN.replace("class A", "class A implements CommandLineRunner")
    assert len(found_in(**{**SPRING, "base/src/main/java/x/A.java": runs}).services) == 3


LISTENS = "import org.springframework.kafka.annotation.KafkaListener;\n"


@pytest.mark.parametrize(
    ("settings", "is_told"),
    [
        ("spring.kafka.consumer.group-id=mail\n", True),
        ("spring.kafka.consumer.bootstrap-servers=localhost:9092\n", True),
        ("spring.kafka.bootstrap-servers=other.example.org:9092\n", False),
    ],
)
def test_a_client_of_kafka_is_told_its_place_where_its_settings_say_none(settings, is_told):
    files = {
        "pom.xml": pom("mail", "spring-kafka"),
        "src/main/java/x/A.java": LISTENS + MAIN,
        "src/main/resources/application.properties": settings,
    }
    (mail,) = survey(folder_of(files), CATALOGUE, KINDS | {"kafka"}).services
    assert ("SPRING_KAFKA_BOOTSTRAP_SERVERS" in mail.env) == is_told
    assert not any("PASSWORD" in name for name in mail.env)


def test_what_gradle_puts_together_is_made_before_a_procfile_starts_it():
    files = {
        "Procfile": "web: ./build/install/notes/bin/notes\n",
        "build.gradle": 'plugins {\n    id "application"\n}\n',
        "gradlew": "",
        "src/main/kotlin/A.kt": "fun main() {}\n",
    }
    (web,) = found_in(**files).services
    assert web.run == "./gradlew -q installDist && ./build/install/notes/bin/notes"


CELERY = """\
    services:
      kafka:
        image: bitnami/kafka:3.7
      rabbit:
        image: rabbitmq:3
      redis:
        image: redis:7
      worker:
        build: .
        command: celery -A tasks worker
        environment:
          CELERY_BROKER_URL: redis://redis:6379/0
          EVENTS: kafka:9092
"""


def test_celery_keeps_its_own_broker_beside_one_of_another_kind():
    code = 'import os\napp = Celery(broker=os.environ["CELERY_BROKER_URL"])\n'
    files = {
        "requirements.txt": "celery\nredis\n",
        "tasks.py": code,
        "Dockerfile": "FROM python:3\n",
    }
    kinds = KINDS | {"kafka"}
    told = CELERY.replace("      rabbit:\n        image: rabbitmq:3\n", "")
    (worker,) = survey(folder_of({**files, "compose.yml": told}), CATALOGUE, kinds).services
    assert worker.env["BROKER_URL"] == ""
    alone = told.replace("          EVENTS: kafka:9092\n", "")
    (worker,) = survey(folder_of({**files, "compose.yml": alone}), CATALOGUE, kinds).services
    assert "BROKER_URL" not in worker.env


def test_a_page_of_celerys_own_has_not_the_health_of_the_app():
    code = '@app.get("/health")\ndef health():\n    return {}\n'
    compose = (
        "services:\n  web:\n    build: .\n    command: uvicorn main:app --port 8000\n"
        "    ports: ['8000:8000']\n  flower:\n    build: .\n    ports: ['5555:5555']\n"
        "    command: celery -A main flower --port=5555\n"
    )
    files = {"requirements.txt": "fastapi\ncelery\nflower\n", "main.py": API + code}
    files |= {"Dockerfile": "FROM python:3\n", "compose.yml": compose}
    probes = {one.name: one.probe for one in found_in(**files).services}
    assert probes == {"web": "/health", "flower": ""}


DRIZZLE = {
    "package.json": '{"scripts": {"db:migrate": "drizzle-kit migrate"}}',
    "pnpm-lock.yaml": "",
    "pnpm-workspace.yaml": "packages: [apps/*]\n",
    "drizzle.config.ts": "export default { out: './apps/api/drizzle' }\n",
    "apps/api/drizzle/meta/_journal.json": '{"entries": [{"tag": "0001_a"}]}',
    "apps/api/drizzle/0001_a.sql": "CREATE TABLE a (b int);\n",
    "apps/api/package.json": '{"scripts": {"dev": "tsx watch src/a.ts"}, "dependencies": '
    '{"drizzle-orm": "0"}}',
    "apps/api/src/a.ts": "const port = process.env.PORT\nexpress().listen(port)\n",
    "apps/worker/package.json": '{"scripts": {"dev": "tsx watch src/w.ts"}, "dependencies": '
    '{"drizzle-orm": "0", "bullmq": "5"}}',
    "apps/worker/src/w.ts": "import { Worker } from 'bullmq'\nnew Worker('x', work)\n"
    "const port = process.env.PORT\n",
}


def test_the_workspace_of_a_program_makes_its_tables_once():
    services = {one.name: one for one in found_in(**DRIZZLE).services}
    lines = [one.tasks.get("migrate", "") for one in services.values()]
    assert sorted(lines) == ["", "(cd ../.. && pnpm run db:migrate)"]
    plain = {**DRIZZLE, "apps/api/drizzle/0001_a.sql": "-- nothing\n"}
    assert not any(one.tasks.get("migrate") for one in found_in(**plain).services)


def test_a_worker_of_a_queue_has_no_port_that_its_settings_name():
    services = {one.name: one for one in found_in(**DRIZZLE).services}
    assert services["api"].ports
    assert not services["worker"].ports
    listens = DRIZZLE["apps/worker/src/w.ts"] + "createServer().listen(port)\n"
    services = {
        s.name: s for s in found_in(**{**DRIZZLE, "apps/worker/src/w.ts": listens}).services
    }
    assert services["worker"].ports


VITE = '{"scripts": {"dev": "vite"}, "dependencies": {"vite": "5"}}'


def test_pages_call_the_one_back_end_of_several_programs():
    files = {
        "apps/client/package.json": VITE,
        "apps/client/src/a.ts": "fetch(import.meta.env.VITE_API_URL + '/a')\n",
        "apps/site/package.json": VITE,
        "apps/server/package.json": '{"scripts": {"dev": "tsx a.ts"}}',
        "apps/server/a.ts": "app.listen(process.env.PORT)\n",
    }
    services = {one.name: one for one in found_in(**files).services}
    assert services["client"].env["VITE_API_URL"] == "${services.server.public_url}"
    files["apps/backend/package.json"] = files["apps/server/package.json"]
    files["apps/backend/a.ts"] = files["apps/server/a.ts"]
    services = {one.name: one for one in found_in(**files).services}
    assert "VITE_API_URL" not in services["client"].env


@pytest.mark.parametrize(
    ("pinned", "node", "is_told"),
    [
        ("pnpm@11.2.0", "v20.1.0\n", True),
        ("pnpm@11.2.0", "22\n", False),
        ("pnpm@10.2.0", "20\n", False),
        ("pnpm@11.2.0", "", False),
    ],
)
def test_a_pnpm_that_is_not_for_the_node_of_its_repository_is_not_insisted_on(
    pinned, node, is_told
):
    package = '{"scripts": {"dev": "node a.js"}, "dependencies": {"pg": "8"}}'
    files = {
        "package.json": f'{{"packageManager": "{pinned}"}}',
        "pnpm-lock.yaml": "",
        "pnpm-workspace.yaml": "packages: [apps/*]\n",
        "apps/api/package.json": package,
        "apps/api/a.js": "app.listen(process.env.PORT)\n",
    }
    files |= {".nvmrc": node} if node else {}
    (api,) = found_in(**files).services
    assert ("npm_config_manage_package_manager_versions" in api.env) == is_told
