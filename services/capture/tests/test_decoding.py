"""pgoutput's messages, values and records: decoded from bytes, without a server."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac_capture import pgoutput
from tarmac_capture.pgoutput import UNCHANGED, Begin, Column, Commit, Relation, RowChange, Truncate
from tarmac_capture.records import (
    BadRecord,
    CaptureSource,
    TableFacts,
    TransactionInfo,
    change_messages,
    outbox_message,
    snapshot_message,
    table_of,
)
from tarmac_capture.stream import lsn_of
from tarmac_capture.values import UnsupportedType, array, converter, unavailable
from tarmac_kit.capture_names import slot_of
from tarmac_kit.capture_owner import CaptureOwner
from tarmac_kit.database import Database

PLACE = CaptureSource("trips", "trip")
MOMENT = TransactionInfo(lsn=0x10, at_us=1_700_000_000_123_456, xid=7)
TEXT, INT, BYTEA, JSONB, UUID, TEXTS, POINT = 25, 23, 17, 3802, 2950, 1009, 600


def row(*values: str | None) -> bytes:
    """Encode a row; "~" stands for an unchanged value."""
    parts = [struct.pack("!H", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif value == "~":
            parts.append(b"u")
        else:
            parts.append(b"t" + struct.pack("!I", len(value.encode())) + value.encode())
    return b"".join(parts)


def relation(*columns: Column, identity: str = "d", name: str = "things") -> Relation:
    return Relation(5, "public", name, identity, columns)


ID = Column("id", INT, -1, key=True)
NAME = Column("name", TEXT, -1, key=False)


def test_the_messages_of_a_transaction_are_read():
    moment_us = 1_700_000_000_000_000
    since_2000 = moment_us - 946_684_800_000_000
    assert pgoutput.decode(b"B" + struct.pack("!QQI", 9, since_2000, 3)) == Begin(9, moment_us, 3)
    described = b"R" + struct.pack("!I", 5) + b"public\0things\0d" + struct.pack("!H", 2)
    described += (
        b"\1id\0" + struct.pack("!Ii", INT, -1) + b"\0name\0" + struct.pack("!Ii", TEXT, -1)
    )
    assert pgoutput.decode(described) == relation(ID, NAME)
    five = struct.pack("!I", 5)
    inserted = pgoutput.decode(b"I" + five + b"N" + row("1", "ü"))
    assert inserted == RowChange("c", 5, None, ("1", "ü"))
    plain = pgoutput.decode(b"U" + five + b"N" + row("1", None))
    assert plain == RowChange("u", 5, None, ("1", None))
    keyed = pgoutput.decode(b"U" + five + b"K" + row("1", None) + b"N" + row("2", "~"))
    assert keyed == RowChange("u", 5, ("1", None), ("2", UNCHANGED), before_is_key=True)
    full = pgoutput.decode(b"U" + five + b"O" + row("1", "a") + b"N" + row("1", "b"))
    assert full == RowChange("u", 5, ("1", "a"), ("1", "b"))
    assert pgoutput.decode(b"D" + five + b"O" + row("1", "a")) == RowChange(
        "d", 5, ("1", "a"), None
    )
    emptied = b"T" + struct.pack("!I", 2) + b"\0" + struct.pack("!II", 5, 6)
    assert pgoutput.decode(emptied) == Truncate((5, 6))
    assert pgoutput.decode(b"C\0" + struct.pack("!QQQ", 9, 11, since_2000)) == Commit(9, 11)
    assert pgoutput.decode(b"O" + bytes(8) + b"other\0") is None


#: What a message of each kind is read as; the kinds that captures do not need are nothing.
READ_AS = {
    b"B": pgoutput.Begin,
    b"C": Commit,
    b"R": pgoutput.Relation,
    b"T": Truncate,
    b"I": RowChange,
    b"U": RowChange,
    b"D": RowChange,
    **{kind: type(None) for kind in (b"O", b"Y", b"M")},
}


@given(st.sampled_from([b"", b"X", *READ_AS]), st.binary(max_size=200))
def test_whatever_comes_it_is_read_as_its_kind_or_refused_by_that(kind, rest):
    message = kind + rest
    try:
        event = pgoutput.decode(message)
    except pgoutput.ProtocolError as error:
        assert repr(message[:1].decode("ascii", "replace")) in str(error)  # noqa: PT017 - or read
        assert message[:1] not in (b"O", b"Y", b"M")
    else:
        assert type(event) is READ_AS[message[:1]]


@given(st.lists(st.one_of(st.none(), st.text()), min_size=1))
def test_an_arrays_text_gives_back_its_elements(elements):
    def quoted(element: str | None) -> str:
        if element is None:
            return "NULL"
        escaped = element.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'

    text = "{" + ",".join(map(quoted, elements)) + "}"
    assert array(text, str) == elements


@pytest.mark.parametrize(
    ("oid", "modifier", "text", "value"),
    [
        (16, -1, "t", True),
        (20, -1, "9007199254740993", 9007199254740993),
        (701, -1, "-Infinity", "-Infinity"),
        (1700, -1, "NaN", "NAN"),
        (1082, -1, "1969-12-31", -1),
        (1083, 3, "03:04:05.12", 11_045_120),
        (1114, -1, "2026-01-02 03:04:05.1", 1_767_323_045_100_000),
        (1114, 0, "1969-12-31 23:59:59", -1000),
        (1184, -1, "2026-01-02 03:04:05+00", "2026-01-02T03:04:05.000000Z"),
        (1184, 2, "2026-01-02 03:04:05.1+00", "2026-01-02T03:04:05.10Z"),
        (1184, 0, "2026-01-02 03:04:05+00", "2026-01-02T03:04:05Z"),
        (1266, -1, "00:30:00+05:30", "19:00:00Z"),
        (1266, -1, "23:00:00.5-02", "01:00:00.5Z"),
        (BYTEA, -1, "\\x00ff", "AP8="),
        (1007, -1, "[0:1]={1,2}", [1, 2]),
        (1007, -1, "{{1,2},{3,NULL}}", [[1, 2], [3, None]]),
        (1007, -1, "{}", []),
    ],
)
def test_a_value_is_written_as_debezium_writes_it(oid, modifier, text, value):
    convert = converter(oid, modifier)
    assert convert is not None
    assert convert(text) == value


@pytest.mark.parametrize(
    ("oid", "text"), [(1082, "0044-03-15 BC"), (1184, "infinity"), (1083, "noon"), (1266, "noon")]
)
def test_a_value_that_has_no_such_form_is_refused(oid, text):
    convert = converter(oid)
    assert convert is not None
    with pytest.raises(UnsupportedType, match=text.partition(" ")[0]):
        convert(text)


def test_a_type_that_is_not_known_is_refused_by_name_before_any_row_comes():
    with pytest.raises(UnsupportedType, match=r"public\.things\.at: .*oid 600"):
        table_of(relation(ID, Column("at", POINT, -1, key=False)), TableFacts(), PLACE)


def test_an_enumeration_is_the_text_that_it_is_written_as():
    table = table_of(
        relation(ID, Column("mood", 99_999, -1, key=False)), TableFacts((), {99_999: 25}), PLACE
    )
    (message,) = change_messages(table, RowChange("c", 5, None, ("1", "calm")), MOMENT, 1)
    assert message.payload["after"] == {"id": 1, "mood": "calm"}


def test_a_change_becomes_an_envelope_whose_id_is_the_same_each_time():
    table = table_of(relation(ID, NAME), TableFacts(("id",)), PLACE)
    change = RowChange("u", 5, None, ("1", "b"))
    (message,) = change_messages(table, change, MOMENT, 4)
    assert message.topic == "trip.public.things"
    assert message.key == '{"id":1}'
    assert message.payload == {
        "before": None,
        "after": {"id": 1, "name": "b"},
        "source": {
            "connector": "postgresql",
            "name": "trip",
            "ts_ms": 1_700_000_000_123,
            "snapshot": "false",
            "db": "trips",
            "schema": "public",
            "table": "things",
            "txId": 7,
            "lsn": 16,
        },
        "op": "u",
        "ts_ms": 1_700_000_000_123,
    }
    assert change_messages(table, change, MOMENT, 4) == (message,)
    assert change_messages(table, change, MOMENT, 5)[0].id != message.id


def test_another_key_is_one_row_gone_and_one_made():
    table = table_of(relation(ID, NAME), TableFacts(("id",)), PLACE)
    change = RowChange("u", 5, ("1", None), ("2", "b"), before_is_key=True)
    gone, made = change_messages(table, change, MOMENT, 1)
    assert (gone.key, gone.payload["op"], gone.payload["after"]) == ('{"id":1}', "d", None)
    assert (made.key, made.payload["op"], made.payload["before"]) == ('{"id":2}', "c", None)
    assert gone.id != made.id


def test_an_update_of_a_table_with_its_full_old_row_keeps_one_message():
    table = table_of(relation(ID, NAME, identity="f"), TableFacts(("id",)), PLACE)
    (message,) = change_messages(table, RowChange("u", 5, ("1", "a"), ("1", UNCHANGED)), MOMENT, 1)
    assert message.payload["before"] == message.payload["after"] == {"id": 1, "name": "a"}


def test_a_table_without_a_key_has_messages_without_one():
    table = table_of(relation(ID, NAME, identity="f"), TableFacts(), PLACE)
    assert snapshot_message(table, ("1", "a"), MOMENT).key == ""
    keyed = table_of(relation(ID, NAME), TableFacts(), PLACE)
    message = snapshot_message(keyed, ("1", "a"), TransactionInfo(1, 0, snapshot=True))
    assert (message.key, message.payload["op"]) == ('{"id":1}', "r")
    assert message.payload["source"]["snapshot"] == "true"


def test_what_the_log_does_not_hold_is_named_in_the_columns_own_type():
    assert unavailable(TEXT) == "__debezium_unavailable_value"
    assert unavailable(TEXTS) == ["__debezium_unavailable_value"]
    assert unavailable(BYTEA) == "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="


def test_a_row_that_cannot_be_written_says_where_it_is():
    table = table_of(relation(ID, Column("d", 1082, -1, key=False)), TableFacts(), PLACE)
    with pytest.raises(BadRecord, match=r"public\.things\.d: .*infinity"):
        snapshot_message(table, ("1", "infinity"), MOMENT)


OUTBOX = relation(
    Column("id", UUID, -1, key=True),
    Column("aggregateid", TEXT, -1, key=False),
    Column("type", TEXT, -1, key=False),
    Column("payload", JSONB, -1, key=False),
    Column("headers", JSONB, -1, key=False),
    Column("published_at", 1184, -1, key=False),
    name="outbox",
)


def test_an_outbox_row_is_the_event_that_was_written():
    table = table_of(OUTBOX, TableFacts(("id",)), PLACE)
    message = outbox_message(table, ("i", "o1", "order.placed", '{"n": 1}', '{"a": "b"}', None))
    assert message is not None
    assert (message.id, message.topic, message.key) == ("i", "order.placed", "o1")
    assert (message.payload, message.headers) == ({"n": 1}, {"a": "b"})


def test_an_outbox_row_that_was_published_before_is_no_event():
    table = table_of(OUTBOX, TableFacts(("id",)), PLACE)
    when = "2026-01-01 00:00:00+00"
    assert outbox_message(table, ("i", "o1", "order.placed", "{}", "{}", when)) is None


@pytest.mark.parametrize("bad", [None, "[1]"])
def test_an_outbox_row_without_an_object_as_its_payload_is_refused(bad):
    table = table_of(OUTBOX, TableFacts(("id",)), PLACE)
    with pytest.raises(BadRecord, match=r"public\.outbox"):
        outbox_message(table, ("i", "o1", "order.placed", bad, None, None))


def test_a_slot_is_named_after_its_database_and_a_position_is_a_number():
    assert slot_of("orders") == "tarmac_orders"
    assert slot_of("My-Orders." + "x" * 99) == ("tarmac_my_orders_" + "x" * 99)[:63]
    assert lsn_of("1/16B3748") == 0x1_016B_3748


def test_a_captured_table_that_is_no_name_is_refused_at_the_start():
    with pytest.raises(ValueError, match="CAPTURED_TABLES"):
        CaptureOwner(Database("postgresql://x"), outbox=False, tables=["things; drop table x"])
