"""SQLite files that variables name are put on a volume; nothing else is taken for one."""

from __future__ import annotations

import pytest
from repository import found_in, system_of, text_of

PROGRAM = {
    "package.json": '{"scripts": {"start": "node s.js"}}',
    "s.js": "const u = process.env.DATABASE_URL, c = process.env.CACHE_FILE; process.env.PORT;",
}


def service_with(example: str):
    """Give the service that is found with this `.env.example`."""
    found = system_of(found_in(**PROGRAM, **{".env.example": example})).file
    (service,) = found.services.values()
    return service


@pytest.mark.parametrize(
    ("given", "volumes", "written"),
    [
        ("sqlite:///data/app.db", {"data": "data"}, "sqlite:///${volumes.data.path}/app.db"),
        ("file:./dev.db?mode=rwc", {"data": "data"}, "file:${volumes.data.path}/dev.db?mode=rwc"),
        ("sqlite://var/x.sqlite3", {"var": "var"}, "sqlite://${volumes.var.path}/x.sqlite3"),
        ("sqlite+aiosqlite:///./a.db", {"data": "data"}, "sqlite+aiosqlite:///${volumes.data.path}/a.db"),
        ("./Var/My_db/app.db", {"var-my-db": "Var/My_db"}, "${volumes.var-my-db.path}/app.db"),
    ],
)  # fmt: skip
def test_a_file_of_the_programs_folder_is_on_a_volume(given, volumes, written):
    service = service_with(f"DATABASE_URL={given}\n")
    assert service.volumes == volumes
    assert service.env["DATABASE_URL"] == written


@pytest.mark.parametrize(
    "given",
    ["sqlite:////srv/app.db", "sqlite://", "sqlite::memory:", "../app.db", "file:notes.txt"],
)
def test_what_is_no_file_of_the_programs_folder_stays(given):
    service = service_with(f"DATABASE_URL={given}\n")
    assert service.volumes == {}
    assert service.env["DATABASE_URL"] == given


def test_a_variable_that_names_no_database_keeps_its_file():
    assert service_with("CACHE_FILE=cache.db\n").volumes == {}


def test_rows_in_a_committed_sqlite_file_are_reported_as_not_carried_over():
    files = PROGRAM | {".env.example": "DATABASE_URL=file:./db/dev.db\n", "db/dev.db": "rows"}
    text = text_of(found_in(**files))
    assert (
        "# DATABASE_URL: its SQLite file is on a volume, and empty at first; db/dev.db is" in text
    )
