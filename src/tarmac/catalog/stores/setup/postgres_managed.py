"""A PostgreSQL that the cloud keeps: how its stores and their users are made, from the cluster.

On RDS and Aurora the administrator is not a superuser; it makes databases and roles. Several stores
are on one server, so each service has a user of its own in each of them.
"""

from __future__ import annotations

import shlex

from tarmac.base.launch import File, Text, text
from tarmac.catalog.stores.kind import ManagedService, Script, StoreContext
from tarmac.catalog.stores.made_servers import server_host
from tarmac.catalog.stores.setup import postgres_init
from tarmac.catalog.stores.setup.postgres_backup import ADMIN
from tarmac.catalog.stores.setup.postgres_users import SHUT, grants, joint, maker, readable

PORT = 5432
#: Set-ups of several stores begin together: rights of the server's databases are given one by one.
ALONE = "DO $$ BEGIN PERFORM pg_advisory_lock(hashtext('tarmac')); END $$"
WAIT = "pg_isready --quiet"
PSQL = ("psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", ADMIN)


def _statements(context: StoreContext) -> tuple[Text, ...]:
    """Write what is said in the store's own database; all of it can be said again."""
    return (
        *(statement for user in context.users for statement in grants(context, user)),
        *joint(context),
        *readable(context),
    )


def _ended(*statements: Text) -> Text:
    return text(*(text(statement, ";\n") for statement in statements))


def script(context: StoreContext) -> Script:
    """Make the database, its users and their rights, as the server's administrator.

    Its file is named for the administrator's password: with another one, it waits in a pod until
    the cluster has what belongs to it.
    """
    name = context.database
    missing = f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{name}')"
    server_wide = _ended(text(ALONE), *SHUT)
    database = text(
        f"SELECT 'CREATE DATABASE \"{name}\"' {missing} \\gexec\n",
        f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;\n',
        f'\\connect "{name}"\n',
    )
    first = postgres_init.lines(context, maker(context))
    file = f"{context.admin.path.rpartition('/')[2]}.sql"
    run = shlex.join((*PSQL, f"--file=/setup/{file}"))
    return Script(
        argv=("sh", "-c", f"until {WAIT}; do sleep 1; done; exec {run}"),
        files=(
            File(file, text(server_wide, database, _ended(*_statements(context)), first)),
            *postgres_init.files(context),
        ),
        env={
            "PGHOST": (server_host(context.server),),
            "PGPORT": text(str(PORT)),
            "PGUSER": text(ADMIN),
            "PGPASSWORD": (context.admin,),
            "PGSSLMODE": text("require"),
        },
    )


SERVICE = ManagedService(
    "postgres",
    "17",
    most=16,
    url="postgresql://{user}:{password}@{host}:{port}/{database}",
    script=script,
)
