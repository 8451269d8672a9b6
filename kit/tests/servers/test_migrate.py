"""`python -m tarmac_kit.migrate` as a process of its own, as a Job runs it before a rollout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

pytestmark = pytest.mark.servers

PARTS = Path(__file__).parent.parent / "parts"


async def migrate(*packages: str, **env: str) -> tuple[int | None, list[dict[str, Any]], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tarmac_kit.migrate", *packages),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(PARTS), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err.decode()


async def applied(url: str) -> list[tuple[str, int]]:
    conn = await asyncpg.connect(url)
    try:
        rows = await conn.fetch("select part, version from schema_migrations order by 1, 2")
        return [(row["part"], row["version"]) for row in rows]
    finally:
        await conn.close()


async def test_it_applies_what_is_new_and_ends_with_0(database_url: str) -> None:
    code, lines, err = await migrate("tarmac_stores", DATABASE_URL=database_url)
    assert (code, err) == (0, "")
    assert lines[-1]["event"] == "migrated"
    assert lines[-1]["applied"] == 1
    assert await applied(database_url) == [("stores", 1)]
    code, lines, _ = await migrate("tarmac_stores", DATABASE_URL=database_url)
    assert (code, lines[-1]["applied"]) == (0, 0)


async def test_several_at_once_apply_each_migration_once(database_url: str) -> None:
    ends = await asyncio.gather(
        *(migrate("tarmac_stores", DATABASE_URL=database_url) for _ in range(3))
    )
    assert [code for code, _, _ in ends] == [0, 0, 0]
    assert sum(lines[-1]["applied"] for _, lines, _ in ends) == 1


async def test_a_changed_migration_and_a_refused_user_end_with_1(database_url: str) -> None:
    assert (await migrate("tarmac_stores", DATABASE_URL=database_url))[0] == 0
    code, lines, _ = await migrate("tarmac_stores", DATABASE_URL=database_url, CHANGED="1")
    assert code == 1
    assert "was changed after it was applied" in lines[-1]["error"]
    nobody = database_url.replace("postgres@", "nobody:s3cret@")
    code, lines, err = await migrate("tarmac_stores", DATABASE_URL=nobody)
    assert code == 1
    assert "nobody" in lines[-1]["error"]
    assert "s3cret" not in str(lines) + err


async def test_a_part_without_a_database_has_nothing_to_do_and_bad_settings_end_with_2() -> None:
    code, lines, _ = await migrate("tarmac_hello", GREETING="Hi")
    assert (code, lines[-1]["applied"]) == (0, 0)
    code, _, err = await migrate("tarmac_stores")
    assert code == 2
    assert "DATABASE_URL" in err
    assert (await migrate())[0] == 2


async def test_it_waits_for_a_server_that_does_not_answer_yet(wire, database_url: str) -> None:
    wire.listen(silent=True)
    waiting = asyncio.create_task(migrate("tarmac_stores", DATABASE_URL=wire.url))
    await asyncio.wait_for(wire.asked.wait(), 60)
    # Until it has given up the first try, and says so with another one.
    wire.asked.clear()
    await asyncio.wait_for(wire.asked.wait(), 60)
    wire.listen()
    code, lines, _ = await waiting
    assert code == 0
    assert "database is not reachable yet" in {line["event"] for line in lines}
    assert await applied(database_url) == [("stores", 1)]
