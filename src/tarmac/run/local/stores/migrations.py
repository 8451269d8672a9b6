"""Which migrations a database had, by the tables in which usual tools write them down.

Used by snapshots. Only tools that keep a row for each migration: one that keeps the last alone does
not tell what came before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from tarmac.run.local.stores import contents

#: Table -> the columns that name a migration, those of them that it has: the kit and Rails, Django,
#: Flyway, Prisma, Knex.
TABLES: Mapping[str, tuple[str, ...]] = {
    "schema_migrations": ("part", "version"),
    "django_migrations": ("app", "name"),
    "flyway_schema_history": ("version", "script"),
    "_prisma_migrations": ("migration_name",),
    "knex_migrations": ("name",),
}
WITHIN_S = 10.0
_FOUND = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename = $1"


def applied(store: str, url: str) -> tuple[str, ...]:
    """List them, for stores of PostgreSQL. Raises TarmacError where it cannot be asked."""
    return asyncio.run(_applied(store, url))


async def _applied(store: str, url: str) -> tuple[str, ...]:
    found = []
    async with contents.asking(store, url, within_s=WITHIN_S) as connection:
        for table, columns in TABLES.items():
            if await connection.fetchval(_FOUND, table):
                for row in await connection.fetch(f'SELECT * FROM "{table}"'):  # noqa: S608 - own
                    values = dict(row)
                    named = [str(values[column]) for column in columns if column in values]
                    found.append(" ".join((table, *named)))
    return tuple(sorted(found))
