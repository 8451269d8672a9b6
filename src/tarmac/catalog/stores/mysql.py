"""MySQL: the machine's MariaDB, which speaks its protocol, or MySQL's own image."""

from __future__ import annotations

from tarmac.base.launch import Command, ExchangeProbe, File, FileTree, Launch
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Image,
    Provider,
    ProviderCandidate,
    RowReset,
    Shell,
    StoreContext,
    StoreKind,
    outputs,
)
from tarmac.catalog.stores.setup import mysql_users
from tarmac.catalog.stores.setup.docker import in_docker

SERVER = (
    "--character-set-server=utf8mb4",
    # A probe that only checks for an answer is not an attack.
    "--max-connect-errors=4294967295",
    "--skip-name-resolve",
    "--performance-schema=OFF",
)
#: A laptop runs several stores.
SMALL = ("--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M")
_IN_CONTAINER = (
    "users=/var/run/mysqld/users.sql && cp /tarmac/users.sql $users && "
    "{ [ $(id -u) != 0 ] || chown mysql $users; } && "
    'exec docker-entrypoint.sh "$0" --init-file=$users "$@"'
)
FAST = ("--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0")


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:
    make = (
        # It comes with the server, in another folder of PATH, and has no way to tell its version.
        *("mariadb-install-db", "--no-defaults", "--datadir={tree}"),
        *("--auth-root-authentication-method=socket", "--skip-test-db", "--skip-name-resolve"),
        SMALL[1],
    )
    return Launch(
        argv=(
            *candidate.programs["server"],
            *("--no-defaults", "--datadir={folder}/data", "--init-file={folder}/users.sql"),
            *(f"--bind-address={context.host}", f"--port={context.ports['main']}"),
            # In the folder of its data: the path to it can be longer than a socket's may be.
            # Root has to name the user that it runs as; for other users this means nothing.
            *("--socket=mysqld.sock", "--pid-file=mysqld.pid", "--user=root"),
            *(*SERVER, *SMALL, *(FAST if fast else ())),
        ),
        ready=ExchangeProbe(context.ports["main"], expect=b"_password"),
        files=(File("users.sql", mysql_users.users(context)),),
        trees=(FileTree("data", cache_key=f"mariadb-{candidate.version}", make=Command(make)),),
    )


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - one shape for all
    size = context.size
    pool = f"--innodb-buffer-pool-size={size.part(0.5)}M" if size is not None else SMALL[0]
    server = Launch(
        # The image's server gives root up, and could not read a file that is root's alone.
        argv=("sh", "-c", _IN_CONTAINER, "mysqld", *SERVER, pool, *(FAST if fast else ())),
        env={"MYSQL_ROOT_PASSWORD": (context.admin,)},
        ready=ExchangeProbe(context.ports["main"], expect=b"_password"),
        files=(File("users.sql", mysql_users.users(context)), *mysql_users.first_files(context)),
    )
    return Container(
        server,
        ports={"main": 3306},
        mounts={".": "/tarmac", "data": "/var/lib/mysql", **mysql_users.first_mounts(context)},
        scratch=("/var/run/mysqld",),
        owns_data=True,
    )


def _note(candidate: ProviderCandidate) -> str:
    return f"MariaDB {candidate.version} answers, not MySQL itself"


STORE = StoreKind(
    id="mysql",
    title="MySQL",
    ports={"main": None},
    clients="main",
    outputs=outputs(mysql_users.url, port="main", database=True),
    providers=(
        Provider(
            "binary",
            {
                # Roots that log in by the socket alone, and locked by default, came with 10.4.
                "server": Binary("mariadbd", ("/usr/sbin", "/usr/local/sbin"), oldest="10.4")
            },
            _launch,
            get="install MariaDB (apt-get install mariadb-server, brew install mariadb)",
            note=_note,
            title="MariaDB",
        ),
        in_docker(Image("mysql", "8.4"), _container),
    ),
    external={"mysql": 3306, "mariadb": 3306},
    admin=mysql_users.ADMIN,
    empty_passwords=True,
    contents="tarmac.run.local.stores.mysql:CONTENTS",
    reset=RowReset(mysql_users.admin_url, "the rows that changed, and their counters"),
    loads_sql=True,
    shell=Shell(
        ("mariadb", "mysql"),
        ("--host={host}", "--port={port}", "--user={user}", "{path}"),
        "MYSQL_PWD",
    ),
    fast_gives_up="what was committed in the last second, after a crash",
    check="database",
    fingerprint=mysql_users.FINGERPRINT,
)
