"""What a twenty-sixth round of repositories has taught of programs, their tables and packages."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta

import pytest
from repository import folder_of, found_in

from tarmac.adopt.packages.package_day import day_of


def named(found):
    return {service.name: service for service in found.services}


# Main packages of Go, tables of TypeORM, packages of a day.

TOOL = """
package main

import ("flag"; "fmt"; "os")

func main() {
    flag.Parse()
    args := flag.Args()
    if len(args) < 1 {
        fmt.Println("Usage: make <subcommand>")
        os.Exit(1)
    }
    switch args[0] {
    case "%s":
        make(args[1])
    default:
        os.Exit(1)
    }
}
"""
SERVER = 'package main\nimport "net/http"\nfunc main() {\n\thttp.ListenAndServe(":8080", nil)\n}\n'


@pytest.mark.parametrize(("word", "others"), [("module", []), ("serve", ["scaffold"])])
def test_a_main_package_that_only_carries_words_out_is_no_service(word, others):
    files = {
        "go.mod": "module x\ngo 1.22\n",
        "cmd/api/main.go": SERVER,
        "cmd/web/main.go": SERVER.replace("8080", "8090"),
        "cmd/scaffold/main.go": TOOL % word,
    }
    assert sorted(named(found_in(**files))) == ["api", *others, "web"]


def test_a_number_of_a_file_of_settings_is_overridden_by_a_variable_of_a_usual_name():
    code = (
        'package main\nimport "net/http"\ntype Server struct {\n'
        '\tPort int `json:"port" env:"SERVER_PORT"`\n}\n'
        'func main() {\n\tload("config/config.json")\n\thttp.ListenAndServe(addr(), nil)\n}\n'
    )
    files = {"go.mod": "module x\ngo 1.22\n", "main.go": code}
    settings = {"config/config.json": json.dumps({"server": {"port": 8085}}, indent=1)}
    (app,) = found_in(**files, **settings).services
    assert (app.ports, app.fixed) == ({"http": 8085}, False)
    assert app.env["SERVER_PORT"] == "${services.x.port}"


TYPEORM = {
    "dependencies": {"typeorm": "1", "pg": "8"},
    "scripts": {"build": "nest build", "start": "nest start"},
}
STEP = {"src/migrations/1753731591668-CreateUrls.ts": "export class CreateUrls {}\n"}


@pytest.mark.parametrize(
    ("scripts", "line"),
    [
        (
            {"migrate:prod": "typeorm -d dist/data-source.js migration:run"},
            "npm run build && npm run migrate:prod",
        ),
        (
            {
                "typeorm": "typeorm-ts-node-commonjs -d src/data-source.ts",
                "migration:run": "npm run typeorm -- migration:run",
                "migrate:prod": "typeorm -d dist/data-source.js migration:run",
            },
            "npm run migration:run",
        ),
        ({"migration:run": "typeorm -d src/data-source.ts migration:run"}, None),
        ({"migration:revert": "typeorm -d dist/data-source.js migration:revert"}, None),
    ],
)
def test_typeorm_makes_the_tables_by_the_script_that_can_be_run_here(scripts, line):
    package = {**TYPEORM, "scripts": {**TYPEORM["scripts"], **scripts}}
    files = {"package.json": json.dumps(package), "src/main.ts": "app.listen(process.env.PORT)\n"}
    (app,) = found_in(**files, **STEP).services
    assert app.tasks.get("migrate") == line
    (app,) = found_in(**files).services
    assert "migrate" not in app.tasks


def test_drizzles_steps_are_carried_out_by_a_file_of_a_package_that_is_linked():
    api = {
        "dependencies": {"@x/db": "workspace:*"},
        "scripts": {"dev": "tsx src/server.ts"},
    }
    db = {"name": "@x/db", "scripts": {"look": "tsx src/look.ts", "up": "tsx src/run.ts"}}
    files = {
        "package.json": json.dumps({"name": "x"}),
        "pnpm-workspace.yaml": "packages: ['apps/*', 'packages/*']\n",
        "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
        "apps/api/package.json": json.dumps({"name": "@x/api", **api}),
        "apps/api/src/server.ts": "serve(process.env.PORT)\n",
        "packages/db/package.json": json.dumps(db),
        "packages/db/src/look.ts": "console.log(1)\n",
        "packages/db/src/run.ts": "import { migrate } from 'drizzle-orm/node-postgres/migrator'\n",
    }
    assert named(found_in(**files))["api"].tasks["migrate"] == (
        "(cd ../../packages/db && pnpm run up)"
    )


@pytest.mark.parametrize(
    "code",
    [
        "const env = process.env;\nserve(env.API_PORT ?? 4000, env.LOG_LEVEL || 'info')\n",
        (
            "const load = (env: NodeJS.ProcessEnv = process.env) => ({\n"
            '  port: toInt(env, "API_PORT", 4_000, { minimum: 1 }),\n'
            '  level: toLevel(env["LOG_LEVEL"], "info"),\n});\nserve(load().port)\n'
        ),
    ],
)
def test_a_name_for_all_variables_is_asked_for_one(code):
    files = {
        "package.json": json.dumps({"scripts": {"start": "tsx a.ts"}}),
        "a.ts": code,
        "test-utils/harness.ts": "export const config = {\n  port: 3999,\n};\n",
    }
    (app,) = found_in(**files).services
    assert app.ports == {"http": 4000}
    assert app.env["API_PORT"] == f"${{services.{app.name}.port}}"
    assert "LOG_LEVEL" in app.optional


@pytest.mark.parametrize(
    ("files", "value"),
    [
        (
            {"web/vite.config.ts": "export default {\n  proxy: {\n    '/api': {},\n  },\n}\n"},
            "/api",
        ),
        ({"web/vite.config.ts": "export default {}\n"}, "${services.backend.public_url}/api"),
    ],
)
def test_a_path_that_a_front_end_hands_on_is_its_own(files, value):
    package = {"scripts": {"dev": "vite"}, "devDependencies": {"vite": "7"}}
    own = {
        "compose.yaml": """
        services:
          backend: {build: back, ports: ["3000:3000"]}
          frontend: {build: web, ports: ["8080:80"]}
        """,
        "back/Dockerfile": "FROM node:20\nCOPY . .\nEXPOSE 3000\nCMD node a.js\n",
        "back/package.json": json.dumps({"scripts": {"start": "node a.js"}}),
        "back/a.js": "listen(3000)\n",
        "web/Dockerfile": "FROM node:20\nCOPY . .\nCMD npm run dev\n",
        "web/package.json": json.dumps(package),
        "web/src/a.ts": "const base = import.meta.env.VITE_API_BASE_URL ?? '/api'\n",
    }
    assert named(found_in(**own, **files))["frontend"].env["VITE_API_BASE_URL"] == value


def test_a_variable_that_a_reader_insists_on_is_missing():
    code = "const all = process.env;\nread(all, 'WANTED', { required: true });\nlisten(3000)\n"
    files = {"package.json": json.dumps({"scripts": {"start": "node a.js"}}), "a.js": code}
    (app,) = found_in(**files).services
    assert [*app.missing] == ["WANTED"]


@pytest.mark.parametrize(
    ("text", "days", "is_of_its_day"),
    [
        ("celery==5.3.4\nredis==5.0.1\n", 200, True),
        ("celery==5.3.4\nredis==5.0.1\n", 20, False),
        ("celery==5.3.4\nredis\n", 200, False),
        ("celery==5.3.4\nredis\n", 400, True),
    ],
)
def test_a_list_that_names_each_version_is_of_its_day_sooner(text, days, is_of_its_day):
    day = str(date.today() - timedelta(days=days))  # noqa: DTZ011 - as it is compared
    folder = replace(folder_of({"requirements.txt": text}), changed=lambda _: day)
    assert bool(day_of(["requirements.txt"], folder)) is is_of_its_day
