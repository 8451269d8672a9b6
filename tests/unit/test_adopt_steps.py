"""Steps of golang-migrate that people run by hand: they are loaded into a new database."""

from __future__ import annotations

import pytest
from repository import CATALOGUE, KINDS, folder_of

from tarmac.adopt.survey.survey import survey

FILES = {
    "go.mod": "module example.com/bank\nrequire github.com/jackc/pgx/v5 v5.7.0\n",
    "main.go": (
        'package main\nimport "net/http"\nfunc main() {\n  connect(os.Getenv("DB_SOURCE"))\n'
        '  http.ListenAndServe(":8080", nil)\n}\n'
    ),
    "app.env": "DB_SOURCE=postgresql://root:secret@localhost:5432/bank?sslmode=disable\n",
    "docker-compose.yaml": (
        "services:\n"
        "  postgres:\n    image: postgres:17\n"
        "    environment: {POSTGRES_PASSWORD: secret, POSTGRES_DB: bank}\n"
        "  api:\n    build: .\n    ports: ['8080:8080']\n    environment:\n"
        "      DB_SOURCE: postgresql://postgres:secret@postgres:5432/bank?sslmode=disable\n"
    ),
    "Dockerfile": 'FROM golang:1.26\nCOPY . .\nRUN go build -o main .\nCMD ["./main"]\n',
    "Makefile": "migrate:\n\tmigrate -path db/migration -database $(DB_SOURCE) up\n",
    "db/migration/000010_more.up.sql": "ALTER TABLE accounts ADD owner text;\n",
    "db/migration/000002_accounts.up.sql": "CREATE TABLE accounts (id int);\n",
    "db/migration/000002_accounts.down.sql": "DROP TABLE accounts;\n",
}
STEPS = ("db/migration/000002_accounts.up.sql", "db/migration/000010_more.up.sql")


def store_of(**changes):
    files = {path: text for path, text in {**FILES, **changes}.items() if text}
    (store,) = survey(folder_of(files), CATALOGUE, KINDS).stores
    return store


def test_steps_are_loaded_in_the_order_of_their_numbers_and_the_file_says_so():
    store = store_of()
    assert store.init == STEPS
    assert any("golang-migrate" in remark for remark in store.remarks)


@pytest.mark.parametrize(
    "changes",
    [
        {"db.go": 'package main\nimport _ "github.com/golang-migrate/migrate/v4/source/file"\n'},
        {"other/migration/000001_first.up.sql": "CREATE TABLE a (id int);\n"},
        dict.fromkeys(STEPS, ""),
    ],
    ids=["the program carries them out", "steps of two databases", "no steps"],
)
def test_where_a_program_carries_them_out_or_it_is_not_clear_whose_they_are_none_is(changes):
    assert store_of(**changes).init == ()


def test_from_a_step_that_the_databases_user_cannot_load_on_none_is():
    store = store_of(**{STEPS[1]: "CREATE ROLE auditor;\n"})
    assert store.init == STEPS[:1]
    assert any(STEPS[1] in remark for remark in store.remarks)
