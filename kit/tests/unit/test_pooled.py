"""Which statements leave a session of PostgreSQL as it was."""

from __future__ import annotations

import pytest

from tarmac_kit.pooled import leaves_nothing


@pytest.mark.parametrize(
    "statement",
    [
        "select 1",
        "\n    WITH a AS (select 1) INSERT INTO b SELECT * FROM a RETURNING id",
        "update things set name = $1",
        "-- why\n  delete from things",
        "BEGIN;",
        "BEGIN ISOLATION LEVEL SERIALIZABLE;",
        "ROLLBACK TO __asyncpg_savepoint_1__;",
        "set local lock_timeout = '1s'",
        "lock table things in share mode",
        "select pg_advisory_xact_lock($1)",
    ],
)
def test_rows_and_transactions_leave_nothing(statement):
    assert leaves_nothing(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "set search_path to other",
        "SET SESSION ROLE reader",
        "listen things",
        "declare c cursor with hold for select 1",
        "prepare p as select 1",
        "create temp table t ()",
        "do $$ begin perform 1; end $$",
        "call rotate()",
        "select pg_advisory_lock(1)",
        "select pg_try_advisory_lock_shared(1)",
        "select set_config('a.b', $1, false)",
        "select 1; set search_path to other",
        "selection",
        "",
    ],
)
def test_any_other_may_leave_something(statement):
    assert not leaves_nothing(statement)
