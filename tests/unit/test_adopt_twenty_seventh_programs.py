"""What a twenty-seventh round of repositories has taught of programs, their tables and keys."""

from __future__ import annotations

import json

import pytest
from repository import found_in, runs

from tarmac.adopt.survey.found import MIGRATE


def package(**scripts):
    return json.dumps({"name": "queue", "scripts": scripts, "dependencies": {"pg": "8"}})


CHECKS = "import { pool } from './pool.js'\nvoid pool.query('SELECT 1')\n"
API = "import { build } from './app.js'\nbuild().listen({ port: process.env.PORT ?? 3000 })\n"


def test_of_two_programs_the_one_that_answers_is_started():
    files = {
        "package.json": package(dev="tsx src/index.ts", api="tsx src/api/index.ts"),
        "src/index.ts": CHECKS,
        "src/pool.ts": "export const pool = new Pool()\n",
        "src/api/index.ts": API,
        "src/api/app.ts": "export const build = () => fastify()\n",
    }
    assert runs(found_in(**files)) == {"queue": "npm run api"}
    alone = {**files, "package.json": package(dev="tsx src/index.ts")}
    assert runs(found_in(**alone)) == {"queue": "npm run dev"}
    answers = {**files, "src/index.ts": API.replace("./app", "./api/app")}
    assert runs(found_in(**answers)) == {"queue": "npm run dev"}


@pytest.mark.parametrize(
    ("name", "text", "more"),
    [
        ("worker", "tsx watch src/w.ts", {"worker": "npm run worker"}),
        ("dev:worker", "ts-node -r dotenv/config src/w.ts", {"worker": "npm run dev:worker"}),
        ("worker", "tsc -p worker", {}),
        ("worker", "tsx watch src/a.ts", {}),
        ("lint:worker", "tsx src/w.ts", {"lint-worker": "npm run lint:worker"}),
    ],
)
def test_a_worker_of_a_script_of_its_own_is_started_beside_the_program(name, text, more):
    files = {
        "package.json": package(dev="tsx watch src/a.ts", **{name: text}),
        "src/a.ts": API,
        "src/w.ts": "import { Worker } from 'bullmq'\nnew Worker('jobs', run)\n",
    }
    found = found_in(**files)
    assert runs(found) == {"queue": "npm run dev", **more}
    for service in found.services:
        assert bool(service.ports) == (service.name == "queue")


@pytest.mark.parametrize(
    ("imports", "is_beside"), [("'express'", True), ("'next'", False), ("'vite'", False)]
)
def test_an_api_is_started_beside_pages_unless_it_serves_them(imports, is_beside):
    files = {
        "package.json": package(dev="vite", server="node server.js"),
        "server.js": f"import a from {imports}\na.listen(process.env.PORT || 4000)\n",
    }
    assert ("server" in runs(found_in(**files))) == is_beside


@pytest.mark.parametrize(
    ("script", "text", "line"),
    [
        ("migrate", "CREATE TABLE IF NOT EXISTS steps (id int)", "npm run migrate"),
        ("db:migrate", "create table if not exists steps (id int)", "npm run db:migrate"),
        ("migrate", "CREATE TABLE steps (id int)", None),
        ("migrate:down", "CREATE TABLE IF NOT EXISTS steps (id int)", None),
    ],
)
def test_a_file_that_asks_what_is_there_makes_the_tables(script, text, line):
    files = {
        "package.json": package(dev="tsx src/a.ts", **{script: "tsx src/migrate.ts"}),
        "src/a.ts": API,
        "src/migrate.ts": f"await pool.query(`{text}`)\n",
    }
    (app,) = found_in(**files).services
    assert app.tasks.get(MIGRATE) == line


