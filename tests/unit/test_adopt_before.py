"""What is done before a program can start: packages, tables, files and pages that it wants."""

from __future__ import annotations

import pytest
from repository import found_in, system_of


def only(**files: str):
    found = found_in(**files)
    (service,) = found.services
    assert system_of(found)
    return service


def test_poetry_leaves_out_what_the_image_leaves_out():
    dockerfile = "FROM python\nRUN pip install poetry && poetry install \\\n  --no-dev"
    files = {"poetry.lock": "", "pyproject.toml": "", "app.py": "app = Flask()"}
    line = "poetry install --no-interaction --only main"
    assert only(**files, Dockerfile=dockerfile).tasks["install"] == f"{line} || {line} --no-root"


SQLX = {
    "Cargo.toml": '[package]\nname = "x"\n[dependencies]\n'
    'sqlx = { version = "0.5", features = ["mysql"] }',
    "src/main.rs": 'sqlx::query_as!(User, "select 1"); bind(&"0.0.0.0:8090".parse()?)',
    "migrations/1_setup.sql": "create table a ()",
}


def test_tables_that_a_compiler_asks_for_are_made_before_it_runs():
    tasks = only(**SQLX).tasks
    assert "sqlx-cli@^0.5 --no-default-features --features native-tls,mysql" in tasks["install"]
    assert tasks["build"] == "target/tools/bin/sqlx migrate run && cargo build --quiet"
    assert not only(**SQLX, **{"sqlx-data.json": "{}"}).tasks, "its answers are in the file"
    plain = {**SQLX, "src/main.rs": 'sqlx::query("select 1"); bind(&"0.0.0.0:8090")'}
    assert not only(**plain).tasks, "it asks once it runs"


@pytest.mark.parametrize(
    ("script", "is_made"),
    [
        ("env-cmd -- ts-node cli.js", True),
        ("env-cmd -x node s.js", True),
        ("env-cmd -f config/dev.env node s.js", False),
        ("node --env-file=.env s.js", True),
        ("node --env-file-if-exists=.env s.js", False),
        ("node --env-file=.env.test s.js", False),
    ],
)
def test_a_program_that_fails_without_a_file_of_variables_gets_an_empty_one(script, is_made):
    package = '{"scripts": {"start": "node s.js", "migrate": "SCRIPT"}}'.replace("SCRIPT", script)
    tasks = only(**{"package.json": package, "s.js": "listen(process.env.PORT)"}).tasks
    assert tasks.get("dotenv", "") == "test -e .env || touch .env" * is_made


PAGES = {
    "go.mod": "module x.dev/app",
    "main.go": 'package main\nhttp.ListenAndServe(":8080", nil)\nvar pages = "web/dist"',
    "web/package.json": '{"scripts": {"dev": "vite", "build": "vite build"}}',
    "web/yarn.lock": "",
}
BUILT = {
    "install": (
        "test -e web/node_modules/.yarn-integrity || "
        "(cd web && yarn install --pure-lockfile --mutex network)"
    ),
    "pages": "test -e web/dist || (cd web && yarn run build)",
}


def test_a_front_end_that_a_go_program_serves_is_built_first():
    server, pages = found_in(**PAGES).services
    assert (server.tasks, pages.folder) == (BUILT, "web")
    assert pages.tasks == {}, "it has no packages"
    nowhere = {**PAGES, "web/package.json": '{"scripts": {"dev": "vite"}}'}
    assert found_in(**nowhere).services[0].tasks == {}, "nothing says how"


def test_pages_that_are_compiled_into_a_go_program_are_built_first():
    files = {
        **PAGES,
        "main.go": PAGES["main.go"].replace("web/dist", "pages"),
        "web/embed.go": "package web\n//go:embed all:dist\nvar pages embed.FS",
        "web/package.json": '{"scripts": {"build": "vite build"}}',
    }
    assert only(**files).tasks == BUILT
