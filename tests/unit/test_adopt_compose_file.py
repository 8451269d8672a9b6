"""Compose files as the Compose specification means them: merged, included, extended, filled in."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

import pytest
from repository import folder_of, found_in, system_of

from tarmac.adopt.containers.compose_file import merged, read_project
from tarmac.adopt.survey.found import Service

NODE = {"web/package.json": '{"scripts": {"start": "node s.js"}}', "web/s.js": "process.env.PORT"}


def services(compose: str, override: str = "", **files: str) -> Mapping[str, Mapping[str, object]]:
    """Read a project as one mapping of services."""
    over = {"compose.override.yaml": override} if override else {}
    texts = {"compose.yaml": compose, **over, **files}
    project = read_project(folder_of(texts), "compose.yaml")
    assert project is not None
    return project.services


def the_service(compose: str, **files: str) -> Service:
    found = found_in(**{"compose.yaml": textwrap.dedent(compose), **files})
    (service,) = found.services
    system_of(found)
    return service


@pytest.mark.parametrize(
    ("base", "over", "result"),
    [
        (
            "environment: [A=1, B=2]",
            "environment: {B: '3', C: '4'}",
            {"A": "1", "B": "3", "C": "4"},
        ),
        ("environment: {A: '1'}", "environment: [A=2, SHELL_ONE]", {"A": "2", "SHELL_ONE": None}),
        ("command: [a, b]", "command: [c]", ["c"]),
        ("entrypoint: [a]", "entrypoint: b", "b"),
        ("ports: ['80:80']", "ports: ['81:81', '80:80']", ["80:80", "81:81"]),
        ("volumes: ['./a:/x', './b:/y']", "volumes: ['./c:/x']", ["./c:/x", "./b:/y"]),
        ("depends_on: [db]", "depends_on: {cache: {condition: service_healthy}}", ["db", "cache"]),
        ("env_file: [a.env]", "env_file: [b.env]", ["a.env", "b.env"]),
        ("ports: ['80:80']", "ports: !reset []", None),
        ("ports: ['80:80']", "ports: !override ['81:81']", ["81:81"]),
        ("environment: {A: '1', B: '2'}", "environment: {A: !reset null}", {"B": "2"}),
        (
            "healthcheck: {test: [CMD, a], interval: 1s}",
            "healthcheck: {test: [CMD, b]}",
            {"test": ["CMD", "b"], "interval": "1s"},
        ),
    ],
)
def test_an_override_is_merged_as_the_specification_says(base, over, result):
    key = base.partition(":")[0]
    texts = (f"services: {{web: {{image: x, {text}}}}}" for text in (base, over))
    found = services(*texts)["web"].get(key)
    assert (list(found) if key == "depends_on" else found) == result


def test_the_base_of_a_variable_list_is_not_lost():
    """A template's base gives the database's host, and its override the mail server's."""
    override = "services: {web: {environment: {SMTP_HOST: mail}}}"
    compose = """
    services:
      web: {build: web, environment: [PGHOST=db]}
      db: {image: postgres:16}
      mail: {image: mailpit}
    """
    service = the_service(compose, **{"compose.override.yaml": override}, **NODE)
    assert service.env == {"PGHOST": "db", "SMTP_HOST": "${stores.mail.host}"}


def test_what_is_included_is_read_from_its_own_folder():
    compose = """
    include: [infra/compose.yaml, {path: [shop/compose.yaml], project_directory: shop}, gone.yaml]
    services: {web: {build: web, environment: {A: '1'}}}
    """
    found = services(
        compose,
        **{
            "infra/compose.yaml": "services: {db: {image: 'postgres:16', volumes: ['./i:/i']}}",
            "shop/compose.yaml": "services: {api: {build: ., env_file: a.env}, web: {image: x}}",
        },
    )
    assert found["db"]["volumes"] == ["./infra/./i:/i"]
    assert found["api"] == {"build": "shop/.", "env_file": ["shop/a.env"]}
    assert found["web"] == {"image": "x", "build": "web", "environment": {"A": "1"}}


def test_a_service_extends_another_here_and_in_another_file():
    compose = """
    services:
      base: {build: web, environment: [A=1, B=2], depends_on: [db]}
      one: {extends: {service: base}, environment: {B: '3'}}
      two: {extends: {file: common/c.yaml, service: shared}, command: x}
      three: {extends: one}
      four: {extends: {service: absent}}
    """
    common = (
        "services: {shared: {build: {context: app}, extends: {service: lowest}}, lowest: {user: u}}"
    )
    found = services(compose, **{"common/c.yaml": common})
    assert found["one"] == {"build": "web", "environment": {"A": "1", "B": "3"}}
    assert found["two"] == {"build": {"context": "common/app"}, "user": "u", "command": "x"}
    assert found["three"] == found["one"]
    assert found["four"] == {}


def test_files_that_include_and_services_that_extend_each_other_come_to_an_end():
    compose = "include: [compose.yaml]\nservices: {a: {extends: b}, b: {extends: a, image: x}}"
    assert services(compose).keys() == {"a", "b"}


