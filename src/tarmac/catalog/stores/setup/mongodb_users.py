"""Makes the users of a MongoDB that is up, one for each service.

`mongodb.py` names it as what its server is told. It is a protocol without I/O, and repeatable.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Any

from tarmac.base.launch import Secret
from tarmac.catalog.stores.kind import ProtocolScript, StoreContext
from tarmac.catalog.stores.protocols.bson import CommandRejected, answer, message

ADMIN = "tarmac"
#: Of MongoDB's codes: wrong name or password; a user of that name is there.
_AUTHENTICATION_FAILED, _USER_EXISTS = 18, 51003


@dataclass(frozen=True)
class DatabaseAccounts:
    """The accounts of a server: every user reads and writes one database."""

    database: str
    admin: Secret
    #: Each one's name and password.
    users: tuple[tuple[str, Secret], ...]
    #: The server has roles; one without lets every user do everything.
    roles: bool
    #: Those whose name programs know: they look for it where a container's first user is.
    known: frozenset[str] = frozenset()

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """List the secrets of the accounts."""
        return (self.admin, *(password for _, password in self.users))


def wanted(context: StoreContext, *, roles: bool) -> DatabaseAccounts:
    """List the accounts that a context asks for."""
    users = tuple((user.role, user.password) for user in context.users)
    known = frozenset(user.role for user in context.users if user.name)
    return DatabaseAccounts(context.database, context.admin, users, roles, known)


def make(wanted: DatabaseAccounts) -> ProtocolScript:
    """Create these users on the server, the administrator first."""
    heard = bytearray()
    admin = (yield wanted.admin).decode()
    try:
        yield from log_in(heard, admin)
    except CommandRejected as refused:
        if refused.code != _AUTHENTICATION_FAILED:
            raise
        # A server without any user lets one be made from where it runs itself.
        root = [{"role": "root", "db": "admin"}]
        yield from _user(heard, "admin", "createUser", ADMIN, admin, root)
        yield from log_in(heard, admin)
    roles = [{"role": "readWrite", "db": wanted.database}] if wanted.roles else []
    for name, secret in wanted.users:
        password = (yield secret).decode()
        for database in dict.fromkeys([wanted.database, *["admin"] * (name in wanted.known)]):
            try:
                yield from _user(heard, database, "createUser", name, password, roles)
            except CommandRejected as refused:
                if refused.code != _USER_EXISTS:
                    raise
                yield from _user(heard, database, "updateUser", name, password, roles)


def _user(
    heard: bytearray, database: str, verb: str, name: str, password: str, roles: list[Any]
) -> ProtocolScript:
    command = {verb: name, "pwd": password, "roles": roles, "mechanisms": ["SCRAM-SHA-256"]}
    return (yield from ask(heard, {**command, "$db": database}))


def log_in(heard: bytearray, password: str) -> ProtocolScript:
    """Prove to know the password, and have the server prove it too (RFC 7677)."""
    nonce = secrets.token_urlsafe(24)
    first = f"n={ADMIN},r={nonce}"
    begin = {"saslStart": 1, "mechanism": "SCRAM-SHA-256", "payload": f"n,,{first}".encode()}
    options = {"options": {"skipEmptyExchange": True}, "$db": "admin"}
    begun = yield from ask(heard, {**begin, **options})
    challenge = begun["payload"].decode()
    parts = dict(part.split("=", 1) for part in challenge.split(","))
    if not parts["r"].startswith(nonce):
        raise CommandRejected({"errmsg": "it answered another login"})
    salted = hashlib.pbkdf2_hmac(
        "sha256", password.encode(), base64.b64decode(parts["s"]), int(parts["i"])
    )
    key = _hmac(salted, b"Client Key")
    last = f"c=biws,r={parts['r']}"
    said = f"{first},{challenge},{last}".encode()
    signature = _hmac(hashlib.sha256(key).digest(), said)
    proof = base64.b64encode(bytes(a ^ b for a, b in zip(key, signature, strict=True))).decode()
    go_on = {"saslContinue": 1, "conversationId": begun["conversationId"], "$db": "admin"}
    ended = yield from ask(heard, {**go_on, "payload": f"{last},p={proof}".encode()})
    theirs = base64.b64encode(_hmac(_hmac(salted, b"Server Key"), said))
    if not hmac.compare_digest(ended["payload"], b"v=" + theirs):
        raise CommandRejected({"errmsg": "it does not know the administrator's password itself"})
    if not ended["done"]:
        yield from ask(heard, {**go_on, "payload": b""})


def _hmac(key: bytes, of: bytes) -> bytes:
    return hmac.new(key, of, hashlib.sha256).digest()


def ask(heard: bytearray, command: dict[str, Any]) -> ProtocolScript:
    """Send a command; return its answer."""
    heard += yield message(command)
    return (yield from answer(heard))
