"""Changes of rows into messages: an outbox row's event, or Debezium's envelope of a table's change.

Called by the capture service. The same change gives the same message, its id included, however
often it is read: consumers tell a repeat by it. It reads nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from tarmac_capture.pgoutput import UNCHANGED, Relation, Row, RowChange
from tarmac_capture.values import Convert, UnsupportedType, converter, unavailable
from tarmac_kit.jsons import dumps
from tarmac_kit.messages import Message

#: What an outbox row must have; `headers` and `published_at` may be absent.
OUTBOX_COLUMNS = ("id", "aggregateid", "type", "payload")


class BadRecord(Exception):
    """A row cannot become a message; the text says which and what to do."""


@dataclass(frozen=True)
class TableFacts:
    """What the database's catalogue knows of a table and its log does not say."""

    #: Names in the key's order; empty for a table without one.
    primary_key: tuple[str, ...] = ()
    #: Enumerations and domains: their oid and that of the type that they are written as.
    bases: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class CaptureSource:
    """Which database the changes are of, and how their topics begin."""

    database: str
    prefix: str


@dataclass(frozen=True)
class TransactionInfo:
    """The transaction, or the snapshot, that a change belongs to."""

    lsn: int
    at_us: int
    xid: int | None = None
    snapshot: bool = False


@dataclass(frozen=True)
class CapturedTable:
    """A table, ready to have its rows converted."""

    relation: Relation
    topic: str
    names: tuple[str, ...]
    converts: tuple[Convert, ...]
    #: Where the key's columns stand, in the key's order.
    key: tuple[int, ...]
    place: CaptureSource


def table_of(relation: Relation, facts: TableFacts, place: CaptureSource) -> CapturedTable:
    """Return the table, with a converter for each column.

    Raises UnsupportedType for a column whose type is not captured.
    """
    converts = []
    for column in relation.columns:
        found = converter(facts.bases.get(column.type_oid, column.type_oid), column.modifier)
        if found is None:
            raise UnsupportedType(
                f"{relation.schema}.{relation.name}.{column.name}: its type (oid "
                f"{column.type_oid}) cannot be captured; take the table out of CAPTURED_TABLES, "
                "or keep the value as text"
            )
        converts.append(found)
    names = tuple(column.name for column in relation.columns)
    if facts.primary_key:
        key = tuple(names.index(name) for name in facts.primary_key if name in names)
    elif relation.identity == "f":
        key = ()  # every column is marked: no key
    else:
        key = tuple(at for at, column in enumerate(relation.columns) if column.key)
    topic = f"{place.prefix}.{relation.schema}.{relation.name}"
    return CapturedTable(relation, topic, names, tuple(converts), key, place)


def outbox_message(table: CapturedTable, row: Row) -> Message | None:
    """Return an outbox row's event; None for a row that was written as published (restored).

    Raises BadRecord for a row that the outbox's columns do not fit.
    """
    found = dict(zip(table.names, row, strict=True))
    where = f"{table.relation.schema}.{table.relation.name}"
    missing = [name for name in OUTBOX_COLUMNS if not isinstance(found.get(name), str)]
    if missing:
        raise BadRecord(f"{where}: an event has no {missing[0]}; write one into each row")
    if found.get("published_at") is not None:
        return None
    payload = json.loads(str(found["payload"]))
    headers = json.loads(str(found.get("headers") or "{}"))
    if not isinstance(payload, dict) or not isinstance(headers, dict):
        raise BadRecord(f"{where}: the event {found['id']} has a payload that is no JSON object")
    return Message(
        id=str(found["id"]),
        topic=str(found["type"]),
        key=str(found["aggregateid"]),
        payload=payload,
        headers={name: str(value) for name, value in headers.items()},
    )


def change_messages(
    table: CapturedTable, change: RowChange, moment: TransactionInfo, number: int
) -> tuple[Message, ...]:
    """Return the envelopes of one change: two when an update gives the row another key.

    Args:
        number: the change's place in its transaction, which makes its id.
    """
    before = None
    if change.before is not None and (change.op == "d" or not change.before_is_key):
        before = _values(table, change.before)
    after = None if change.after is None else _values(table, change.after, change.before)
    if change.op == "u" and change.before is not None and change.after is not None:
        old, new = _key_texts(table, change.before), _key_texts(table, change.after)
        if old != new:
            gone = _values(table, change.before)
            return (
                _message(table, "d", gone, None, moment, f"{number}d"),
                _message(table, "c", None, after, moment, f"{number}c"),
            )
    return (_message(table, change.op, before, after, moment, str(number)),)


def snapshot_message(table: CapturedTable, row: Row, moment: TransactionInfo) -> Message:
    """Return the envelope of a row as a snapshot found it: op `r`."""
    return _message(table, "r", None, _values(table, row), moment, "r")


def _key_texts(table: CapturedTable, row: Row) -> tuple[object, ...]:
    return tuple(row[at] for at in table.key)


def _values(table: CapturedTable, row: Row, before: Row | None = None) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for at, (name, text) in enumerate(zip(table.names, row, strict=True)):
        found = text
        if found is UNCHANGED and before is not None:
            # With REPLICA IDENTITY FULL the old row has it.
            found = before[at] if before[at] is not None else UNCHANGED
        if found is None:
            values[name] = None
        elif isinstance(found, str):
            try:
                values[name] = table.converts[at](found)
            except UnsupportedType as error:
                place = f"{table.relation.schema}.{table.relation.name}.{name}"
                raise BadRecord(f"{place}: {error}; correct the row") from None
        else:
            values[name] = unavailable(table.relation.columns[at].type_oid)
    return values


def _message(
    table: CapturedTable,
    op: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    moment: TransactionInfo,
    mark: str,
) -> Message:
    row = after if after is not None else before
    key = {table.names[at]: (row or {}).get(table.names[at]) for at in table.key}
    at_ms = moment.at_us // 1000
    payload = {
        "before": before,
        "after": after,
        "source": {
            "connector": "postgresql",
            "name": table.place.prefix,
            "ts_ms": at_ms,
            "snapshot": "true" if moment.snapshot else "false",
            "db": table.place.database,
            "schema": table.relation.schema,
            "table": table.relation.name,
            "txId": moment.xid,
            "lsn": moment.lsn,
        },
        "op": op,
        "ts_ms": at_ms,
    }
    text = dumps(key) if key else ""
    return Message(
        id=str(_id(table, moment, f"{mark}:{text}")), topic=table.topic, key=text, payload=payload
    )


def _id(table: CapturedTable, moment: TransactionInfo, mark: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"{table.place.database}:{table.topic}:{moment.lsn:x}:{mark}")
