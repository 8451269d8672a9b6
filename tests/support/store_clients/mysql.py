"""A client of MySQL that writes a 7 and reads it."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import pymysql


class MySql:
    async def write(self, url: str) -> None:
        made = "CREATE TABLE IF NOT EXISTS kept (value int)"
        await asyncio.to_thread(_say, url, made, "INSERT INTO kept VALUES (7)")

    async def read(self, url: str) -> int:
        found = await asyncio.to_thread(_say, url, "SELECT value FROM kept")
        if found is None:
            raise LookupError("nothing was written")
        return int(found[0])


def _say(url: str, *statements: str) -> tuple[object, ...] | None:
    parts = urlsplit(url)
    with pymysql.connect(
        host=parts.hostname,
        port=parts.port or 0,
        user=parts.username,
        password=parts.password or "",
        database=parts.path.lstrip("/"),
        autocommit=True,
    ) as connection:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        found: tuple[object, ...] | None = cursor.fetchone()
        return found


CLIENT = MySql()
