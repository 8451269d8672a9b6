"""How a PostgreSQL server is backed up and restored, by its own tools; used by its kind."""

from __future__ import annotations

from pathlib import PurePath

from tarmac.base.launch import Command, Text, text
from tarmac.catalog.stores.kind import ArchiveRule, ProviderCandidate, StoreBackup, StoreContext

ADMIN = "postgres"
#: What follows the log of changes, as the server knows it.
FOLLOWER = "tarmac"
#: Commands of the server run in the folder of its data, so that no path has to be quoted.
_WAL = "../backup/wal/"


def backup(
    context: StoreContext, candidate: ProviderCandidate, wanted: ArchiveRule
) -> StoreBackup | None:
    """Make one base backup, and archive the server's log of changes.

    The server archives each file of the log when it is full or `every_s` are over; or a program
    follows the log, and a commit waits for it.
    """
    if candidate.image:
        return None
    files = {
        "archive_mode": "on",
        # Renamed once it is whole: a copy that was cut off must never be restored.
        "archive_command": f"cp %p {_WAL}.%f && mv {_WAL}.%f {_WAL}%f",
        "archive_timeout": f"{max(1, round(wanted.every_s))}s",
    }
    settings = {
        "restore_command": f"cp {_WAL}%f %p || cp {_WAL}%f.partial %p",
        # While it restores it would answer, and refuse whatever is written.
        "hot_standby": "off",
        **({} if wanted.synchronous else files),
    }
    server = (f"--host={context.host}", f"--port={context.ports['main']}", f"--username={ADMIN}")
    base = ("--pgdata=backup/base", "--checkpoint=fast", "--wal-method=stream", "--no-sync")
    log = ("--directory=backup/wal", "--synchronous", "--no-loop")

    def tool(name: str, *args: str) -> Command:
        path = PurePath(candidate.programs["postgres"][0]).with_name(name)
        return Command((str(path), *args, *server, "--no-password"))

    return StoreBackup(
        data=("data",),
        before=(Command(("rm", "-rf", "backup")), Command(("mkdir", "-p", "backup/wal"))),
        archiving=tuple(_set(key, value) for key, value in settings.items()),
        restarts=not wanted.synchronous,
        follow=tool("pg_receivewal", *log) if wanted.synchronous else None,
        followed=(_follows("state = 'streaming'"),),
        copy=(tool("pg_basebackup", *base),),
        confirming=(
            _set("synchronous_standby_names", FOLLOWER),
            text("SELECT pg_reload_conf()"),
        )
        if wanted.synchronous
        else (),
        confirmed=(_follows("sync_state = 'sync'"),),
        restore=(
            Command(("cp", "-Rp", "backup/base", "data")),
            Command(("touch", "data/recovery.signal")),
        ),
        env={"PGPASSWORD": (context.admin,), "PGAPPNAME": text(FOLLOWER)},
    )


def _set(key: str, value: str) -> Text:
    return text(f"ALTER SYSTEM SET {key} = '{value}'")


def _follows(condition: str) -> Text:
    """Fail unless the follower is as it is to be."""
    return text(
        "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_stat_replication "
        f"WHERE application_name = '{FOLLOWER}' AND {condition}) "
        "THEN RAISE 'nothing follows the log of changes'; END IF; END $$"
    )
