"""Adds a store to what was found; several lessons ask."""

from __future__ import annotations

from dataclasses import replace

from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Store, Survey


def with_store(found: Survey, server: servers.Server) -> tuple[Survey, Store, bool]:
    """Find the store of a kind, or add one; the last part tells whether it is new."""
    known = [found.broker] if found.broker else []
    for store in (*found.stores, *known):
        if store.kind == server.kind:
            return found, store, False
    name = server.shows.store_name or server.kind
    taken = {s.name for s in found.services} | {store.name for store in found.stores}
    store = Store(f"{name}-store" if name in taken else name, server.kind)
    if server.broker:
        return replace(found, broker=store), store, True
    return replace(found, stores=(*found.stores, store)), store, True


def changed_store(found: Survey, store: Store) -> Survey:
    """Put a store in the place of the one with its name."""
    if found.broker and found.broker.name == store.name:
        return replace(found, broker=store)
    stores = tuple(store if s.name == store.name else s for s in found.stores)
    return replace(found, stores=stores)
