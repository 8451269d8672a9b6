"""The inbox: remembers which messages a consumer has applied, in the consumer's own transaction.

Used by handlers through `Chassis.inbox`: at least once from the broker becomes once in the
database. It never stores what a message says.
"""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING

from tarmac_kit.database import Database

if TYPE_CHECKING:
    from tarmac_kit.database import Connection

_INSERT = """
insert into inbox (consumer, message_id) values ($1, $2)
on conflict do nothing
"""


def insert_first(consumer: str, message_id: str, *, where: str = "true") -> str:
    """Return the INSERT of a message as a part of another statement, which goes by its one row.

    Args:
        consumer: the statement's parameter with the consumer's name.
        message_id: its parameter with the message's id, which is what the row has.
        where: a condition; where it does not hold, the message is not noted.
    """
    return f"""
insert into inbox (consumer, message_id) select {consumer}, {message_id} where {where}
on conflict do nothing returning message_id
"""


_PRUNE = """
delete from inbox where ctid = any(array(
    select ctid from inbox where received_at < now() - make_interval(secs => $1) limit $2
))
"""


class Inbox:
    """Says of each message whether it is the first time."""

    def __init__(self, database: Database) -> None:
        database.add_migrations("kit_inbox", resources.files("tarmac_kit") / "migrations/inbox")
        self._database = database

    async def first_time(self, conn: Connection, *, consumer: str, message_id: str) -> bool:
        """Return True once per consumer and message, if the transaction of `conn` commits.

        A second delivery at the same moment waits for the first one's transaction.
        """
        status = await conn.execute(_INSERT, consumer, message_id)
        return status == "INSERT 0 1"

    async def prune(self, *, keep_s: float, batch: int = 1000) -> int:
        """Delete up to `batch` rows older than `keep_s`; return how many."""
        async with self._database.connection() as conn:
            status = await conn.execute(_PRUNE, keep_s, batch)
        return int(status.rsplit(" ", 1)[1])
