"""How one store kind's server is made to refuse writes for a while, as data."""

from __future__ import annotations

from dataclasses import dataclass

from tarmac.base.launch import Text


@dataclass(frozen=True)
class StoreReadOnly:
    """What is said to a server, over the kind's `sql_url`; its connections stay open."""

    #: Have it refuse writes from now on.
    begin: tuple[Text, ...]
    #: Have it take them again; nothing is wrong where it does.
    end: tuple[Text, ...]
    #: Ask it: one row, whether it takes writes.
    takes_writes: Text
