"""AMQP 0-9-1 without I/O, as far as emptying queues needs it: what a broker's `reset` says.

RabbitMQ's kind names it; `local` carries it out. It never declares or deletes anything.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Generator, Iterable

from tarmac.launch import Secret, Text, text
from tarmac.stores._dialogue import Refused
from tarmac.stores._kind import Conversation, Dialogue, View

HEADER = b"AMQP\x00\x00\x09\x01"
_METHOD, _HEARTBEAT, _END = 1, 8, 0xCE
#: Class and method of what is said and heard here.
_START, _START_OK = (10, 10), (10, 11)
_TUNE, _TUNE_OK = (10, 30), (10, 31)
_OPEN, _OPEN_OK = (10, 40), (10, 41)
_CHANNEL_OPEN, _CHANNEL_OPEN_OK = (20, 10), (20, 11)
_PURGE, _PURGE_OK = (50, 30), (50, 31)

Frame = tuple[tuple[int, int], bytes]


def purging(
    port: str, admin: str, vhost: str, queues: Callable[[View], Iterable[str]]
) -> Conversation:
    """Put a broker back: each of its queues is emptied of what nobody has in hand."""

    def nothing_to_keep(_: View) -> Dialogue:
        return ()
        yield b""

    return Conversation(
        port, nothing_to_keep, lambda view, _: _purge(view, admin, vhost, queues(view))
    )


def _purge(view: View, admin: str, vhost: str, queues: Iterable[str]) -> Dialogue:
    heard = bytearray()
    yield from _ask(heard, HEADER, _START)
    limits = yield from _ask(heard, _hello(admin, view.admin), _TUNE)
    # Its own limits of channels and frames; no heartbeats.
    ready = _frame(0, _TUNE_OK, limits[:6] + b"\0\0")
    ready += _frame(0, _OPEN, _short(vhost) + b"\x00\x00")
    yield from _ask(heard, ready, _OPEN_OK)
    yield from _ask(heard, _frame(1, _CHANNEL_OPEN, b"\x00"), _CHANNEL_OPEN_OK)
    for queue in queues:
        yield from _ask(heard, _frame(1, _PURGE, b"\0\0" + _short(queue) + b"\0"), _PURGE_OK)


def _hello(admin: str, password: Secret) -> Text:
    """Say who one is. A secret's text has a known length; each character stands for a byte."""
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
        raise Refused(reason.decode("utf-8", "replace") or f"method {method}, not {awaited}")
    return arguments


def _method(heard: bytearray) -> Generator[Text | bytes, bytes, Frame]:
    """Read the next frame that says something."""
    while True:
        while len(heard) < 7 or len(heard) < 8 + struct.unpack_from("!I", heard, 3)[0]:
            if heard[:4] == b"AMQP":
                raise Refused("it speaks another version of AMQP")
            heard += yield b""
        kind, _, size = struct.unpack_from("!BHI", heard)
        payload = bytes(heard[7 : 7 + size])
        del heard[: 8 + size]
        if kind != _HEARTBEAT:
            return struct.unpack_from("!HH", payload), payload[4:]
