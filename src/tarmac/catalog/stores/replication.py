"""How one store kind's server follows another, which may be lost, and takes its place, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.base.launch import Command, Text


@dataclass(frozen=True)
class StoreReplication:
    """How two servers of a store follow each other; commands run in their node's folder.

    Statements are said over the kind's `sql_url`, and fail where that is not so.
    """

    #: What holds a server's data: the copy takes its place.
    data: tuple[str, ...]
    #: Put a copy of the other server's data there, which follows that server once it is started.
    copy: tuple[Command, ...]
    #: Ask the server that is followed: one row for each standby, whether changes reach it as they
    #: are made, and how it stands, as a sentence.
    standbys: Text
    #: Have it confirm a change only when its standby has it.
    confirming: tuple[Text, ...]
    confirmed: tuple[Text, ...]
    #: Ask a server: one row, whether it takes writes.
    takes_writes: Text
    #: Have a server take no writes when it is started the next time, whatever it did before.
    fence: tuple[Command, ...]
    #: Have a standby take writes.
    promote: tuple[Text, ...]
    #: Variables of the commands.
    env: Mapping[str, Text] = field(default_factory=dict)
