"""What stores offer on servers that Terraform or Pulumi makes; `plan.bindings` asks it.

Only where such a server stands and its passwords are not known before: these are secrets, all else
is plain.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tarmac.base.launch import Secret, ServerSecret, Text, text

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import StoreContext, StoreKind, User

PLACEHOLDER = re.compile(r"(\{\w+\})")


def server_host(server: str) -> Secret:
    """Name where a server stands that Terraform or Pulumi makes: they write it down."""
    return Secret.of(ServerSecret(server, "host"))


def made_outputs(kind: StoreKind, context: StoreContext, user: User) -> dict[str, Text]:
    """Compute what a store on a server that Terraform or Pulumi makes offers to one user.

    Only the host and the password are known once it is made; all else is said here.
    """
    url = kind.managed[context.server].url
    host, port = server_host(context.server), str(next(iter(kind.external.values())))
    has_users = "{user}" in url
    parts: dict[str, Text] = {
        "user": text(user.role) if has_users else (),
        "password": (user.password,) if has_users else (),
        "host": (host,),
        "port": text(port),
        "database": text(context.database),
    }
    pieces = PLACEHOLDER.split(url)
    whole = text(*(parts[piece[1:-1]] if piece[:1] == "{" else piece for piece in pieces if piece))
    offered = {**parts, "url": whole, "address": text(host, f":{port}")}
    return {name: value for name, value in offered.items() if name in kind.outputs}