STEPS = {
    "go.mod": "module x\ngo 1.22\n",
    "main.go": 'package main\nimport _ "github.com/lib/pq"\nfunc main() { listen() }\n',
    "compose.yaml": """
    services:
      db:
        image: postgres:16
        volumes: ["./first:/docker-entrypoint-initdb.d"]
      migrate: {image: arigaio/atlas, command: migrate apply, profiles: [migrate]}
    """,
    "first/a.sql": 'CREATE EXTENSION IF NOT EXISTS "citext";',
    "steps/20240101_one.sql": "CREATE TABLE a (id int);",
    "steps/20240102_two.sql": "ALTER TABLE a ADD COLUMN b int;",
}


def test_atlas_steps_are_loaded_behind_extensions():
    found = found_in(**STEPS, **{"steps/atlas.sum": "h1:x\n"})
    (db,) = found.stores
    assert db.init == ("first/a.sql", "steps/20240101_one.sql", "steps/20240102_two.sql")
    assert "migrate: its steps are loaded into a new database" in found.left_out
    (without,) = found_in(**STEPS).stores
    assert without.init == ("first/a.sql",)
    tables = {**STEPS, "first/a.sql": "CREATE TABLE z (id int);", "steps/atlas.sum": "h1:x\n"}
    assert found_in(**tables).stores[0].init == ("first/a.sql",)


README = """
# Keys

```bash
mkdir -p keys
{}
openssl rsa -in keys/private.pem -pubout -out keys/public.pem
```
"""


@pytest.mark.parametrize(
    ("line", "is_made"),
    [
        ("openssl genrsa -out keys/private.pem 2048", True),
        ("$ openssl genpkey -algorithm RSA -out ./keys/private.pem", True),
        ("openssl genrsa -aes256 -out keys/private.pem 2048", False),
        ("openssl genrsa -out keys/private.pem 2048; rm -rf /", False),
    ],
)
def test_keys_that_a_readme_makes_are_made_before_the_program_that_reads_them(line, is_made):
    files = {
        **{name: STEPS[name] for name in ("go.mod",)},
        "main.go": 'package main\nfunc main() { serve("keys/private.pem", "keys/public.pem") }\n',
        "README.md": README.format(line),
    }
    (app,) = found_in(**files).services
    assert ("keys" in app.tasks) == is_made
    (unread,) = found_in(**{**files, "main.go": "package main\nfunc main() { serve() }\n"}).services
    assert "keys" not in unread.tasks
    (has,) = found_in(**files, **{"keys/private.pem": "x", "keys/public.pem": "y"}).services
    assert "keys" not in has.tasks


def test_one_of_several_programs_makes_the_keys():
    files = {
        "go.mod": "module x\ngo 1.22\n",
        **{
            f"cmd/{name}/main.go": 'package main\nfunc main() { serve("keys/private.pem") }\n'
            for name in "ab"
        },
        "README.md": README.format("openssl genrsa -out keys/private.pem 2048"),
    }
    first, other = (service.tasks["keys"] for service in found_in(**files).services)
    assert first.startswith("test -e keys/public.pem || (mkdir -p keys && openssl genrsa")
    assert other == "until test -e keys/public.pem; do sleep 0.2; done"


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("dist/apps/auth/main.js", "npx nest build auth && node dist/apps/auth/main.js"),
        ("dist/apps/other/main.js", "npm run build && node dist/apps/other/main.js"),
        ("dist/apps/${S}/main.js", "npx nest build auth && node dist/apps/auth/main.js"),
        ("dist/apps/${X}/main.js", "npx nest build ${X} && node dist/apps/${X}/main.js"),
    ],
)
def test_nest_builds_the_program_that_is_started(path, line):
    files = {
        "compose.yaml": "services: {a: {build: {context: ., args: {S: auth}}, ports: [3000]}}\n",
        "Dockerfile": f"FROM node:20\nARG S\nENV S=${{S}}\nCMD node {path}\n",
        "package.json": package(build="nest build", start="nest start"),
        "nest-cli.json": json.dumps({"projects": {"auth": {}, "seats": {}}}),
        "apps/auth/src/main.ts": "app.listen(process.env.PORT)\n",
        "apps/seats/src/main.ts": "serve(process.env.OF_SEATS)\n",
        "libs/all/a.ts": "look(process.env.OF_ALL)\n",
    }
    found = found_in(**files)
    assert runs(found) == {"a": line}
    read = {*found.services[0].missing, *found.services[0].optional}
    assert "OF_ALL" in read
    assert ("OF_SEATS" in read) == ("auth" not in line)


