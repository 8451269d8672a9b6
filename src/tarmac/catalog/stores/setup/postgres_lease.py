"""A user of PostgreSQL for a while: it acts as its service's role, which owns what it makes.

So nothing is its own when it goes, and the next one finds all tables its own.
"""

from __future__ import annotations

from tarmac.catalog.stores.kind import StoreContext, User, UserLease
from tarmac.catalog.stores.setup.postgres_backup import ADMIN

LOGIN = (
    "CREATE ROLE \"{{name}}\" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' "
    "NOSUPERUSER NOCREATEDB NOCREATEROLE"
)


def lease(context: StoreContext, user: User, acting: str) -> UserLease:
    """Write the statements by which such a user comes and goes.

    Args:
        acting: the role whose rights and tables are the user's.
    """
    role, database = f'"{user.role}"', f'"{context.database}"'
    missing = f"NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{user.role}')"
    return UserLease(
        plugin="postgresql-database-plugin",
        scheme="postgresql",
        path=f"/{context.database}?sslmode=prefer",
        admin=ADMIN,
        create=(
            # On a server of the cloud nothing else has made it.
            f"DO $$ BEGIN IF {missing} THEN CREATE ROLE {role} NOLOGIN; END IF; END $$",
            f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role}",
            f"GRANT ALL ON SCHEMA public TO {role}",
            f"{LOGIN} IN ROLE {role}",
            f"ALTER ROLE \"{{{{name}}}}\" SET role TO '{acting}'",
        ),
        revoke=(
            # A session would go on after its user's end.
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'",
            'DROP ROLE IF EXISTS "{{name}}"',
        ),
    )
