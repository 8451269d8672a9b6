"""How a store kind's server is backed up while it serves and restored from that, as data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tarmac.base.launch import Command, Text


@dataclass(frozen=True)
class ArchiveRule:
    """How much of what changes after a backup may be lost."""

    #: What changes is archived at least so often.
    every_s: float = 1.0
    #: Each change is archived before it is confirmed; `every_s` means nothing then.
    synchronous: bool = False


@dataclass(frozen=True)
class StoreBackup:
    """How one server is backed up; commands run in its node's folder, where all paths begin.

    Statements are said over the kind's `sql_url`. The order is that of the fields.
    """

    #: What holds its data: this is deleted when the data is lost.
    data: tuple[str, ...]
    #: Make room for what is archived.
    before: tuple[Command, ...]
    #: Have it archive what changes.
    archiving: tuple[Text, ...]
    #: It does so once it is started again.
    restarts: bool
    #: Copies what changes from outside of it, as long as it runs.
    follow: Command | None
    #: Fail until that is there.
    followed: tuple[Text, ...]
    #: Make a copy of its data as it is now.
    copy: tuple[Command, ...]
    #: Have each change confirmed only when it was copied; not in the copy, as a server that was
    #: restored has nothing that follows it.
    confirming: tuple[Text, ...]
    #: Fail until that is so.
    confirmed: tuple[Text, ...]
    #: Put the copy, and what was archived since, where the data was.
    restore: tuple[Command, ...]
    #: Variables of the commands.
    env: Mapping[str, Text] = field(default_factory=dict)
