"""Memcached: a cache that keeps nothing through its end; every service has a password of its own.

Its users are those of its own file (`-Y`), whose protocol is text: the first command of a
connection stores `user password` under any key. It names no keys of a user, and takes eight users.
"""

from __future__ import annotations

from datetime import date

from tarmac.base.errors import BadInput, Problem
from tarmac.base.launch import ExchangeProbe, File, Launch, Text, text
from tarmac.base.versions import Version
from tarmac.catalog.stores.kind import (
    Binary,
    Container,
    Fingerprint,
    Image,
    Provider,
    ProviderCandidate,
    StoreContext,
    StoreKind,
    StoreSnapshot,
    User,
    outputs,
)
from tarmac.catalog.stores.protocols.memcached import emptying, of_cache
from tarmac.catalog.stores.setup.docker import in_docker

ADMIN = "tarmac"
#: MAX_ENTRIES of its authfile.c; of them one is the administrator's.
MOST_USERS = 7
#: What a laptop's cache takes; memcached's own default.
MEMORY_MIB = "64"
SUPPORT = Version(
    *("image", "memcached", "1.6", date(2020, 3, 8), None),
    source="https://github.com/memcached/memcached/wiki/ReleaseNotes",
    why="the tag moves with every release of 1.6, and only the newest is fixed",
)


def _url(context: StoreContext, user: User) -> Text:
    port = context.port_of(user, "main")
    return text(f"memcached://{user.role}:", user.password, f"@{context.host}:{port}")


def _server(context: StoreContext, argv: tuple[str, ...], ready: int) -> Launch:
    if len(context.users) > MOST_USERS:
        what = f"memcached takes {MOST_USERS} services ({len(context.users)}); add a second store"
        raise BadInput([Problem(f"stores.{context.name}", what)])
    lines = [text(f"{user.role}:", user.password, "\n") for user in context.users]
    memory = context.size.part(0.8) if context.size else MEMORY_MIB
    return Launch(
        argv=(*argv, "-U", "0", "-m", memory),
        # It serves, and only to those with a password.
        ready=ExchangeProbe(ready, expect=b"CLIENT_ERROR unauthenticated", send=b"version\r\n"),
        files=(File("users", text(f"{ADMIN}:", context.admin, "\n", *lines)),),
    )


def _launch(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Launch:  # noqa: ARG001 - one shape for all
    port = context.ports["main"]
    # Root has to name the user that it runs as; for other users `-u` means nothing.
    argv = (*candidate.programs["server"], "-u", "root", "-Y", "{folder}/users")
    return _server(context, (*argv, "-l", context.host, f"--port={port}"), port)


def _container(context: StoreContext, candidate: ProviderCandidate, fast: bool) -> Container:  # noqa: ARG001 - as above
    argv = ("memcached", "-u", "root", "-Y", "/tarmac/users", "-l", "0.0.0.0", "--port=11211")
    server = _server(context, argv, context.ports["main"])
    ports = {"main": 11211}
    return Container(server, ports, mounts={".": "/tarmac"}, starts_as_root=False, user=11211)


STORE = StoreKind(
    id="memcached",
    title="Memcached",
    ports={"main": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(
        Provider(
            "binary",
            # Passwords in a file came with 1.5.15.
            {"server": Binary("memcached", oldest="1.5.15")},
            _launch,
            get="install it (apt-get install memcached, brew install memcached)",
        ),
        in_docker(Image("memcached", "1.6", SUPPORT), _container),
    ),
    durable=False,
    external={"memcached": 11211},
    admin=ADMIN,
    reset=emptying("main", ADMIN),
    snapshot=StoreSnapshot(()),
    statistics=of_cache("main", ADMIN),
    check="cache",
    needed=False,
    fingerprint=Fingerprint(
        images=("memcached",),
        schemes=("memcached", "memcache"),
        port=11211,
        clients=r"memcache|memjs|pylibmc|spymemcached",
        stems=("MEMCACHED", "MEMCACHE"),
    ),
)
