"""The users of a PostgreSQL and their rights, as statements; used by its kind.

The administrator of a server that the cloud keeps is not a superuser: what it may not say is left
out there, and what it has to be is said first.
"""

from __future__ import annotations

from collections.abc import Iterator

from tarmac.base.launch import Text, text
from tarmac.catalog.stores.kind import MONITOR, StoreContext, User
from tarmac.catalog.stores.setup.postgres_backup import ADMIN

#: Owns what the users of a shared store make; no service's name has a dot.
SHARED_OWNER = "tarmac.shared"
#: Of RDS and Aurora: it stands for the attribute, which only a superuser gives.
REPLICATION_OF_RDS = "rds_replication"
#: The databases that every server has are open to all its roles at first.
SHUT = tuple(
    text(f"REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC")
    for database in (ADMIN, "template1")
)


def owner(context: StoreContext) -> str:
    """Name what owns the tables of a shared store; several may be on a server of the cloud."""
    return ".".join(filter(None, (SHARED_OWNER, context.server and context.name)))


def maker(context: StoreContext) -> str:
    """Name the role that owns what the set-up loads."""
    if context.shared:
        return owner(context)
    return context.users[0].role if context.users else ADMIN


def role(context: StoreContext, name: str) -> tuple[Text, ...]:
    """Make a role where there is none of that name."""
    made = (
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') "
        f'THEN CREATE ROLE "{name}"; END IF; END $$'
    )
    # Without being a member, an administrator that is not a superuser gives none of its tables.
    member = (text(f'GRANT "{name}" TO CURRENT_USER'),) if context.server else ()
    return (text(made), *member)


def joint(context: StoreContext) -> tuple[Text, ...]:
    """Make users share one owner role; each logs in with its own password."""
    if not context.shared:
        return ()
    shared, database = owner(context), f'"{context.database}"'
    given = (
        f'GRANT "{shared}" TO "{user.role}"; '
        f"ALTER ROLE \"{user.role}\" IN DATABASE {database} SET role TO '{shared}'; "
        f'REASSIGN OWNED BY "{user.role}" TO "{shared}"'
        for user in context.users
        # Only a role itself may read the log, not the role that it acts as.
        if not user.replication and user.role != ADMIN
    )
    return (
        *role(context, shared),
        text(f'GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO "{shared}"'),
        text(f'GRANT ALL ON SCHEMA public TO "{shared}"'),
        *map(text, given),
        *(made for user in context.users for made in _lent(user, shared)),
    )


def _lent(user: User, shared: str) -> Iterator[Text]:
    """Let the others use what a program makes that logs in as the administrator.

    It stays what it is: acting as the owner, it could not set up the server any more.
    """
    for things in ("TABLES", "SEQUENCES") if user.role == ADMIN else ():
        given = f'GRANT ALL ON {things} TO "{shared}"'
        yield text(f"ALTER DEFAULT PRIVILEGES FOR ROLE {ADMIN} IN SCHEMA public {given}")


def readable(context: StoreContext) -> tuple[Text, ...]:
    """Let readers of the log of changes also read the tables that others make, now or later."""
    makers = [user.role for user in context.users] + ([owner(context)] if context.shared else [])
    return tuple(
        text(
            f'GRANT SELECT ON ALL TABLES IN SCHEMA public TO "{reader.role}"; '
            f'ALTER DEFAULT PRIVILEGES FOR ROLE "{maker}" IN SCHEMA public '
            f'GRANT SELECT ON TABLES TO "{reader.role}"'
        )
        for reader in context.users
        if reader.replication
        for maker in makers
        if maker != reader.role
    )


def grants(context: StoreContext, user: User) -> tuple[Text, ...]:
    """Make a user, and let it do what its service needs.

    A program that logs in as the administrator may do everything.
    """
    if user.role == ADMIN:
        return ()
    name, database = f'"{user.role}"', f'"{context.database}"'
    bounds = "NOCREATEDB NOCREATEROLE"
    if not context.server:  # elsewhere it may not even be denied
        bounds = f"NOSUPERUSER {bounds} {'' if user.replication else 'NO'}REPLICATION"
    return (
        *role(context, user.role),
        text(f"ALTER ROLE {name} NOLOGIN {bounds} PASSWORD NULL")
        if user.leased or user.second
        else text(f"ALTER ROLE {name} LOGIN {bounds} PASSWORD '", user.password, "'"),
        *(
            (text(f"GRANT {REPLICATION_OF_RDS} TO {name}"),)
            if context.server and user.replication
            else ()
        ),
        # A service that only reads the log of changes makes nothing here.
        text(f"GRANT CONNECT ON DATABASE {database} TO {name}")
        if user.replication
        else text(f"GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {name}"),
        text(f"GRANT {'USAGE' if user.replication else 'ALL'} ON SCHEMA public TO {name}"),
        *(accepted(context, user) if user.second else ()),
    )


def accepted(context: StoreContext, user: User) -> tuple[Text, ...]:
    """Let a user log in by its present name and password."""
    if not user.second:
        return (text(f'ALTER ROLE "{user.role}" LOGIN PASSWORD \'', user.password, "'"),)
    acting = owner(context) if context.shared else user.role
    return (
        *role(context, user.login),
        text(f'ALTER ROLE "{user.login}" LOGIN PASSWORD \'', user.password, "'"),
        text(f'GRANT "{user.role}" TO "{user.login}"'),
        text(f"ALTER ROLE \"{user.login}\" SET role TO '{acting}'"),
    )


def refused(login: str) -> tuple[Text, ...]:
    """Let no one log in by a name, where there is one."""
    there = f"EXISTS (SELECT FROM pg_roles WHERE rolname = '{login}')"
    change = f'ALTER ROLE "{login}" NOLOGIN PASSWORD NULL'
    return (text(f"DO $$ BEGIN IF {there} THEN {change}; END IF; END $$"),)


def watching(context: StoreContext) -> tuple[Text, ...]:
    """Let the monitor read the server's state, and no row of any table."""
    if context.monitor is None:
        return ()
    return (
        *role(context, MONITOR),
        text(f'ALTER ROLE "{MONITOR}" LOGIN PASSWORD \'', context.monitor, "'"),
        text(f'GRANT pg_monitor TO "{MONITOR}"'),
        text(f'GRANT CONNECT ON DATABASE "{context.database}" TO "{MONITOR}"'),
    )
