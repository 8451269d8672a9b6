"""A YAML file becomes plain data with places; whatever is wrong is said with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.errors import BadInput
from tarmac.model.document import MAX_BYTES, parse


def said(raw: bytes) -> list[str]:
    with pytest.raises(BadInput) as caught:
        parse(raw, "f.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_scalars_follow_yaml_1_2():
    text = b"a: no\nb: 08\nc: 1.5\nd: true\ne: ~\nf: '7'\ng: 1e3\nh: 2026-01-01\ni: 0x1f\nj: -3\n"
    assert parse(text, "f").data == {
        "a": "no",
        "b": 8,
        "c": 1.5,
        "d": True,
        "e": None,
        "f": "7",
        "g": 1000.0,
        "h": "2026-01-01",
        "i": "0x1f",
        "j": -3,
    }


def test_sequences_are_tuples_so_that_nothing_can_change_them():
    assert parse(b"[1, [2]]", "f").data == (1, (2,))


def test_places_count_from_one_and_lists_can_be_searched_by_name():
    document = parse(b"services:\n  web:\n    calls: [a, {b: {timeout: 2s}}]\n", "f.yaml")
    assert str(document.locate(("services", "web", "calls", "b", "timeout"))) == "f.yaml:3:30"
    assert str(document.locate(("services", "web", "calls", "a"))) == "f.yaml:3:13"
    assert str(document.locate(("services", "web"), key=True)) == "f.yaml:2:3"
    assert str(document.locate(("services", "other", "x"))) == "f.yaml:2:3"


def test_merge_keys_are_followed_and_own_keys_win():
    document = parse(b"base: &b {x: 1, y: 2}\nit: {<<: *b, y: 3}\n", "f")
    assert document.data["it"] == {"x": 1, "y": 3}


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "f.yaml:1:1: the file is empty; `tarmac schema` prints what it may hold"),
        (b"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key 'a' occurs twice; remove one of the two"),
        (b"a: \xff\n", "f.yaml:1:4: not UTF-8 (byte 0xff); save the file as UTF-8"),
        (b"a: !ruby x\n", "f.yaml:1:4: tag '!ruby' is not known; remove it"),
        (b"[1]: 2\n", "f.yaml:1:1: a key must be a plain name, not a list or a mapping"),
        (b"<<: 3\n", "f.yaml:1:5: '<<' takes an alias of a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(raw, expected):
    assert said(raw) == [expected]


def test_all_duplicate_keys_are_reported_together():
    assert len(said(b"a: 1\na: 2\nb: {c: 1, c: 2}\n")) == 2


def test_broken_yaml_names_the_line():
    (message,) = said(b"a:\n  - b\n c: d\n")
    assert message.startswith("f.yaml:3:2: not YAML (")


def test_an_alias_bomb_stops():
    bomb = b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    )
    (message,) = said(bomb)
    assert "repeated too much by aliases" in message


def test_a_value_that_contains_itself_is_refused():
    (message,) = said(b"a: &a [*a]\n")
    assert "nested or repeated" in message


def test_a_large_file_is_refused_unread():
    (message,) = said(b"#" * (MAX_BYTES + 1))
    assert "too large" in message


def test_deep_nesting_is_refused_and_not_a_crash():
    assert said(b"[" * 5000)
    assert said(b"[" * 500 + b"]" * 500)


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_with_a_place(raw):
    places = ["f.yaml:"]
    try:
        parse(raw, "f.yaml")
    except BadInput as error:
        places = [problem.where for problem in error.problems]
    assert all(place.startswith("f.yaml:") for place in places)
