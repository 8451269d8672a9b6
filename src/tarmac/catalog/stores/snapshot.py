"""What a snapshot keeps of a server's folder, and which servers can go on with that."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StoreSnapshot:
    """How a kind's data is kept while its server is stopped."""

    #: What holds data in the server's folder, as patterns of names; all else is made at each start.
    keeps: tuple[str, ...] = ("data",)
    #: How many numbers of the version a server must share to go on with the data.
    same_numbers: int = 1
    #: With --fast-stores nothing is on the disk, and a stop loses all.
    lost_when_fast: bool = False
    #: The administrator's password is in the data, and no start can change it.
    keeps_password: bool = False
    #: It writes to files in memory, and the time of their change does not tell of each write.
    maps_files: bool = False
    #: Said to the server before it is stopped, so that its stop takes less long.
    before_stop: str = ""
    #: Its server refuses root, so that its folder may stand outside the project.
    refuses_root: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to keep, as of a cache in memory."""
        return not self.keeps
