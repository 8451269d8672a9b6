"""What a twenty-seventh round of repositories not met before has taught, on files of our own."""

from __future__ import annotations

import json

import pytest
from repository import found_in, runs

from tarmac.cli.parts.repository import open_repository


def named(found):
    return {service.name: service for service in found.services}


GO = {"go.mod": "module x\ngo 1.22\n"}


@pytest.mark.parametrize(
    ("after", "is_made"),
    [
        ("err := godotenv.Load()\n\tif err != nil {\n\t\treturn Config{}, err\n\t}", True),
        ("if err := godotenv.Load(); err != nil {\n\t\treturn nil, err\n\t}", True),
        ('if err := godotenv.Load(); err != nil {\n\t\tlog.Println("none")\n\t}', False),
    ],
)
def test_a_file_of_variables_is_made_where_its_lack_is_handed_on_as_an_error(after, is_made):
    code = (
        f"package main\nfunc read() (Config, error) {{\n\t{after}\n}}\nfunc main() {{ read() }}\n"
    )
    (app,) = found_in(**GO, **{"main.go": code}).services
    assert ("dotenv" in app.tasks) == is_made


@pytest.mark.parametrize(
    ("variable", "value", "port"),
    [
        ("SERVER_ADDRESS", ":8080", 8080),
        ("LISTEN_ADDR", "0.0.0.0:7070", 7070),
        ("SERVER_ADDRESS", "peer:8080", None),
    ],
)
def test_an_address_to_listen_at_in_an_example_says_the_port(variable, value, port):
    code = (
        f'package main\ntype C struct {{ At string `env:"{variable}"` }}\n'
        "func main() { http.ListenAndServe(read().At, nil) }\n"
    )
    (app,) = found_in(**GO, **{"main.go": code, ".env.example": f"{variable}={value}\n"}).services
    assert app.ports == ({"http": port} if port else {})
    told = f"127.0.0.1:${{services.{app.name}.port}}" if port else value
    assert app.env[variable] == told


WORK = {"dev": "tsx watch src/a.ts", "start": "node dist/a.js", "build": "tsc", "ui": "next dev"}


@pytest.mark.parametrize(
    ("command", "mode", "install"),
    [
        ("npm run dev", "production", "NODE_ENV=development npm install"),
        ("node dist/a.js", "production", "NODE_ENV=development npm install"),
        ("npm run ui", "development", "npm install"),
    ],
)
def test_a_program_that_is_built_here_has_the_packages_of_its_build(command, mode, install):
    files = {
        "compose.yaml": f"""
        services:
          api: {{build: ., command: {command}, ports: ["3000:3000"], environment:
            {{NODE_ENV: production}}}}
        """,
        "Dockerfile": "FROM node:20\nCOPY . .\n",
        "package.json": json.dumps({"scripts": WORK, "dependencies": {"express": "5"}}),
        "src/a.ts": "app.listen(process.env.PORT)\n",
    }
    (app,) = found_in(**files).services
    assert app.env["NODE_ENV"] == mode
    assert f"|| {install}" in app.tasks["install"]


def test_a_package_that_npms_workspace_leaves_out_has_its_own_packages():
    root = {"name": "x", "workspaces": ["services/*"]}
    web = {"scripts": {"dev": "vite"}, "devDependencies": {"vite": "7"}}
    api = {"scripts": {"dev": "node a.js"}, "dependencies": {"express": "5"}}
    found = found_in(
        **{
            "package.json": json.dumps(root),
            "package-lock.json": "{}",
            "services/api/package.json": json.dumps(api),
            "services/api/a.js": "app.listen(process.env.PORT)\n",
            "web/package.json": json.dumps(web),
        }
    )
    assert "(cd ../../ && npm ci" in named(found)["api"].tasks["install"]
    assert (
        named(found)["web"]
        .tasks["install"]
        .startswith("test -e node_modules/.package-lock.json || npm install")
    )


