"""The names that owners of captured tables and the capture service agree on.

Read by `settling` in the owner's process, by the capture service, and by the Debezium service's
own settings.
"""

from __future__ import annotations

import re

#: Has the outbox's inserts, and nothing else of it: that rows are marked and pruned is no event.
OUTBOX_PUBLICATION = "tarmac_outbox"
#: Has all changes of the tables that their owner lists in CAPTURED_TABLES.
TABLES_PUBLICATION = "tarmac_tables"
#: PostgreSQL cuts names here.
_LONGEST = 63


def slot_of(database: str) -> str:
    """Return the name of a database's slot: slots are a server's, which may have many databases."""
    return f"tarmac_{re.sub(r'[^a-z0-9_]', '_', database.lower())}"[:_LONGEST]
