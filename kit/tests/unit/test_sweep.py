"""The sweep alone: batches, rows that fail, a database that is away."""

from __future__ import annotations

import asyncio
import json

import pytest

from tarmac_kit import DatabaseUnavailable, Sweep, logs
from tarmac_kit_testing import FakeDatabase


class Rows:
    """Rows that are due until they were taken on; `broken` ones cannot be."""

    def __init__(self, due: int) -> None:
        self.due = list(range(due))
        self.done: list[int] = []
        self.broken: set[int] = set()
        self.limits: list[int] = []

    async def claim(self, _connection: object, limit: int) -> list[int]:
        self.limits.append(limit)
        taken, self.due = self.due[:limit], self.due[limit:]
        return taken

    async def advance(self, row: int) -> None:
        if row in self.broken:
            raise RuntimeError("a bug")
        self.done.append(row)


async def test_a_batch_is_claimed_in_one_transaction_and_then_taken_on() -> None:
    rows, database = Rows(5), FakeDatabase()

    async def advance(row: int) -> None:
        assert database.committed == 1, "no transaction is open while a row is taken on"
        await rows.advance(row)

    sweep = Sweep("row", database, rows.claim, advance, batch=3)
    assert await sweep.once() == 3
    assert (rows.done, rows.limits) == ([0, 1, 2], [3])


async def test_the_rows_of_a_batch_are_taken_on_side_by_side() -> None:
    rows, together = Rows(4), asyncio.Barrier(4)

    async def advance(row: int) -> None:
        await together.wait()  # returns when all four have come
        await rows.advance(row)

    async with asyncio.timeout(60):
        assert await Sweep("row", FakeDatabase(), rows.claim, advance).once() == 4
    assert sorted(rows.done) == [0, 1, 2, 3]


async def test_a_row_that_fails_is_logged_by_its_name_and_holds_up_no_other(capsys) -> None:
    logs.configure("svc")
    rows = Rows(3)
    rows.broken = {1}
    assert await Sweep("row", FakeDatabase(), rows.claim, rows.advance).once() == 3
    assert rows.done == [0, 2]
    [line] = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (line["level"], line["what"], line["row_id"]) == ("error", "row", "1")
    assert "a bug" in str(line)


async def test_full_batches_follow_each_other_without_a_pause() -> None:
    rows, empty = Rows(9), asyncio.Event()

    async def claim(connection: object, limit: int) -> list[int]:
        taken = await rows.claim(connection, limit)
        if len(taken) < limit:
            empty.set()
        return taken

    # An hour's pause after a full batch would let the test run into its timeout.
    sweeping = asyncio.create_task(
        Sweep("row", FakeDatabase(), claim, rows.advance, batch=3).run(interval_s=3600)
    )
    async with asyncio.timeout(60):
        await empty.wait()
    sweeping.cancel()
    assert rows.done == list(range(9))


async def test_a_database_that_is_away_is_waited_for() -> None:
    rows, done, away = Rows(1), asyncio.Event(), [True, True]

    class Flickering(FakeDatabase):
        def transaction(self, **options: object):
            if away:
                away.pop()
                raise DatabaseUnavailable("it is away")
            return super().transaction(**options)

    async def advance(_row: int) -> None:
        done.set()

    sweeping = asyncio.create_task(
        Sweep("row", Flickering(), rows.claim, advance).run(interval_s=0)
    )
    async with asyncio.timeout(60):
        await done.wait()
    sweeping.cancel()
    assert away == []


async def test_a_claim_that_is_wrong_ends_the_run_so_that_it_is_seen() -> None:
    async def claim(_connection: object, _limit: int) -> list[int]:
        raise ValueError("no such column")

    with pytest.raises(ValueError, match="no such column"):
        await Sweep("row", FakeDatabase(), claim, Rows(0).advance).run(interval_s=0)


async def test_ending_the_sweep_ends_what_it_has_in_hand() -> None:
    rows, begun, ended = Rows(1), asyncio.Event(), asyncio.Event()

    async def advance(_row: int) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    sweeping = asyncio.create_task(
        Sweep("row", FakeDatabase(), rows.claim, advance).run(interval_s=0)
    )
    async with asyncio.timeout(60):
        await begun.wait()
        sweeping.cancel()
        await asyncio.gather(sweeping, return_exceptions=True)
    assert ended.is_set()