def test_variables_are_filled_in_wherever_they_stand():
    service = the_service(
        """
        services:
          ad:
            build: {context: ./, dockerfile: "${AD_DOCKERFILE}"}
            ports: ["${AD_PORT}:${AD_PORT:-80}"]
        """,
        **{
            ".env": "AD_DOCKERFILE=./src/ad/Dockerfile\nAD_PORT=9555\n",
            "src/ad/Dockerfile": "FROM node:20\nCOPY . .\nCMD node ad.js",
            "src/ad/package.json": '{"scripts": {"start": "node ad.js"}}',
            "src/ad/ad.js": "process.env.PORT",
            "src/agent/run.py": "app = Flask(__name__)",
        },
    )
    assert (service.folder, service.run) == ("src/ad", "node ad.js")
    assert list(service.ports.values()) == [9555]


def test_a_dockerfile_that_is_a_known_server_is_a_store_and_no_second_copy_of_the_program():
    found = found_in(
        **{
            "compose.yaml": textwrap.dedent("""
            services:
              maildev: {build: {context: ., dockerfile: maildev.Dockerfile}, ports: ['1080:1080']}
              api: {build: ., environment: {MAIL_HOST: maildev}}
            """),
            "maildev.Dockerfile": "FROM maildev/maildev:2\nRUN apk add curl\n",
            "Dockerfile": "FROM node\nCOPY . .\nCMD npm start",
            "package.json": '{"scripts": {"start": "node s.js"}}',
            "s.js": "process.env.PORT; process.env.MAIL_HOST",
        }
    )
    assert [service.name for service in found.services] == ["api"]
    assert [(store.name, store.kind) for store in found.stores] == [("maildev", "mail")]
    assert found.services[0].env["MAIL_HOST"] == "${stores.maildev.host}"


def test_services_that_share_a_folder_are_skipped_if_their_programs_are_ambiguous():
    found = found_in(
        **{
            "compose.yaml": textwrap.dedent("""
            services:
              api: {build: {context: ., dockerfile: api.Dockerfile}}
              ledger: {build: {context: ., dockerfile: ledger.Dockerfile}}
              gone: {build: {context: ., dockerfile: nowhere.Dockerfile}}
            """),
            "api.Dockerfile": "FROM python\nCOPY . .\nCMD python app.py",
            "ledger.Dockerfile": "FROM debian\nCOPY ledger /ledger\nCMD /ledger --serve",
            "app.py": "app = Flask(__name__)",
            "requirements.txt": "flask",
        }
    )
    assert [service.name for service in found.services] == ["api"]
    ledger, gone = sorted(found.left_out, key=lambda line: "gone" in line)
    assert ledger.startswith("ledger: ")
    assert "/ledger --serve" in ledger
    assert gone.startswith("gone: its nowhere.Dockerfile is not in this repository")


def test_images_are_matched_to_the_programs_beside_them():
    found = found_in(
        **{
            "docker-compose.yml": textwrap.dedent("""
            services:
              customers:
                image: springcommunity/spring-petclinic-customers-service
                ports: ['8081:8081']
              tracing: {image: openzipkin/zipkin}
            """),
            "spring-petclinic-customers-service/pom.xml": "<project>spring-boot</project>",
            "spring-petclinic-customers-service/src/main/java/A.java": (
                "class A { public static void main(String[] a) {} }"
            ),
        }
    )
    (service,) = found.services
    assert (service.name, service.folder) == ("customers", "spring-petclinic-customers-service")
    assert any("is the program of the image" in guess for guess in service.guesses)
    assert [line.partition(":")[0] for line in found.left_out] == ["tracing"]


def test_a_compose_file_of_stores_alone_does_not_hide_the_programs_beside_it():
    found = found_in(
        **{
            "compose.yaml": "services: {db: {image: 'postgres:16'}}",
            "web/package.json": '{"scripts": {"start": "node s.js"}, "dependencies": {"pg": "8"}}',
            "web/s.js": "listen(process.env.PORT); process.env.DATABASE_URL",
        }
    )
    (service,) = found.services
    assert service.env == {"DATABASE_URL": "${stores.db.url}"}


def test_merging_changes_neither_side():
    base, over = {"a": {"b": [1]}}, {"a": {"b": [2]}}
    assert merged(base, over) == {"a": {"b": [1, 2]}}
    assert (base, over) == ({"a": {"b": [1]}}, {"a": {"b": [2]}})


def test_files_of_any_name_in_a_folder_of_compose_files_are_one_system():
    found = found_in(
        **{
            "deployment/docker-compose/infra.yml": "services:\n  db: {image: 'postgres:18'}\n",
            "deployment/docker-compose/apps.yml": (
                "services:\n  bills: {image: acme/bills, environment: {DB: 'postgres://u:p@db/x'}}\n"
            ),
            "deployment/docker-compose/prometheus/prometheus.yml": "scrape_configs: []\n",
            "bills/requirements.txt": "flask\n",
            "bills/app.py": "app = Flask(__name__)\n",
        }
    )
    assert [service.name for service in found.services] == ["bills"]
    assert found.services[0].env == {"DB": "${stores.db.url}"}


def test_a_script_of_a_package_runs_in_the_folder_that_the_image_copies():
    found = found_in(
        **{
            "compose.yaml": "services: {web: {build: ., command: yarn watch-production}}\n",
            "Dockerfile": (
                "FROM node:20 AS app\nWORKDIR /app/backend\n"
                "COPY --chown=node:node backend/ ./\nCOPY bin/ /app/bin\n"
            ),
            "backend/package.json": '{"scripts": {"watch-production": "node server.js"}}',
            "backend/server.js": "listen(process.env.PORT)\n",
            "bin/tool": "",
        }
    )
    (service,) = found.services
    assert (service.name, service.folder) == ("web", "backend")
    assert service.run in ("yarn watch-production", "yarn run watch-production")
