"""The REST interface of OpenSearch's security plugin, as a dialogue without I/O."""

from __future__ import annotations

import base64
import json

from tarmac.catalog.stores.kind import ProtocolScript
from tarmac.catalog.stores.protocols.dialogue import CommandRejected, read_line
from tarmac.catalog.stores.setup.opensearch_users import ADMIN, SERVICE, SearchUsers

_PATH = "/_plugins/_security/api/internalusers"


def set_up(wanted: SearchUsers) -> ProtocolScript:
    """Write every user with its password and role, in one request; repeatable."""
    admin = (yield wanted.admin).decode()
    login = base64.b64encode(f"{ADMIN}:{admin}".encode()).decode()
    users = []
    for name, secret in wanted.users:
        password = (yield secret).decode()
        value = {"password": password, "backend_roles": [SERVICE]}
        users.append({"op": "add", "path": f"/{name}", "value": value})
    if not users:
        return
    body = json.dumps(users).encode()
    head = (
        f"PATCH {_PATH} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Authorization: Basic {login}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    heard = bytearray((yield head.encode() + body))
    line = yield from read_line(heard)
    if line.split(b" ")[1:2] != [b"200"]:
        raise CommandRejected(line.decode("latin-1"))
