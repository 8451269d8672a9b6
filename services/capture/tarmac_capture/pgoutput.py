"""Decodes the messages of `pgoutput`, PostgreSQL's own logical decoding plugin, protocol 1.

Called by the capture service for each message of the stream. Layouts are those of PostgreSQL's
documentation, "Logical Replication Message Formats". It keeps no state and reads nothing.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

#: PostgreSQL counts microseconds from 2000-01-01.
_EPOCH_US = 946_684_800_000_000

_LSN_TIME_XID = struct.Struct("!QQI")
_LSN_LSN_TIME = struct.Struct("!QQQ")
_U32 = struct.Struct("!I")
_U16 = struct.Struct("!H")
_TYPE_AND_MODIFIER = struct.Struct("!Ii")


class UnchangedValue:
    """The type of UNCHANGED."""

    def __repr__(self) -> str:
        return "UNCHANGED"


#: Stands for a value out of line (TOAST) that an update left as it was: it is not in the log.
UNCHANGED = UnchangedValue()

#: A row's values as PostgreSQL writes them as text, in the order of its relation's columns.
Row = tuple[str | UnchangedValue | None, ...]


class ProtocolError(Exception):
    """A message of the stream is not what protocol 1 allows."""


@dataclass(frozen=True)
class Column:
    """One column of a table."""

    name: str
    type_oid: int
    #: The type's own detail: a timestamp's digits, a text's length; -1 for none.
    modifier: int
    #: Whether it is part of what identifies a row.
    key: bool


@dataclass(frozen=True)
class Relation:
    """A table, sent before its first change and again when it has changed."""

    oid: int
    schema: str
    name: str
    #: The replica identity: d(efault), n(othing), f(ull), i(ndex).
    identity: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Begin:
    """A committed transaction begins; its changes follow, then its Commit."""

    #: The position of the commit.
    lsn: int
    #: When it was committed, in microseconds since 1970.
    committed_at_us: int
    xid: int


@dataclass(frozen=True)
class Commit:
    """All of a transaction was sent."""

    lsn: int
    #: The position after it: confirming this one confirms the transaction.
    end_lsn: int


@dataclass(frozen=True)
class RowChange:
    """A row was inserted (c), updated (u) or deleted (d)."""

    op: str
    relation: int
    before: Row | None
    after: Row | None
    #: Whether `before` holds the identifying columns only.
    before_is_key: bool = False


@dataclass(frozen=True)
class Truncate:
    """Tables were emptied at once."""

    relations: tuple[int, ...]


Event = Begin | Relation | RowChange | Truncate | Commit


def decode(message: bytes) -> Event | None:
    """Return what a message says; None for one that captures do not need (origin, type).

    Raises ProtocolError for what is cut short or unknown.
    """
    try:
        return _decode(message)
    except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
        kind = message[:1].decode("ascii", "replace")
        raise ProtocolError(
            f"pgoutput: a message of kind {kind!r} cannot be read ({error}); "
            "the server speaks another protocol than 1"
        ) from error


def _decode(message: bytes) -> Event | None:
    match message[:1]:
        case b"I":
            relation = _U32.unpack_from(message, 1)[0]
            after, _ = _row(message, 6)
            return RowChange("c", relation, None, after)
        case b"U":
            return _update(message)
        case b"D":
            relation = _U32.unpack_from(message, 1)[0]
            before, _ = _row(message, 6)
            return RowChange("d", relation, before, None, message[5:6] == b"K")
        case b"B":
            lsn, at_us, xid = _LSN_TIME_XID.unpack_from(message, 1)
            return Begin(lsn, at_us + _EPOCH_US, xid)
        case b"C":
            lsn, end_lsn, _ = _LSN_LSN_TIME.unpack_from(message, 2)
            return Commit(lsn, end_lsn)
        case b"R":
            return _relation(message)
        case b"T":
            (count,) = _U32.unpack_from(message, 1)
            return Truncate(struct.unpack_from(f"!{count}I", message, 6))
        case b"O" | b"Y" | b"M":
            return None
    raise ValueError("an unknown kind")


def _update(message: bytes) -> RowChange:
    relation = _U32.unpack_from(message, 1)[0]
    kind, at = message[5:6], 5
    before = None
    if kind in (b"K", b"O"):
        before, at = _row(message, 6)
    after, _ = _row(message, at + 1)
    return RowChange("u", relation, before, after, kind == b"K")


def _relation(message: bytes) -> Relation:
    oid = _U32.unpack_from(message, 1)[0]
    schema, at = _string(message, 5)
    name, at = _string(message, at)
    identity = chr(message[at])
    (count,) = _U16.unpack_from(message, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        key = bool(message[at] & 1)
        column, at = _string(message, at + 1)
        type_oid, modifier = _TYPE_AND_MODIFIER.unpack_from(message, at)
        at += 8
        columns.append(Column(column, type_oid, modifier, key))
    # The empty name stands for pg_catalog.
    return Relation(oid, schema or "pg_catalog", name, identity, tuple(columns))


def _string(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode(), end + 1


def _row(message: bytes, at: int) -> tuple[Row, int]:
    (count,) = _U16.unpack_from(message, at)
    at += 2
    values: list[str | UnchangedValue | None] = []
    for _ in range(count):
        kind = message[at]
        at += 1
        if kind == 0x74:  # t: text follows
            (length,) = _U32.unpack_from(message, at)
            at += 4
            if at + length > len(message):
                raise ValueError("it is cut short")
            values.append(message[at : at + length].decode())
            at += length
        elif kind == 0x6E:  # n: null
            values.append(None)
        elif kind == 0x75:  # u: unchanged
            values.append(UNCHANGED)
        else:
            raise ValueError("a value of unknown form")
    return tuple(values), at
