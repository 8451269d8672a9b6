"""What a variable that no file gives is by the packages of its program, or by its server's ways.

`variables` and `settle` ask. It gives nothing that another program could have told it.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder
from tarmac.adopt.variables.variable_read import VariableRead

#: Redis has numbers in place of databases' names.
_NUMBER = re.compile(r"(?:\w+_)?(?:REDIS|VALKEY)_(?:DB|DATABASE)(?:_INDEX|_NUMBER)?")
#: The address of a program's one database, as SQLAlchemy takes it.
_DATABASE = re.compile(r"(?:SQLALCHEMY_)?(?:DATABASE|DB)_(?:URL|URI)")
#: RabbitMQ's virtual host, which is its first one here.
_VIRTUAL_HOST = re.compile(r"(?i)(?:\w+_)?(?:RABBIT\w*|AMQP|MQ)_(?:VHOST|VIRTUAL_?HOST)")
#: Which of its databases Django speaks to, and the hosts that it answers to: here, to all.
_DIALECT = re.compile(r"(?:DJANGO_)?(?:DB|DATABASE|SQL)_ENGINE")
_HOSTS = re.compile(r"(?:DJANGO_)?ALLOWED_HOSTS")
#: The origins of forms that Django takes: each has a scheme, and none may be empty.
_ORIGINS = re.compile(r"(?:DJANGO_)?CSRF_TRUSTED_ORIGINS")
_HERE = "http://localhost"
#: What settings of Django are by Django itself, where code insists on a variable for them.
_OWN_OF_DJANGO = {
    "DEFAULT_FROM_EMAIL": "webmaster@localhost",
    "EMAIL_HOST_USER": "",
    "EMAIL_USE_SSL": "False",
    "EMAIL_USE_TLS": "False",
    "LANGUAGE_CODE": "en-us",
    "SERVER_EMAIL": "root@localhost",
    "TIME_ZONE": "UTC",
}
#: Those who share a topic's messages among themselves: any name will do, and none will not.
_GROUP = re.compile(r"(?:\w+_)?(?:KAFKA|CONSUMER)_(?:CONSUMER_)?GROUP(?:_?ID)?")
#: How a token is signed with a text that is generated, and how long one is good for.
_ALGORITHM = re.compile(r"(?:\w*(?:JWT|TOKEN|AUTH|SECURITY|SIGN)\w*_)?ALGORITHM")
_SIGNS = re.compile(r"(?i)jwt|jose|authlib")
_LASTS = re.compile(
    r"(?:\w+_)?(?:EXPIR\w*|LIFETIME|LIFESPAN|TTL|MAX_AGE)(?:_IN)?(?:_(?:MIN|HOUR|DAY|SEC)\w*)?"
)
_UNIT = re.compile(r"_(?:MIN|HOUR|DAY|SEC)[A-Z]*$")
_A_WHILE = "30"
_IN_A_FILE = "sqlite:///data/app.db"


def usual(
    folder: Folder, reads: Mapping[str, VariableRead], clients: frozenset[str]
) -> dict[str, str]:
    """Give the variables without which a program ends, where one value is right for all.

    A database that SQLAlchemy has no package for can only be SQLite's, which Python brings along.

    Args:
        clients: the kinds of servers that it has a library for.
    """
    found: dict[str, str] = {}
    listed = servers.libraries(folder)
    databases = {server.kind for server in servers.servers() if server.databases}
    lacking = [name for name, read in reads.items() if read.default is None and not read.is_tested]
    found |= {name: "0" for name in lacking if _NUMBER.fullmatch(name)}
    if _SIGNS.search(listed):
        found |= {name: "HS256" for name in lacking if _ALGORITHM.fullmatch(name)}
    if "kafka" in clients:
        group = posixpath.basename(folder.path) or "app"
        open_ones = (n for n, read in reads.items() if not read.default and not read.is_tested)
        found |= {name: group for name in open_ones if _GROUP.fullmatch(name)}
    is_number = {name for name in lacking if reads[name].kind in ("int", "float")}
    lasting = (n for n in lacking if _LASTS.fullmatch(n) and (n in is_number or _UNIT.search(n)))
    found |= dict.fromkeys(lasting, _A_WHILE)
    if re.search(r"(?im)^[ \t\"']*django\b", listed):
        known = (one.shows.django for one in servers.servers() if one.kind in clients)
        dialect = next(filter(None, known), "sqlite3")
        found |= {n: f"django.db.backends.{dialect}" for n in lacking if _DIALECT.fullmatch(n)}
        found |= {name: "*" for name in lacking if _HOSTS.fullmatch(name)}
        own = {name: name.removeprefix("DJANGO_") for name in lacking}
        found |= {n: _OWN_OF_DJANGO[own[n]] for n in lacking if own[n] in _OWN_OF_DJANGO}
        empty = {name for name, read in reads.items() if read.default == ""}
        found |= {name: _HERE for name in (*lacking, *empty) if _ORIGINS.fullmatch(name)}
    if not clients & databases and re.search(r"(?i)sqlalchemy", listed):
        found |= {
            n: _IN_A_FILE for n, r in reads.items() if _DATABASE.fullmatch(n) and not r.default
        }
    return found


#: Whose name mails have, which has to be a person's address.
_SENDER = re.compile(r"(?:\w+_)?(?:(?:E?MAIL|SMTP)_(?:FROM|SENDER)|(?:FROM|SENDER)_E?MAIL)")
_NOTHING = {"str": "", "bool": "false", "int": "0", "float": "0"}


#: Where a front end is that is not here; a library of Go ends where that is not an address.
_OF_PAGES = re.compile(
    r"(?i)(?:\w+_)?(?:(?:FRONT_?END|CLIENT|WEB|UI)_(?:HOST|URL|ORIGIN)|\w*ORIGINS?)"
)
_CHECKS_ORIGINS = "github.com/gin-contrib/cors"


def left_empty(read: VariableRead, given: str | None, folder: Folder | None = None) -> str | None:
    """Say nothing of a field that a class of settings insists on and an example leaves empty.

    Args:
        given: what the example has.
        folder: the program's own, for one that ends without an address of its pages.
    """
    if folder is not None and not given and not read.default and _OF_PAGES.fullmatch(read.name):
        return _HERE if _CHECKS_ORIGINS in servers.libraries(folder) else None
    if given != "" or read.kind not in _NOTHING:
        return None
    is_sender = read.kind == "str" and _SENDER.fullmatch(read.name)
    return "noreply@example.com" if is_sender else _NOTHING[read.kind]


def at_first_host(env: Mapping[str, str]) -> dict[str, str]:
    """Name RabbitMQ's first virtual host, whatever its container is told to make besides."""
    hosts = {name: "/" for name in env if _VIRTUAL_HOST.fullmatch(name)}
    return {**env, **(hosts if any("${broker." in value for value in env.values()) else {})}


def insisted(reads: Mapping[str, VariableRead], debug: str | None) -> dict[str, str]:
    """Give the modes that most programs do without, to one that checks that it has them.

    Args:
        debug: what a file gives DEBUG.
    """
    modes = {"NODE_ENV": "development", "DEBUG": debug or "true"}
    return {n: value for n, value in modes.items() if n in reads and reads[n].is_checked}
