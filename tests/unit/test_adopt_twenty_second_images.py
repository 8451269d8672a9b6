"""What a twenty-second round has taught of images, Compose files and workspaces."""

from __future__ import annotations

import json

import pytest
from repository import FLASK, folder_of, found_in, runs, text_of

from tarmac.adopt.containers.container import plain, read_dockerfile
from tarmac.adopt.packages.node_packages import handed_on
from tarmac.adopt.stores import servers


def named(found):
    return {service.name: service for service in found.services}


def test_a_variable_of_an_image_in_its_old_form_has_all_that_follows():
    text = "FROM rust\nENV RUST_LOG server=info,http=warn\nENV A=1 B='x y'\nCMD ./a\n"
    assert read_dockerfile(text, "a", "").env == {
        "RUST_LOG": "server=info,http=warn",
        "A": "1",
        "B": "x y",
    }


def test_what_a_script_waits_for_in_one_word_starts_first():
    argv = ("./docker/wait-for-it.sh", "queue", "5672", "php /app/artisan queue:work --tries=2")
    assert plain(argv) == ("php", "/app/artisan", "queue:work", "--tries=2")


def test_the_hours_of_laravel_are_kept_without_cron():
    compose = """
    x-app: &app {build: ., volumes: ['./:/app']}
    services:
      web: {<<: *app, command: rr serve -c .rr.yaml, ports: ['9001:8080']}
      hours: {<<: *app, command: supercronic /app/docker/cron}
    """
    repository = {
        "compose.yaml": compose,
        "composer.json": "{}",
        "artisan": "",
        "public/index.php": "",
        "docker/cron": "* * * * * php /app/artisan schedule:run\n",
        "Dockerfile": "FROM php:8.4\nWORKDIR /app\nCOPY . /app\n",
    }
    found = runs(found_in(**repository))
    assert found["web"] == "php artisan serve --host=127.0.0.1 --port=$PORT"
    assert found["hours"] == "php artisan schedule:work"


def workspace(**more):
    return {
        "pnpm-workspace.yaml": "packages: ['apps/*', 'packages/*']\n",
        "pnpm-lock.yaml": "",
        "package.json": json.dumps(
            {"scripts": {"web": "pnpm --filter @x/web run dev", "jobs": "pnpm -F @x/jobs start"}}
        ),
        "apps/web/package.json": json.dumps(
            {"name": "@x/web", "scripts": {"dev": "next dev"}, "dependencies": {"next": "15"}}
        ),
        "apps/jobs/package.json": json.dumps(
            {
                "name": "@x/jobs",
                "scripts": {"start": "tsx watch index.ts"},
                "dependencies": {"tsx": "4"},
            }
        ),
        "apps/jobs/index.ts": "run()\n",
        **more,
    }


def test_a_script_of_a_workspace_is_followed_to_its_package():
    folder = folder_of(workspace())
    assert handed_on(("pnpm", "web"), folder) == (("pnpm", "run", "dev"), "apps/web")
    assert handed_on(("pnpm", "run", "jobs"), folder) == (("pnpm", "run", "start"), "apps/jobs")
    assert handed_on(("pnpm", "build"), folder) == (("pnpm", "build"), "")
    assert handed_on(("node", "a.js"), folder)[1] == ""


def test_code_that_is_mounted_into_an_image_of_tools_is_started_where_it_lies():
    compose = """
    services:
      web: {build: {dockerfile: Dockerfile.dev}, volumes: ['..:/app'], working_dir: /app,
        command: pnpm web, ports: ['3000:3000'],
        depends_on: {prep: {condition: service_completed_successfully}}}
      jobs: {build: {dockerfile: Dockerfile.dev}, volumes: ['..:/app'], working_dir: /app,
        command: pnpm jobs}
      prep: {build: {dockerfile: Dockerfile.dev}, volumes: ['..:/app'], working_dir: /app,
        command: [/bin/sh, -c, 'mkdir -p /data && pnpm install && pnpm run tables']}
    """
    found = found_in(
        **workspace(
            **{
                "docker/compose.yaml": compose,
                "docker/Dockerfile.dev": "FROM node:24\nRUN corepack enable\nWORKDIR /app\n",
            }
        )
    )
    assert runs(found) == {
        "web": "pnpm run dev -H 127.0.0.1 -p $PORT",
        "jobs": "pnpm run start",
    }
    assert {s.name: s.folder for s in found.services} == {"web": "apps/web", "jobs": "apps/jobs"}
    assert named(found)["web"].tasks["prep"] == "cd ../.. && pnpm run tables"


