"""How one PostgreSQL server follows another and takes its place; used by its kind."""

from __future__ import annotations

from pathlib import PurePath

from tarmac.base.launch import Command, text
from tarmac.catalog.stores.kind import Address, ProviderCandidate, StoreContext, StoreReplication

ADMIN = "postgres"
#: The standby, as the server knows it, and what keeps the log for it.
STANDBY = SLOT = "tarmac"
#: A standby that was promoted takes writes within this time.
PROMOTE_S = 60
_STANDBYS = f"""
SELECT state = 'streaming', format('%s, %s, %s bytes behind', state, sync_state,
    pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn))
FROM pg_stat_replication WHERE application_name = '{STANDBY}'
"""  # noqa: S608 - of constants


def replication(
    context: StoreContext, candidate: ProviderCandidate, followed: Address
) -> StoreReplication | None:
    """Stream the log of changes into a copy, which answers those that read."""
    if candidate.image:  # its data belongs to the container's user
        return None
    base_backup = str(PurePath(candidate.programs["postgres"][0]).with_name("pg_basebackup"))
    return StoreReplication(
        data=("data",),
        copy=(
            Command(
                (
                    *(base_backup, "--pgdata=data", "--write-recovery-conf", "--create-slot"),
                    *(f"--slot={SLOT}", "--checkpoint=fast", "--wal-method=stream", "--no-sync"),
                    *(f"--host={followed.host}", f"--port={followed.port}"),
                    *(f"--username={ADMIN}", "--no-password"),
                )
            ),
        ),
        standbys=text(_STANDBYS),
        confirming=(
            text(f"ALTER SYSTEM SET synchronous_standby_names = '{STANDBY}'"),
            text("SELECT pg_reload_conf()"),
        ),
        confirmed=(
            text(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_stat_replication "
                f"WHERE application_name = '{STANDBY}' AND sync_state = 'sync') "
                "THEN RAISE 'no standby confirms changes'; END IF; END $$"
            ),
        ),
        takes_writes=text("SELECT current_setting('transaction_read_only') = 'off'"),
        # A standby of no one: it replays what it has, answers those that read, and waits.
        fence=(Command(("touch", "data/standby.signal")),),
        promote=(
            text(
                f"DO $$ BEGIN IF NOT pg_promote(true, {PROMOTE_S}) "
                "THEN RAISE 'it still follows'; END IF; END $$"
            ),
        ),
        env={"PGPASSWORD": (context.admin,), "PGAPPNAME": text(STANDBY)},
    )
