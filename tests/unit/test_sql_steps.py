"""A step of SQL that also has the way back is loaded in its way forward."""

from __future__ import annotations

import pytest
from repository import FLASK, found_in, system_of

from tarmac.base.sql_steps import forward
from tarmac.model.loader import load

UP, DOWN = "CREATE TABLE a (n int);", "DROP TABLE a;"
MARKS = {
    "goose": ("-- +goose Up", "-- +goose Down"),
    "sql-migrate": ("-- +migrate Up", "-- +migrate Down"),
    "dbmate": ("-- migrate:up", "-- migrate:down"),
}
COMPOSE = """
services:
  web: {build: ., environment: {DATABASE_URL: "postgres://a:b@db/notes"}}
  db: {image: "postgres:16"}
"""


@pytest.mark.parametrize("marks", MARKS.values(), ids=MARKS)
def test_the_way_forward_is_taken_whichever_stands_first(marks):
    up, down = marks
    assert forward(f"{up}\n{UP}\n{down}\n{DOWN}\n") == f"{up}\n{UP}\n"
    assert forward(f"{down}\n{DOWN}\n{up}\n{UP}\n") == f"\n\n{up}\n{UP}\n"


@pytest.mark.parametrize("text", [f"{UP}\n", f"-- +goose Up\n{UP}\n", "-- Down we go\n"])
def test_a_file_of_one_way_is_taken_whole(text):
    assert forward(text) == text


@pytest.mark.parametrize("program", MARKS)
def test_steps_with_both_ways_are_loaded_in_their_order(program):
    up, down = MARKS[program]
    step = f"{up}\n{UP}\n{down}\n{DOWN}\n"
    files = {"compose.yaml": COMPOSE, "steps/10_b.sql": step, "steps/9_a.sql": step}
    found = found_in(**FLASK | files)
    (store,) = found.stores
    assert store.init == ("steps/9_a.sql", "steps/10_b.sql")
    assert f"{program}'s steps are loaded into a new database" in store.remarks[-1]
    assert system_of(found)


def test_a_program_that_carries_its_steps_out_itself_is_left_to_that():
    files = {
        "compose.yaml": COMPOSE,
        "go.mod": "module a\n",
        "main.go": 'package main\nimport "github.com/pressly/goose/v3"\n',
        "steps/1_a.sql": f"-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}\n",
        "Dockerfile": 'FROM alpine\nCMD ["web"]\n',
    }
    (store,) = found_in(**files).stores
    assert store.init == ()


def test_what_is_rendered_has_the_way_forward_alone():
    files = {
        "tarmac.yaml": "tarmac: 1\nsystem: a\nservices: {web: {run: ./a, env: "
        "{A: '${stores.db.url}'}}}\nstores: {db: {kind: postgres, init: [a.sql]}}\n",
        "a.sql": f"-- +goose Up\n{UP}\n-- +goose Down\n{DOWN}\n",
    }
    system = load("tarmac.yaml", lambda name: files[name].encode())
    assert system.sql == {"a.sql": f"-- +goose Up\n{UP}\n"}