@pytest.mark.parametrize(
    ("more", "is_said"),
    [("", True), ("func Stay() { http.ListenAndServe(At, nil) }\n", False)],
)
def test_a_program_that_does_one_thing_is_said_to_end(more, is_said):
    files = {
        "go.mod": "module x\ngo 1.22\n",
        "cmd/app/main.go": (
            'package main\nimport "x/internal/orders"\n'
            'import "os"\nfunc main() { orders.Save(os.Getenv("DB_HOST")) }\n'
        ),
        "internal/orders/orders.go": f"package orders\nfunc Save(host string) {{}}\n{more}",
    }
    (app,) = found_in(**files).services
    assert any("ends when its work is done" in line for line in app.to_do) == is_said
    root = files["internal/orders/orders.go"].replace("package orders", "package x")
    whole = files["cmd/app/main.go"].replace("x/internal/orders", "x").replace("orders.", "x.")
    (app,) = found_in(**{**files, "cmd/app/main.go": whole, "x.go": root}).services
    assert any("ends when its work is done" in line for line in app.to_do) == is_said


def test_a_package_of_a_module_below_the_folder_of_its_image_keeps_its_point():
    main = 'package main\nfunc main() { http.ListenAndServe(os.Getenv("ADDR"), nil) }\n'
    files = {
        "compose.yaml": """
        services:
          mail: {build: {context: go, dockerfile: mail/Dockerfile}, ports: ["8080:8080"]}
        """,
        "go/mail/Dockerfile": (
            "FROM golang AS made\nWORKDIR /app\nCOPY . .\nWORKDIR /app/mail\n"
            "RUN go build -o mail ./cmd/mail\n"
            "FROM alpine\nWORKDIR /app\nCOPY --from=made /app/mail/mail .\nCMD ['./mail']\n"
        ).replace("'", '"'),
        "go/mail/go.mod": "module x\ngo 1.22\n",
        "go/mail/cmd/mail/main.go": main,
        "go/shared/go.mod": "module y\ngo 1.22\n",
    }
    (service,) = found_in(**files).services
    assert (service.folder, service.run) == ("go/mail", "go run ./cmd/mail")


POM = """<project><artifactId>app</artifactId>
<parent><artifactId>spring-boot-starter-parent</artifactId></parent>
<dependencies><dependency><artifactId>spring-boot-starter-web</artifactId></dependency>
<dependency><artifactId>{}</artifactId></dependency></dependencies></project>
"""


@pytest.mark.parametrize(
    ("library", "more", "told"),
    [
        ("spring-boot-starter-flyway", {}, "filesystem:../src/main/resources/db/migration"),
        ("spring-boot-starter-jdbc", {}, None),
        ("flyway-core", {"app/src/main/resources/db/migration/V1__b.sql": "select 1"}, None),
        ("flyway-core", {"pom.xml": POM.format("flyway-core")}, None),
    ],
)
def test_flyway_is_told_where_the_repository_has_its_steps(library, more, told):
    files = {
        "app/pom.xml": POM.format(library),
        "app/mvnw": "#!/bin/sh\n",
        "app/.mvn/wrapper/maven-wrapper.properties": "",
        "app/src/main/java/App.java": "@SpringBootApplication\npublic class App {}\n",
        "src/main/resources/db/migration/V1__a.sql": "create table a (id int);",
        **more,
    }
    app = next(one for one in found_in(**files).services if one.folder == "app")
    assert app.env.get("SPRING_FLYWAY_LOCATIONS") == told
