"""What a MySQL held goes back under its users, whatever a test did to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from sandbox import SERVER, web

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.mysql import STORE as MYSQL
from tarmac.run.local.host import offers
from tarmac.run.local.stores.mysql_connection import connect
from tarmac.testing import System, running

pytestmark = pytest.mark.servers

SYSTEM = f"""tarmac: 1
system: small
services:
  {web(more=", env: {DB: '${stores.db.url}'}")}
stores: {{db: {{kind: mysql, init: [tables.sql]}}}}
"""

TABLES = """
CREATE TABLE people (id int AUTO_INCREMENT PRIMARY KEY, name varchar(20) UNIQUE, share float,
  photo blob, shout varchar(20) AS (upper(name)) STORED);
CREATE TABLE `Odd ``Name` (person int, n int AUTO_INCREMENT PRIMARY KEY,
  FOREIGN KEY (person) REFERENCES people (id) ON DELETE CASCADE);
CREATE TABLE `log` (line text);
INSERT INTO people (name, share, photo) VALUES ('ann', 0.1, 0x00ff), ('bob', 0.3, NULL);
INSERT INTO `Odd ``Name` (person) VALUES (1), (2);
CREATE TRIGGER added AFTER INSERT ON people FOR EACH ROW INSERT INTO `log` VALUES (NEW.name);
CREATE TRIGGER kept BEFORE DELETE ON people FOR EACH ROW SIGNAL SQLSTATE '45000';
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    if offers.find(MYSQL) is None:
        pytest.skip("no server of MySQL is here; `apt-get install mariadb-server`")
    folder = tmp_path_factory.mktemp("fresh")
    (folder / ".git").mkdir()
    (folder / "server.py").write_text(SERVER)
    (folder / "tables.sql").write_text(TABLES)
    (folder / "tarmac.yaml").write_text(SYSTEM)
    with running(folder / "tarmac.yaml", fast_stores=True) as up:
        yield up


@pytest.fixture
def database(system: System) -> Iterator[Any]:
    """A connection as the service has it."""
    system.keep()
    with connect(system.store_url("db", "web")) as connection:
        yield connection


def ask(connection: Any, statement: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def content(connection: Any) -> list[list[tuple[Any, ...]]]:
    # As text, a float has fewer digits than it holds.
    people = ask(connection, "SELECT *, share + 0e0 FROM people ORDER BY id")
    others = ("SELECT * FROM `Odd ``Name` ORDER BY n", "SELECT * FROM `log`")
    return [people, *(ask(connection, query) for query in others)]


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO people (name) VALUES ('eve')",
        "UPDATE people SET share = 0.10000001 WHERE id = 1",
        "UPDATE people SET photo = 0x00fe WHERE id = 1",
        "UPDATE people SET photo = '' WHERE id = 2",
        "UPDATE `Odd ``Name` SET person = 3 - person",
        "DELETE FROM `Odd ``Name`",
        "INSERT INTO `log` VALUES ('x'), ('x')",
    ],
)
def test_rows_go_back_and_connections_stay(system, database, statement):
    before = content(database)
    ask(database, statement)
    assert content(database) != before
    system.fresh()
    assert content(database) == before


def test_numbers_that_a_database_gives_begin_again(system, database):
    given = []
    for _ in range(2):
        ask(database, "INSERT INTO people (name) VALUES ('eve')")
        ask(database, "DELETE FROM `Odd ``Name` WHERE n = 1")
        given += ask(database, "SELECT max(id) FROM people")
        system.fresh()
    assert given == [(3,), (3,)]


def test_triggers_see_what_users_do_and_not_what_is_put_back(system, database):
    wanted = ask(database, "SHOW TRIGGERS")
    ask(database, "UPDATE people SET name = 'anna' WHERE id = 1")
    system.fresh()
    assert ask(database, "SELECT * FROM `log`") == []
    assert [row[:5] for row in ask(database, "SHOW TRIGGERS")] == [row[:5] for row in wanted]
    ask(database, "INSERT INTO people (name) VALUES ('eve')")
    assert ask(database, "SELECT * FROM `log`") == [("eve",)]


def test_a_transaction_that_is_left_open_is_cut(system, database):
    before = content(database)
    with connect(system.store_url("db", "web")) as other:
        other.begin()
        ask(other, "UPDATE people SET name = 'x' WHERE id = 1")
        ask(database, "UPDATE people SET name = 'y' WHERE id = 2")
        system.fresh()
        with pytest.raises(pymysql.MySQLError):
            ask(other, "SELECT 1")
    with connect(system.store_url("db", "web")) as again:
        assert content(again) == before


def test_other_tables_than_there_were_are_said_and_are_kept_when_that_is_asked(system, database):
    ask(database, "CREATE TABLE notes (id int)")
    with pytest.raises(TarmacError, match=r"its tables have changed \(`notes`\)"):
        system.fresh()
    system.keep()
    ask(database, "INSERT INTO notes VALUES (1)")
    system.fresh()
    assert ask(database, "SELECT * FROM notes") == []