def workspace(**files):
    web = {"scripts": {"dev": "next dev"}, "devDependencies": {"next": "15", "db": "workspace:*"}}
    return found_in(
        **{
            "package.json": json.dumps({"name": "x"}),
            "pnpm-workspace.yaml": "packages: ['apps/*', 'packages/*']\n",
            "pnpm-lock.yaml": "lockfileVersion: '9.0'\n",
            "compose.yaml": "services: {db: {image: 'postgres:16'}}\n",
            "apps/web/package.json": json.dumps(web),
            "packages/db/package.json": json.dumps(
                {"name": "db", "dependencies": {"@prisma/client": "5"}}
            ),
            **files,
        }
    )


SCHEMA = 'datasource db {{\n  provider = "postgresql"\n  url = {}\n}}\n'


def test_a_package_that_a_build_takes_in_is_linked_as_well():
    schema = {"packages/db/prisma/schema.prisma": SCHEMA.format('env("DATABASE_URL")')}
    uses = {"apps/web/app/page.tsx": 'import prisma from "db"\n'}
    (web,) = workspace(**schema, **uses).services
    assert web.env == {"DATABASE_URL": "${stores.db.url}"}
    assert web.tasks["generate-db"] == "(cd ../../packages/db && npx prisma generate)"
    (alone,) = workspace(**schema).services
    assert "generate-db" not in alone.tasks


def test_the_address_in_a_schema_of_prisma_is_where_the_database_answers():
    said = '"postgresql://me:pw@localhost:5432/shop" // env("DATABASE_URL")'
    found = workspace(
        **{
            "packages/db/prisma/schema.prisma": SCHEMA.format(said),
            "apps/web/app/page.tsx": 'import prisma from "db"\n',
        }
    )
    (db,) = found.stores
    assert (db.known.port, db.known.login, db.database) == (5432, ("me", "pw"), "shop")
    assert "DATABASE_URL" not in found.services[0].env


def test_folders_of_a_stage_that_only_builds_are_not_made():
    files = {
        **GO,
        "main.go": "package main\nfunc main() { http.ListenAndServe(os.Getenv(`A`), nil) }\n",
        "compose.yaml": "services: {app: {build: ., ports: ['8080:8080']}}\n",
        "Dockerfile": (
            "FROM golang AS made\nWORKDIR /src\nRUN mkdir ./staging\n"
            "FROM made AS more\nFROM alpine\nWORKDIR /app\n"
            "{}COPY --from=made /a .\nCMD ['/app/a']\n"
        ),
    }
    (app,) = found_in(**{**files, "Dockerfile": files["Dockerfile"].format("")}).services
    assert "folders" not in app.tasks
    step = "RUN mkdir logs\n"
    (app,) = found_in(**{**files, "Dockerfile": files["Dockerfile"].format(step)}).services
    assert app.tasks["folders"] == "mkdir -p logs"


