"""Users of stores that a vault makes for a while: what services read, and when they read it again.

A service reads the whole URL from a file, which is renewed while it runs; a variable would not be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tarmac.base.launch import LEASED, Secret, Text, text

if TYPE_CHECKING:
    from tarmac.catalog.stores.kind import StoreContext, StoreKind, User, UserLease

#: How many users a service gets in the time that one lives: so many are valid at once.
RENEWALS = 4
#: As Vault calls them.
HALVES = ("username", "password")
#: What names the user itself; only a file can hold it.
OF_USER = ("url", "user", "password")


@dataclass(frozen=True)
class PlannedLease:
    """A service's users of a store, one after the other."""

    service: str
    store: str
    made: UserLease
    #: Where a vault reaches the server, as `HOST:PORT`; empty where the cloud keeps it.
    server: str = ""


def half(store: str, service: str, which: str) -> Secret:
    """Name one half of a user."""
    return Secret(f"{LEASED}{store}/{service}/{which}")


def outputs(
    kind: StoreKind, context: StoreContext, user: User, offered: Mapping[str, Text]
) -> Mapping[str, Text]:
    """Put the user that lives for a while into what a store offers; nothing, if none does."""
    if not user.leased or kind.lease is None:
        return offered
    scheme = kind.lease(context, user).scheme
    name, password = (half(context.name, user.service, which) for which in HALVES)
    place = text("@", offered["host"], ":", offered["port"], "/", offered["database"])
    url = text(f"{scheme}://", name, ":", password, place)
    return {**offered, "url": url, "user": (name,), "password": (password,)}


def renewed_every(lease_s: float) -> float:
    """Say after how many seconds a service gets its next user."""
    return lease_s / RENEWALS
