"""The users of a MySQL, as statements that its server reads at each start; used by `mysql`."""

from __future__ import annotations

from tarmac.base.errors import BadInput, Problem
from tarmac.base.launch import File, Secret, Text, text
from tarmac.catalog.stores.kind import Fingerprint, StoreContext, User

ADMIN = "tarmac"
#: What MySQL takes as a user's name.
LONGEST_NAME = 32
FINGERPRINT = Fingerprint(
    images=("mysql", "mariadb", "mysql-server", "percona"),
    schemes=("mysql",),
    own_schemes=("mariadb", "mysql2"),
    port=3306,
    clients=r"mysql|mariadb",
    stems=("MYSQL", "MARIADB"),
    vague=("DATABASE", "DB"),
    first=("MYSQL_", "MARIADB_"),
    store_name="db",
    user="root",
    path_is_database=True,
    chooses=True,
    django="mysql",
    numbered=("mysql", "mysql-server", "percona"),
    async_drivers={"aiomysql": "mysql+aiomysql", "asyncmy": "mysql+asyncmy"},
)


def url(context: StoreContext, user: User) -> Text:
    """Write where a user connects."""
    return _url(context, user.role, user.password)


def admin_url(context: StoreContext) -> Text:
    """Write where the administrator connects."""
    return _url(context, ADMIN, context.admin)


def users(context: StoreContext) -> Text:
    """Write what makes the database, its administrator and its users; repeatable.

    Raises:
        BadInput: a service's name is too long for a user's.
    """
    statements = (*_administrator(context), *_of_services(context))
    # The server takes one statement of each line.
    return text(*(text(statement, ";\n") for statement in statements))


def first_files(context: StoreContext) -> tuple[File, ...]:
    """Give the files of SQL that its image loads into a new database, which it has to be named."""
    new = f"CREATE DATABASE IF NOT EXISTS `{context.database}`;\nUSE `{context.database}`;\n"
    return tuple(File(name, text(new + content)) for name, content in context.init.items())


def first_mounts(context: StoreContext) -> dict[str, str]:
    """Return where its image looks for them."""
    return {name: f"/docker-entrypoint-initdb.d/{name}" for name in context.init}


def _of_services(context: StoreContext) -> tuple[Text, ...]:
    """Return what makes the database and its users; repeatable, each in one line."""
    if wrong := [user.role for user in context.users if len(user.role) > LONGEST_NAME]:
        what = f"a user of MySQL has {LONGEST_NAME} characters at most ({wrong[0]}); rename it"
        raise BadInput([Problem(f"stores.{context.name}", what)])
    users = tuple(
        statement
        for user in context.users
        for statement in (
            text(f"CREATE USER IF NOT EXISTS '{user.role}'@'%'"),
            text(f"ALTER USER '{user.role}'@'%' IDENTIFIED BY '", user.password, "'"),
            text(f"GRANT ALL ON `{context.database}`.* TO '{user.role}'@'%'"),
        )
    )
    return (text(f"CREATE DATABASE IF NOT EXISTS `{context.database}`"), *users)


def _url(context: StoreContext, name: str, password: Secret) -> Text:
    address = f"@{context.host}:{context.ports['main']}/{context.database}"
    return text(f"mysql://{name}:", password, address)


def _administrator(context: StoreContext) -> tuple[Text, ...]:
    return (
        text(f"CREATE USER IF NOT EXISTS '{ADMIN}'@'%'"),
        text(f"ALTER USER '{ADMIN}'@'%' IDENTIFIED BY '", context.admin, "'"),
        text(f"GRANT ALL ON *.* TO '{ADMIN}'@'%' WITH GRANT OPTION"),
    )
