"""AMQP 0-9-1 without I/O, as far as emptying and counting queues needs it.

RabbitMQ's kind names it; `local` carries it out. It never declares or deletes anything.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable

from tarmac.base.launch import Secret, Text, text
from tarmac.catalog.stores.kind import (
    ProtocolScript,
    Statistic,
    StoreContext,
    StoreReset,
    StoreStatistics,
)
from tarmac.catalog.stores.protocols.dialogue import CommandRejected

HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD, _HEARTBEAT, _END = 1, 8, 0xCE
#: Class and method of the frames that are sent and received here.
_START, _START_OK = (10, 10), (10, 11)
_TUNE, _TUNE_OK = (10, 30), (10, 31)
_OPEN, _OPEN_OK = (10, 40), (10, 41)
_CHANNEL_OPEN, _CHANNEL_OPEN_OK = (20, 10), (20, 11)
_DECLARE, _DECLARE_OK = (50, 10), (50, 11)
_PURGE, _PURGE_OK = (50, 30), (50, 31)
#: Asks for a queue without making it.
_PASSIVE = b"\x01"

Frame = tuple[tuple[int, int], bytes]


def purging(
    port: str, admin: str, vhost: str, queues: Callable[[StoreContext], Iterable[str]]
) -> StoreReset:
    """Reset a broker: each of its queues is emptied, but for messages in flight."""

    def nothing_to_keep(_: StoreContext) -> ProtocolScript:
        return ()
        yield b""

    return StoreReset(
        port,
        nothing_to_keep,
        lambda context, _: _purge(context, admin, vhost, queues(context)),
        "the queues of the topics are emptied; queues stay",
    )


def counting(
    port: str, admin: str, vhost: str, queues: Callable[[StoreContext], Iterable[str]]
) -> StoreStatistics:
    """Ask a broker how many messages wait in each of its queues."""
    return StoreStatistics(
        port, lambda context: _counts(context, admin, vhost, list(queues(context)))
    )


def _counts(context: StoreContext, admin: str, vhost: str, queues: list[str]) -> ProtocolScript:
    heard = bytearray()
    yield from _open_channel(heard, context, admin, vhost)
    found = []
    for queue in queues:
        asked = _frame(1, _DECLARE, b"\0\0" + _short(queue) + _PASSIVE + b"\0\0\0\0")
        answer = yield from _ask(heard, asked, _DECLARE_OK)
        messages, _ = struct.unpack("!II", answer[1 + answer[0] :])
        found.append(Statistic(f"waiting in {queue}", messages))
    return [
        Statistic("queues", len(queues)),
        Statistic("messages", sum(one.value for one in found)),
        *found,
    ]


def _purge(context: StoreContext, admin: str, vhost: str, queues: Iterable[str]) -> ProtocolScript:
    heard = bytearray()
    yield from _open_channel(heard, context, admin, vhost)
    for queue in queues:
        yield from _ask(heard, _frame(1, _PURGE, b"\0\0" + _short(queue) + b"\0"), _PURGE_OK)


def _open_channel(
    heard: bytearray, context: StoreContext, admin: str, vhost: str
) -> ProtocolScript:
    yield from _ask(heard, HEADER, _START)
    limits = yield from _ask(heard, _hello(admin, context.admin), _TUNE)
    # Its own limits of channels and frames; no heartbeats.
    ready = _frame(0, _TUNE_OK, limits[:6] + b"\0\0")
    ready += _frame(0, _OPEN, _short(vhost) + b"\x00\x00")
    yield from _ask(heard, ready, _OPEN_OK)
    yield from _ask(heard, _frame(1, _CHANNEL_OPEN, b"\x00"), _CHANNEL_OPEN_OK)


def _hello(admin: str, password: Secret) -> Text:
    """Log in. A secret's text has a known length; each character stands for a byte."""
    before = f"\x00{admin}\x00"
    size = len(before) + 2 * password.size_bytes
    begin = struct.pack("!HHI", *_START_OK, 0) + _short("PLAIN") + struct.pack("!I", size)
    end = _short("en_US")
    head = struct.pack("!BHI", _METHOD, 0, len(begin) + size + len(end))
    return text((head + begin).decode("latin-1"), before, password, f"{end.decode()}{_END:c}")


def _short(value: str) -> bytes:
    encoded = value.encode()
    return bytes([len(encoded)]) + encoded


def _frame(channel: int, method: tuple[int, int], arguments: bytes) -> bytes:
    payload = struct.pack("!HH", *method) + arguments
    return struct.pack("!BHI", _METHOD, channel, len(payload)) + payload + bytes([_END])


def _ask(
    heard: bytearray, said: Text | bytes, awaited: tuple[int, int]
) -> Generator[Text | bytes, bytes, bytes]:
    heard += yield said
    method, arguments = yield from _method(heard)
    if method != awaited:
        reason = arguments[3 : 3 + arguments[2]] if len(arguments) > 2 else b""
        raise CommandRejected(
            reason.decode("utf-8", "replace") or f"method {method}, not {awaited}"
        )
    return arguments


def _method(heard: bytearray) -> Generator[Text | bytes, bytes, Frame]:
    """Read the next frame that says something."""
    while True:
        while len(heard) < 7 or len(heard) < 8 + struct.unpack_from("!I", heard, 3)[0]:
            if heard[:4] == b"AMQP":
                raise CommandRejected("it speaks another version of AMQP")
            heard += yield b""
        kind, _, size = struct.unpack_from("!BHI", heard)
        payload = bytes(heard[7 : 7 + size])
        del heard[: 8 + size]
        if kind != _HEARTBEAT:
            return struct.unpack_from("!HH", payload), payload[4:]
