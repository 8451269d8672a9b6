"""Users of a store that live for a while only: a vault makes each, and takes it away at its end."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class UserLease:
    """How a vault makes such a user; `{{name}}` and `{{password}}` are for it to fill in."""

    #: What Vault calls the plugin that speaks to the server.
    plugin: str
    scheme: str
    #: Of the server's URL, what follows its port: `/DATABASE?OPTIONS`.
    path: str
    #: The user that makes the others.
    admin: str
    create: tuple[str, ...]
    revoke: tuple[str, ...]
