"""A client of postgres that writes a 7 and reads it."""

from __future__ import annotations

import asyncpg


class Postgres:
    async def write(self, url: str) -> None:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE kept (x int)")
        await connection.execute("INSERT INTO kept VALUES (7)")
        await connection.close()

    async def read(self, url: str) -> int:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval("SELECT x FROM kept")
        finally:
            await connection.close()


CLIENT = Postgres()