def test_a_folder_of_what_an_image_is_built_from_is_read_by_its_script_and_not_by_its_mount():
    compose = """
    services:
      web: {build: ., volumes: ['./backend:/app', './docker/entry.sh:/entry.sh:ro'],
        command: /bin/bash /entry.sh, ports: ['8000:8000']}
    """
    repository = {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nWORKDIR /app\nCOPY backend/ .\n",
        "backend/requirements.txt": "django\n",
        "backend/manage.py": "import django\n",
        "docker/entry.sh": "#!/bin/sh\nexec python manage.py runserver 0.0.0.0:8000\n",
    }
    found = found_in(**repository)
    assert named(found)["web"].folder == "backend"
    assert runs(found)["web"].endswith("python manage.py runserver 127.0.0.1:$PORT")


def test_what_an_image_starts_by_concurrently_is_a_program_each_in_its_folder():
    dockerfile = (
        "FROM node:22\nWORKDIR /data\nCOPY . .\nEXPOSE 3000\n"
        'CMD ["sh", "-c", "exec concurrently -k -n web,jobs '
        '\\"cd /data/apps/web && exec next start\\" '
        '\\"cd /data/apps/jobs && exec tsx index.ts\\""]\n'
    )
    found = found_in(
        **workspace(
            **{
                "Dockerfile": dockerfile,
                "compose.yaml": "services: {app: {image: shop/shop}, db: {image: 'postgres:16'}}",
                "compose.dev.yaml": "services: {app: {build: .}}",
            }
        )
    )
    assert runs(found) == {
        "web": "pnpm run dev -H 127.0.0.1 -p $PORT",
        "jobs": "npx tsx index.ts",
    }
    assert [store.name for store in found.stores] == ["db"]


def test_servers_of_the_file_for_work_come_to_those_of_the_whole_system():
    compose = "services: {web: {build: ., ports: ['80:5000']}, db: {image: 'postgres:16'}}"
    work = (
        "services: {pg: {image: 'postgres:16'}, cache: {image: 'redis:7'}, "
        "s3: {image: dxflrs/garage}}"
    )
    both = {"compose.yaml": compose, "compose.dev.yaml": work}
    found = found_in(**FLASK, **both)
    assert {store.name: store.kind for store in found.stores} == {
        "db": "postgres",
        "cache": "redis",
        "s3": "s3",
    }
    assert "cache" not in {s.name for s in found_in(**FLASK, **{"compose.yaml": compose}).stores}


def test_an_image_with_a_module_of_a_server_is_that_server():
    own = servers.of_own_image("example.org/valkey-cell:9.0", "redis")
    assert own is not None
    assert own.kind == "redis"
    assert servers.of_own_image("example.org/redis-exporter", "metrics") is None


@pytest.mark.parametrize(
    ("image", "run", "variable", "port"),
    [
        ("getmeili/meilisearch:v1.41", "meilisearch", "MEILI_HTTP_ADDR", 7700),
        ("typesense/typesense:29.0", "typesense-server", "TYPESENSE_API_PORT", 8108),
    ],
)
def test_a_search_engine_is_a_service_that_starts_what_is_installed(image, run, variable, port):
    compose = f"""
    services:
      web: {{build: ., ports: ['80:5000'], environment: {{SEARCH_URL: 'http://search:{port}'}}}}
      search: {{image: '{image}', volumes: ['search:/data']}}
    volumes: {{search: {{}}}}
    """
    found = found_in(**FLASK, **{"compose.yaml": compose})
    search = named(found)["search"]
    assert runs(found)["search"] == run
    assert variable in search.env
    assert named(found)["web"].env["SEARCH_URL"] == "${services.search.url}"
    text = text_of(found)
    assert f"{run} on PATH" in text.replace("\n    # ", " ")
    assert "`tarmac up --without search` starts the rest" in text.replace("\n    # ", " ")
    assert "search" not in [s.name for s in found.services if not s.of_others]


def test_a_server_for_tests_that_no_program_uses_is_left_out():
    compose = (
        "services: {web: {build: ., ports: ['80:5000']}, db: {image: 'postgres:16'}, "
        "pgtest: {image: 'postgres:16'}}"
    )
    found = found_in(**FLASK, **{"compose.yaml": compose})
    assert [store.name for store in found.stores] == ["db"]
    assert "pgtest: no program uses it; add it for the tests" in found.left_out


def test_addresses_of_an_example_lead_to_the_servers_that_are_published_there():
    compose = (
        "services: {web: {build: ., ports: ['80:5000'], env_file: .env}, "
        "files: {image: dxflrs/garage, ports: ['3900:3900']}, "
        "mails: {image: axllent/mailpit, ports: ['8025:8025', '1025:1025']}}"
    )
    example = "S3_ENDPOINT=http://localhost:3900\nSMTP_HOST=0.0.0.0\nSMTP_PORT=1025\n"
    found = found_in(**FLASK, **{"compose.yaml": compose, ".env.example": example})
    env = named(found)["web"].env
    assert env["S3_ENDPOINT"] == "${stores.files.endpoint}"
    assert (env["SMTP_HOST"], env["SMTP_PORT"]) == ("${stores.mails.host}", "${stores.mails.port}")
