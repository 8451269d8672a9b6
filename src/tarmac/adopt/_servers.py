"""Servers that code bases use: by which images, addresses, libraries and variables one knows them.

The store kinds themselves are in `stores/`; what none of them can be is a stranger, and said so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tarmac.adopt._found import Folder


@dataclass(frozen=True)
class Server:
    """A server of one kind, as it shows in other people's files."""

    #: The store kind that it is here.
    kind: str
    images: tuple[str, ...]
    schemes: tuple[str, ...]
    #: Where its image listens.
    port: int
    #: Libraries that speak to it.
    clients: str
    #: How variables that hold its address begin.
    stems: tuple[str, ...]
    #: Stems that say nothing of the kind: counted only where a client is there.
    vague: tuple[str, ...] = ()
    broker: bool = False


SERVERS = (
    Server(
        "postgres",
        ("postgres", "postgresql", "postgis", "pgvector", "timescaledb", "timescaledb-ha"),
        ("postgres", "postgresql"),
        5432,
        r"[\"']pg[\"']|[\"']postgres[\"']|pg-promise|psycopg|asyncpg|lib/pq|jackc/pgx|"
        r"org\.postgresql|tokio-postgres|postgresql|@prisma/client",
        ("POSTGRES", "POSTGRESQL", "PG", "PGSQL"),
        ("DATABASE", "DB"),
    ),
    Server(
        "redis",
        ("redis", "valkey", "redis-stack", "redis-stack-server", "redismod", "keydb", "dragonfly"),
        ("redis", "rediss", "valkey"),
        6379,
        r"\bredis\b|ioredis|bullmq|\brq\b|jedis|lettuce|valkey",
        ("REDIS", "VALKEY"),
        ("CACHE",),
    ),
    Server(
        "mail",
        ("mailhog", "mailpit", "maildev", "smtp4dev", "mailcatcher"),
        ("smtp",),
        1025,
        r"nodemailer|smtplib|net/smtp|lettre|flask.mail|spring-boot-starter-mail",
        ("SMTP", "MAIL", "MAIL_SERVER", "EMAIL"),
    ),
    Server("nats", ("nats",), ("nats",), 4222, r"nats", ("NATS",), broker=True),
    Server(
        "rabbitmq",
        ("rabbitmq",),
        ("amqp", "amqps"),
        5672,
        r"amqp|aio.pika|\bpika\b|rabbitmq",
        ("RABBITMQ", "RABBIT", "AMQP"),
        broker=True,
    ),
    Server(
        "kafka",
        ("kafka", "cp-kafka", "redpanda", "cp-server"),
        ("kafka",),
        9092,
        r"kafka",
        ("KAFKA",),
        broker=True,
    ),
    Server(
        "mongodb",
        ("mongo", "mongodb", "mongodb-community-server"),
        ("mongodb", "mongodb+srv"),
        27017,
        r"mongoose|pymongo|mongodb|motor",
        ("MONGO", "MONGODB"),
    ),
)

#: Variable endings for the parts of an address -> the output that every store of that kind has.
PARTS = {
    "URL": "url",
    "URI": "url",
    "DSN": "url",
    "CONNECTION_STRING": "url",
    "HOST": "host",
    "HOSTNAME": "host",
    "SERVER": "host",
    "PORT": "port",
    "USER": "user",
    "USERNAME": "user",
    "PASSWORD": "password",
    "PASS": "password",
    "PWD": "password",
    "DATABASE": "database",
    "DBNAME": "database",
    "DB": "database",
    "NAME": "database",
    "ADDR": "host_port",
    "ADDRESS": "host_port",
}
#: Where a program lists its libraries.
_DEPENDENCIES = (
    *("package.json", "pyproject.toml", "requirements.txt", "Pipfile", "go.mod", "pom.xml"),
    *("build.gradle", "build.gradle.kts", "Cargo.toml", "prisma/schema.prisma"),
)
#: Kinds whose containers ask for no password unless they are told to.
PASSWORDLESS = frozenset({"redis", "mail"})
#: What only a kind with databases offers.
_DATABASES = frozenset({"postgres", "mongodb"})


def of_image(image: str) -> Server | None:
    """Find the server that an image holds: `bitnami/postgresql:16` is PostgreSQL."""
    name = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].split(":", maxsplit=1)[0]
    return next((server for server in SERVERS if name in server.images), None)


def version_of(image: str) -> str:
    """Read the version off an image's tag: `16-alpine` is 16, `latest` is none."""
    tag = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].partition(":")[2]
    match = re.match(r"(?:v|pg)?(\d+(?:\.\d+)?)(?:[.-]|$)", tag)
    return match[1] if match else ""


def of_scheme(scheme: str) -> Server | None:
    """Find the server behind an address: `postgresql+asyncpg` and `jdbc:postgresql` included."""
    plain = scheme.removeprefix("jdbc:").split("+")[0]
    return next((server for server in SERVERS if plain in server.schemes), None)


def of_variable(name: str, clients: frozenset[str]) -> tuple[Server, str] | None:
    """Tell which server's address, or which part of it, a variable holds by its name."""
    for server in SERVERS:
        stems = (*server.stems, *(server.vague if server.kind in clients else ()))
        for stem in sorted(stems, key=len, reverse=True):
            rest = name.removeprefix(stem).removeprefix("_") if name.startswith(stem) else None
            if name == stem:
                rest = "URL"
            output = PARTS.get(rest) if rest is not None else None
            if output == "database" and server.kind not in _DATABASES:
                continue
            if output is not None:
                return server, output
    return None


def clients(folder: Folder) -> frozenset[str]:
    """Tell by a program's dependencies which servers it speaks to."""
    text = "\n".join(folder.read(name) for name in _DEPENDENCIES if name in folder.files)
    if not text:  # no list of dependencies: its imports are one
        text = "\n".join(map(_imports, map(folder.read, folder.sources(".py", ".js", ".go"))))
    return frozenset(
        server.kind for server in SERVERS if re.search(server.clients, text, re.IGNORECASE)
    )


def _imports(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if "import" in line or "require" in line)


def reference(store: str, output: str, *, broker: bool = False) -> str:
    """Write the reference to a store's output."""
    root = "broker" if broker else f"stores.{store}"
    if output == "host_port":
        return f"${{{root}.host}}:${{{root}.port}}"
    return f"${{{root}.{output}}}"


def known_kinds(kinds: Iterable[str]) -> frozenset[str]:
    """List the kinds of servers that both sides know."""
    return frozenset(kinds) & {server.kind for server in SERVERS}
