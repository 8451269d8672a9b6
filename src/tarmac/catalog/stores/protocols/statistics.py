"""Dialogues that ask servers what they hold and do: protocols without I/O, as in `dialogue.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tarmac.base.launch import text
from tarmac.catalog.stores.kind import ProtocolScript, Statistic, StoreContext, StoreStatistics
from tarmac.catalog.stores.protocols.dialogue import ask, greeting, reply, request


def of_keys(port: str, admin: str) -> StoreStatistics:
    """Ask a Redis for its INFO."""
    return StoreStatistics(port, lambda context: _redis(context, admin))


def of_streams(port: str, admin: str) -> StoreStatistics:
    """Ask a JetStream server for its streams, and what waits for each of their consumers."""
    return StoreStatistics(port, lambda context: _jetstream(context, admin))


def hit_share(hits: float, misses: float) -> list[Statistic]:
    """Return the share of reads that were answered from memory; nothing before the first read."""
    return [Statistic("hits", hits / (hits + misses), "share")] if hits + misses else []


def _redis(context: StoreContext, admin: str) -> ProtocolScript:
    heard = bytearray()
    yield from ask(heard, text(f"AUTH {admin} ", context.admin, "\r\nINFO\r\nDBSIZE\r\n"))
    info = (yield from reply(heard)).decode()
    keys = int((yield from reply(heard)))
    lines = (line.partition(":") for line in info.splitlines())
    said = {name: value for name, _, value in lines}

    def number(name: str) -> float:
        return float(said.get(name) or 0)

    return [
        Statistic("keys", keys),
        Statistic("memory", number("used_memory"), "bytes"),
        Statistic("connections", number("connected_clients")),
        Statistic("commands per second", number("instantaneous_ops_per_sec")),
        *hit_share(number("keyspace_hits"), number("keyspace_misses")),
        Statistic("evicted keys", number("evicted_keys")),
    ]


def _jetstream(context: StoreContext, admin: str) -> ProtocolScript:
    heard = bytearray()
    listed = yield from request(heard, "STREAM.LIST", before=greeting(context, admin))
    streams: list[Mapping[str, Any]] = listed.get("streams") or []
    found = [
        Statistic("streams", len(streams)),
        Statistic("messages", sum(stream["state"]["messages"] for stream in streams)),
        Statistic("size", sum(stream["state"]["bytes"] for stream in streams), "bytes"),
    ]
    for stream in streams:
        name = stream["config"]["name"]
        consumers = (yield from request(heard, f"CONSUMER.LIST.{name}")).get("consumers") or []
        for consumer in consumers:
            waiting = consumer["num_pending"] + consumer["num_ack_pending"]
            found.append(Statistic(f"waiting for {consumer['name']}", waiting))
    return found
