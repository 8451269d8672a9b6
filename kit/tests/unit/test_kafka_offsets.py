"""Where a group stands in a partition, as the next one who has it reads it."""

from __future__ import annotations

import importlib.util
import random

import pytest

from tarmac_kit.bus import make_bus
from tarmac_kit.bus.kafka import _connection
from tarmac_kit.bus.offsets import LONGEST, Offsets
from tarmac_kit.settings import SettingsError


def began(offsets: Offsets, *messages: int) -> list[int]:
    return [offsets.begin(message) for message in messages if offsets.take(message)]


def taken_over(offsets: Offsets) -> Offsets:
    return Offsets(offsets.first, offsets.note())


def test_the_first_that_is_not_handled_is_where_the_group_stands():
    offsets = Offsets(10)
    assert began(offsets, 10, 11, 12) == [1, 1, 1]
    assert offsets.first == 10
    offsets.finish(11)
    assert offsets.first == 10
    offsets.finish(10)
    assert offsets.first == 12
    offsets.finish(12)
    assert (offsets.first, offsets.note()) == (13, "")


def test_who_takes_over_gets_what_was_in_hand_as_a_second_time_and_nothing_that_was_handled():
    offsets = Offsets(10)
    began(offsets, *range(10, 20))
    for handled in (11, 12, 15, 19):
        offsets.finish(handled)
    assert offsets.note() == "10:0x1,3x1,1x1,2x1,1x1,1x1"
    after = taken_over(offsets)
    fetched = [offset for offset in range(10, 23) if after.take(offset)]
    assert fetched == [10, 13, 14, 16, 17, 18, 20, 21, 22]
    assert [after.begin(offset) for offset in fetched] == [2, 2, 2, 2, 2, 2, 1, 1, 1]


def test_who_takes_over_and_dies_before_it_has_fetched_everything_leaves_the_rest_as_it_was():
    offsets = Offsets(0)
    began(offsets, *range(8))
    for handled in (3, 4, 7):
        offsets.finish(handled)
    second = taken_over(offsets)
    assert began(second, 0, 1) == [2, 2]
    second.finish(0)
    third = taken_over(second)
    fetched = [offset for offset in range(9) if offset >= third.first and third.take(offset)]
    assert fetched == [1, 2, 5, 6, 8]
    assert [third.begin(offset) for offset in fetched] == [3, 2, 2, 2, 1]


def test_what_is_still_handled_here_when_a_partition_comes_back_is_not_taken_again():
    offsets = Offsets(5, "", in_flight=[3, 6])
    assert [offset for offset in (5, 6, 7) if offsets.take(offset)] == [5, 7]
    offsets.finish(5)
    offsets.finish(7)
    assert offsets.first == 6
    offsets.finish(6)
    assert offsets.first == 8


def test_what_ends_before_it_is_fetched_again_is_not_taken():
    offsets = Offsets(5, "", in_flight=[6])
    offsets.finish(6)
    assert [offset for offset in (5, 6, 7) if offsets.take(offset)] == [5, 7]


def test_offsets_that_the_broker_leaves_out_hold_nothing_up():
    offsets = Offsets(0)
    began(offsets, 500, 503)
    offsets.finish(503)
    assert offsets.first == 500
    offsets.finish(500)
    assert offsets.first == 504


@pytest.mark.parametrize("note", ["", "x", "another program's", "5:a,b", "9:0x,1", ":", "-3:"])
def test_a_note_of_another_program_is_none(note):
    assert began(Offsets(4, note), 4, 5) == [1, 1]


def test_a_note_is_never_longer_than_the_broker_takes_and_nothing_is_lost_by_it():
    offsets = Offsets(0)
    began(offsets, *range(4000))
    for handled in range(1, 4000, 2):
        offsets.finish(handled)
    assert len(offsets.note()) <= LONGEST + 16
    after = taken_over(offsets)
    fetched = {offset for offset in range(4000) if after.take(offset)}
    assert fetched >= set(range(0, 4000, 2))
    assert len(fetched) < 4000


@pytest.mark.parametrize("seed", range(20))
def test_through_any_number_of_hands_each_message_is_handled_once(seed):
    order = random.Random(seed)
    offsets, end, handled = Offsets(0), 300, []
    while offsets.first < end:
        # A partition is read in order, from where the group stands.
        reach = order.randint(offsets.first + 1, end)
        in_hand = [offset for offset in range(offsets.first, reach) if offsets.take(offset)]
        order.shuffle(in_hand)
        for offset in in_hand[: order.randint(0, len(in_hand))]:
            offsets.begin(offset)
            offsets.finish(offset)
            handled.append(offset)
        offsets = taken_over(offsets)
    assert sorted(handled) == list(range(end))


def test_the_url_says_how_to_log_in_and_whether_by_tls():
    plain = _connection("kafka://order_service:p%40ss@127.0.0.1:9999")
    assert plain == {
        "bootstrap_servers": "127.0.0.1:9999",
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": "order_service",
        "sasl_plain_password": "p@ss",
    }
    assert _connection("kafka://h") == {
        "bootstrap_servers": "h:9092",
        "security_protocol": "PLAINTEXT",
    }
    several = _connection("kafka://u:p@a:1,b,c:3")
    assert several["bootstrap_servers"] == "a:1,b:9092,c:3"
    secure = _connection("kafkas://u:p@h?mechanism=SCRAM-SHA-512")
    assert secure.pop("ssl_context").check_hostname
    assert secure["security_protocol"] == "SASL_SSL"
    assert secure["sasl_mechanism"] == "SCRAM-SHA-512"
    assert secure["bootstrap_servers"] == "h:9093"


def test_without_its_client_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    found = importlib.util.find_spec

    def without(name: str, package: str | None = None):
        return None if name == "aiokafka" else found(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(SettingsError, match=r"orders: .*kafka://.*tarmac-kit\[kafka\]"):
        make_bus("kafka://u:p@h:1", service="orders")
