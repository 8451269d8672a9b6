"""Memcached's text protocol without I/O: what its `reset` and its `statistics` say."""

from __future__ import annotations

from tarmac.catalog.stores.kind import (
    ProtocolScript,
    Statistic,
    StoreContext,
    StoreReset,
    StoreStatistics,
)
from tarmac.catalog.stores.protocols.dialogue import CommandRejected, no_snapshot, read_line
from tarmac.catalog.stores.protocols.statistics import hit_share


def emptying(port: str, admin: str) -> StoreReset:
    """Put a cache back: it forgets everything."""
    return StoreReset(
        port, no_snapshot, lambda context, _: _flush(context, admin), "the cache is emptied"
    )


def of_cache(port: str, admin: str) -> StoreStatistics:
    """Ask a cache for its `stats`."""
    return StoreStatistics(port, lambda context: _statistics(context, admin))


def _flush(context: StoreContext, admin: str) -> ProtocolScript:
    """Delete all keys."""
    heard = bytearray()
    yield from _log_in(heard, context, admin)
    yield from _told(heard, b"flush_all\r\n", b"OK")


def _log_in(heard: bytearray, context: StoreContext, admin: str) -> ProtocolScript:
    login = f"{admin} ".encode() + (yield context.admin)
    yield from _told(heard, b"set login 0 0 %d\r\n%s\r\n" % (len(login), login), b"STORED")


def _told(heard: bytearray, said: bytes, expected: bytes) -> ProtocolScript:
    heard += yield said
    answer = yield from read_line(heard)
    if answer != expected:
        raise CommandRejected(answer.decode("latin-1"))


def _statistics(context: StoreContext, admin: str) -> ProtocolScript:
    heard = bytearray()
    yield from _log_in(heard, context, admin)
    heard += yield b"stats\r\n"
    said: dict[str, str] = {}
    while (line := (yield from read_line(heard)).decode("latin-1")) != "END":
        _, name, value = line.split(" ", 2)
        said[name] = value
    return [
        Statistic("keys", float(said["curr_items"])),
        Statistic("memory", float(said["bytes"]), "bytes"),
        Statistic("connections", float(said["curr_connections"])),
        *hit_share(float(said["get_hits"]), float(said["get_misses"])),
        Statistic("evicted keys", float(said["evictions"])),
    ]
