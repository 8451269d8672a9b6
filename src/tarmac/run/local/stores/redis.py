"""Marks in a Redis and the values of its keys: what a backup of it is judged by.

A mark is a member of a set.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import unquote, urlsplit

from tarmac.base.errors import TarmacError
from tarmac.catalog.stores.contents import Rows, StoreContents, StoreMarks
from tarmac.catalog.stores.protocols.dialogue import CommandRejected, ask, command
from tarmac.run.local.stores.dialogue import converse

KEY = b"tarmac:marks"
#: A key that ends within this time may be gone after a restore without being lost.
ENDS_SOON_MS = 600_000
#: For so long no key changes, unless the server dies before.
LOCK_MS = 60_000
REFUSED = (CommandRejected, OSError, TimeoutError)
#: How the values of a type are read.
_READ: dict[bytes, tuple[bytes, ...]] = {
    b"string": (b"GET",),
    b"hash": (b"HGETALL",),
    b"list": (b"LRANGE", b"0", b"-1"),
    b"set": (b"SMEMBERS",),
    b"zset": (b"ZRANGE", b"0", b"-1", b"WITHSCORES"),
    b"stream": (b"XRANGE", b"-", b"+"),
}
#: Types whose values come in no order; a hash's come in pairs, which stay together.
_UNORDERED = {b"set": 1, b"hash": 2}

Said = Generator[Any, bytes, Any]


class KeyMarks:
    """The marks of one store, each over a connection of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def write(self, number: int) -> None:
        """Write a mark. Raises TarmacError where the store does not take it."""
        await _converse(self._url, [(b"SADD", KEY, b"%d" % number)])

    async def close(self) -> None:
        """Do nothing: no connection is open."""


async def written(url: str) -> list[int]:
    """List the marks that are there. Raises TarmacError."""
    (found,) = await _converse(url, [(b"SMEMBERS", KEY)])
    return sorted(int(number) for number in found)


async def say(url: str, commands: Iterable[str]) -> None:
    """Say commands, whose words have no spaces. Raises TarmacError."""
    await _converse(url, [tuple(line.encode().split()) for line in commands])


@asynccontextmanager
async def rows(url: str, *, locked: bool = False) -> AsyncIterator[Rows]:
    """Digest the values of all keys that do not end soon. Raises TarmacError.

    Args:
        locked: let none of them change before the end of the block.
    """
    if locked:
        await _converse(url, [(b"CLIENT", b"PAUSE", b"%d" % LOCK_MS, b"WRITE")])
    found: dict[str, frozenset[int]] = {"keys": frozenset(await _digests(url))}
    yield found


async def _digests(url: str) -> list[int]:
    (keys,) = await _converse(url, [(b"KEYS", b"*")])
    keys = [key for key in keys if key != KEY]
    asked = [(b"TYPE", key) for key in keys] + [(b"PTTL", key) for key in keys]
    answers = await _converse(url, asked)
    kinds, left = answers[: len(keys)], answers[len(keys) :]
    lasting = [
        (key, kind)
        for key, kind, ms in zip(keys, kinds, left, strict=True)
        # -1: for ever; -2: it is gone.
        if kind in _READ and (int(ms) == -1 or int(ms) > ENDS_SOON_MS)
    ]
    reads = [(_READ[kind][0], key, *_READ[kind][1:]) for key, kind in lasting]
    values = await _converse(url, reads)
    return [
        _digest(key, _ordered(kind, value))
        for (key, kind), value in zip(lasting, values, strict=True)
    ]


def _ordered(kind: bytes, value: Any) -> Any:
    if (size := _UNORDERED.get(kind)) is None:
        return value
    return sorted(tuple(value[at : at + size]) for at in range(0, len(value), size))


def _digest(key: bytes, value: Any) -> int:
    found = hashlib.blake2b(repr((key, value)).encode(), digest_size=8)
    return int.from_bytes(found.digest(), "big", signed=True)


async def _converse(url: str, commands: Sequence[tuple[bytes, ...]]) -> list[Any]:
    parts = urlsplit(url)
    login = (
        b"AUTH",
        (parts.username or "default").encode(),
        unquote(parts.password or "").encode(),
    )
    try:
        found: list[Any] = await converse(
            parts.hostname or "", parts.port or 0, _all((login, *commands)), {}
        )
    except REFUSED as error:
        where = f"{parts.hostname}:{parts.port}"
        raise TarmacError(f"{where}: {str(error) or type(error).__name__}") from None
    return found[1:]


def _all(commands: Iterable[tuple[bytes, ...]]) -> Said:
    heard = bytearray()
    found: list[Any] = []
    for parts in commands:
        found += [(yield from ask(heard, command(*parts)))]
    return found


CONTENTS = StoreContents(say=say, marks=StoreMarks(KeyMarks, written, rows))