def test_modules_of_workers_have_no_port_of_the_settings_that_they_share():
    compose = """
    services:
      app: {build: ., command: uvicorn app.main:app --port 8000, ports: ["8000:8000"]}
      job_worker: {build: ., command: python -m app.workers.job_worker}
      reaper: {build: ., command: python -m app.workers.reaper}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nCOPY . .\n",
        "requirements.txt": "fastapi\nuvicorn\n",
        ".env.example": "APP_PORT=8000\n",
        "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "app/config.py": "import os\nPORT = int(os.environ['APP_PORT'])\n",
        "app/workers/job_worker.py": "import app.config\n",
        "app/workers/reaper.py": "import app.config\n",
    }
    found = named(found_in(**files))
    assert [found[name].ports for name in ("job-worker", "reaper")] == [{}, {}]
    assert len(runs(found_in(**files))) == 3


SEVERAL = {
    "compose.yaml": """
    services:
      postgres: {image: "postgres:16", environment: {POSTGRES_USER: me, POSTGRES_PASSWORD: pw}}
      auth:
        build: .
        ports: ["3000:3000"]
        environment: {PORT: 3000, DB_NAME: auth_db, DB_HOST: postgres}
      seats:
        build: .
        ports: ["3002:3002"]
        environment: {PORT: 3002, DB_NAME: seats_db, DB_HOST: postgres}
    """,
    "Dockerfile": "FROM node:20\nCOPY . .\nEXPOSE 3000\nCMD node a.js\n",
    "package.json": json.dumps({"scripts": {"start": "node a.js"}, "dependencies": {"pg": "8"}}),
    "a.js": (
        "const e = process.env;\nconnect(process.env.DB_HOST, process.env.DB_PORT, "
        "process.env.DB_USERNAME, process.env.DB_PASSWORD, process.env.DB_NAME)\n"
        "app.listen(process.env.PORT)\n"
    ),
}


def test_the_parts_of_a_login_are_those_of_the_database_that_is_named():
    seats = named(found_in(**SEVERAL))["seats"]
    said = {value for name, value in seats.env.items() if name.startswith("DB_")}
    assert len(said) == 5
    assert all("${stores.postgres-seats-db." in value for value in said)


def test_a_program_that_is_told_its_port_has_none_of_the_image_that_it_shares():
    assert named(found_in(**SEVERAL))["seats"].ports == {"http": 3002}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("hosts: list[str] = []", '["a", "b"]'),
        ("hosts: Annotated[list[str], NoDecode] = []", "a, b"),
        ("hosts: str = ''", "a, b"),
    ],
)
def test_a_list_of_settings_is_given_as_the_library_reads_it(field, value):
    code = f"from pydantic_settings import BaseSettings\nclass S(BaseSettings):\n    {field}\n"
    files = {
        "requirements.txt": "fastapi\nuvicorn\n",
        "main.py": f"from fastapi import FastAPI\n{code}app = FastAPI()\n",
        ".env.example": "HOSTS=a, b\n",
    }
    (app,) = found_in(**files).services
    assert app.env["HOSTS"] == value


PROJECT = '[project]\nname = "my-shop"\ndependencies = ["fastapi", "uvicorn"]\n{}'
HATCH = '[build-system]\nbuild-backend = "hatchling.build"\n'


@pytest.mark.parametrize(
    ("project", "files", "what"),
    [
        (PROJECT.format(HATCH), {}, "-r pyproject.toml"),
        (PROJECT.format(HATCH), {"my_shop/__init__.py": ""}, "."),
        (PROJECT.format(HATCH), {"src/my_shop/__init__.py": ""}, "."),
        (
            PROJECT.format(f'{HATCH}[tool.hatch.build.targets.wheel]\npackages = ["app"]\n'),
            {},
            ".",
        ),
        (PROJECT.format(""), {}, "."),
        (PROJECT.format(""), {"web/a.css": "", "tests/a.py": ""}, "-r pyproject.toml"),
        (
            PROJECT.format('[tool.setuptools]\npackages = ["app"]\n'),
            {"web/a.css": "a"},
            ".",
        ),
        ("[tool.ruff]\nline-length = 100\n", {"web/a.css": "a"}, "."),
    ],
)
def test_a_project_without_a_package_to_make_has_the_packages_that_it_lists(project, files, what):
    own = {"pyproject.toml": project, "app/main.py": "from fastapi import FastAPI\n"}
    app = {"app/__init__.py": "", "main.py": "from fastapi import FastAPI\napp = FastAPI()\n"}
    (service,) = found_in(**own, **app, **files).services
    assert f"install -q {what} && touch" in service.tasks["install"]


@pytest.mark.parametrize(("listed", "is_built"), [("['ui']", False), ("['other']", True)])
def test_a_package_that_next_compiles_itself_is_not_built_before(listed, is_built):
    web = {"scripts": {"dev": "next dev"}, "dependencies": {"next": "15", "ui": "workspace:*"}}
    ui = {"name": "ui", "main": "./dist/index.js", "scripts": {"build": "tsup"}}
    found = workspace(
        **{
            "apps/web/package.json": json.dumps(web),
            "apps/web/next.config.mjs": f"export default {{ transpilePackages: {listed} }}\n",
            "packages/ui/package.json": json.dumps(ui),
            "packages/ui/index.ts": "export {}\n",
        }
    )
    assert ("build-ui" in found.services[0].tasks) == is_built


def test_a_port_is_listed_once():
    files = {
        "compose.yaml": "services: {a: {build: .}}\n",
        "Dockerfile": "FROM node:20\nCOPY . .\nEXPOSE 4019:4019\nCMD node a.js\n",
        "package.json": json.dumps({"scripts": {"start": "node a.js"}}),
        "a.js": "app.listen(process.env.PORT)\n",
    }
    (app,) = found_in(**files).services
    assert app.ports == {"http": 4019}


LISTED = (
    '[project]\nname = "shop"\ndependencies = ["fastapi", "uvicorn", "{}", "psycopg2-binary"]\n'
)
ENGINE = "from sqlalchemy import create_engine\n"
SWAPPED = "url.replace('postgresql://', 'postgresql+asyncpg://')\n"


@pytest.mark.parametrize(
    ("version", "code", "is_named"),
    [
        ("sqlalchemy>=2.0.0", ENGINE, True),
        ("SQLAlchemy", ENGINE, True),
        ("sqlalchemy>=2.0,<3", ENGINE, True),
        ("sqlalchemy>=2.0,<2.1", ENGINE, False),
        ("sqlalchemy==2.0.30", ENGINE, False),
        ("sqlalchemy~=2.0.30", ENGINE, False),
        ("sqlalchemy>=2.0.0", ENGINE + SWAPPED, False),
        ("sqlalchemy>=2.0.0", "import psycopg2\npsycopg2.connect(url)\n", False),
    ],
)
def test_the_driver_of_a_project_is_named_where_a_new_library_would_take_another(
    version, code, is_named
):
    files = {
        "pyproject.toml": LISTED.format(version),
        "main.py": f"import os\nfrom fastapi import FastAPI\n{code}app = FastAPI()\n"
        "os.getenv('DATABASE_URL', 'postgresql://a:b@localhost:5432/shop')\n",
    }
    env = found_in(**files).services[0].env
    assert env["DATABASE_URL"].startswith("postgresql+psycopg2://") == is_named


def test_a_secret_that_a_program_has_as_a_file_is_not_made_twice():
    files = {
        **GO,
        "main.go": (
            'package main\nfunc main() { serve(os.Getenv("MAIL_PASS"), os.Getenv("MAIL_PASS_FILE"),'
            ' os.Getenv("COOKIE_KEY")) }\n'
        ),
        "Dockerfile": "FROM golang\nCOPY . .\nRUN go build -o /a .\nCMD ['/a']\n",
        "compose.yaml": """
        services:
          a:
            build: .
            environment: {MAIL_PASS_FILE: /run/secrets/mail}
            secrets: [mail]
        secrets: {mail: {environment: MAIL_PASS}}
        """,
    }
    (app,) = found_in(**files).services
    assert app.secrets == ("MAIL_PASS_FILE", "COOKIE_KEY")


def test_poetry_installs_for_several_programs_once():
    compose = """
    services:
      app: {build: ., command: uvicorn app.main:app --port 8000, ports: ["8000:8000"]}
      worker: {build: ., command: python -m app.worker}
    """
    files = {
        "compose.yaml": compose,
        "Dockerfile": "FROM python:3.12\nCOPY . .\n",
        "pyproject.toml": "[tool.poetry]\nname = 'x'\n",
        "poetry.lock": "",
        "app/main.py": "from fastapi import FastAPI\napp = FastAPI()\n",
        "app/worker.py": "while True:\n    pass\n",
    }
    first, other = (service.tasks["install"] for service in found_in(**files).services)
    assert first.startswith("(poetry env use python3.12 || true) && (poetry install")
    assert first.endswith('&& touch "$(poetry env info -p 2>/dev/null)/.installed"')
    assert other.startswith('until test -e "$(poetry env info -p 2>/dev/null)/.installed"')
    alone = {**files, "compose.yaml": compose.partition("  worker")[0]}
    assert "touch" not in found_in(**alone).services[0].tasks["install"]


def test_a_long_list_of_locked_packages_is_read_and_another_long_file_is_not(tmp_path):
    for name in ("uv.lock", "app.py"):
        (tmp_path / name).write_text("# a package\n" * 20_000)
    passed_over = {}
    folder = open_repository(tmp_path, passed_over.__setitem__)
    assert folder.read("uv.lock")
    assert not folder.read("app.py")
    assert [*passed_over] == ["app.py"]
