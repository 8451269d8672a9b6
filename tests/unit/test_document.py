"""A YAML file becomes plain data with places; whatever is wrong is said with its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.base.errors import BadInput
from tarmac.base.written import as_written
from tarmac.model.document import MAX_BYTES, MAX_PROBLEMS, parse


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
        (b"", "f.yaml:1:1: the file is empty; `tarmac schema` prints its format"),
        (b"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: key 'a' occurs twice; remove one of the two"),
        (b"a: \xff\n", "f.yaml:1:4: not UTF-8 (byte 0xff); save the file as UTF-8"),
        (b"a: !ruby x\n", "f.yaml:1:4: tag '!ruby' is not known; remove it"),
        (b"[1]: 2\n", "f.yaml:1:1: a list or mapping cannot be a key; put it in quotes if it is"),
        (b"<<: 3\n", "f.yaml:1:5: '<<' takes an alias of a mapping, e.g. '<<: *base'; correct it"),
        (b"a: 1\n\tb: 2\n", "f.yaml:2:1: a tab; indent with spaces"),
        (b"a:\n\tb: 2\n", "f.yaml:2:1: a tab; indent with spaces"),
        (b"a: @b\n", "f.yaml:1:4: character '@' cannot begin a value; put it in quotes"),
        (b"a: b: c\n", "f.yaml:1:5: a ': ' where none can be; indent the line as its neighbours"),
        (b"a: [1,\nb: 2\n", "f.yaml:3:1: the list that begins with '[' in line 1 has no ']'"),
        (b"a: {b: 1\n", "f.yaml:2:1: the mapping that begins with '{' in line 1 has no '}'"),
        (b"a:\n  b: 1\n c: 2\n", "f.yaml:3:2: this line does not fit with those above; indent"),
        (b"a:\n  - b\n  c: d\n", "f.yaml:3:3: the list ends without a '-' here; indent this line"),
        (b"a: 'b\nc: d\n", "f.yaml:3:1: a quote is opened in line 1 and never closed; close it"),
        (b"abc\nb: 1\n", "f.yaml:2:2: a ': ' where none can be"),
        (b"a: 1\nbcd\n", "f.yaml:3:1: the key in line 2 has no ':' after it; add one"),
        (b'a: "\\q"\n', "f.yaml:1:5: unknown escape in double quotes; use single quotes instead"),
        (b"a: *b\n", "f.yaml:1:4: alias '*b' names nothing above it; put the value in quotes"),
        (b"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins; put it in a file of its"),
        (b"a: b\x00c\n", "f.yaml:1:5: character U+0000 cannot be in YAML; remove it"),
        (b"a: \x1b[0m\n", "f.yaml:1:4: character U+001B cannot be in YAML; remove it"),
        ("a: 1\n".encode("utf-16"), "f.yaml:1:1: the file is UTF-16; save it as UTF-8"),
        (b"\xef\xbb\xbfa: \xff\n", "f.yaml:1:7: not UTF-8 (byte 0xff); save the file as UTF-8"),
        (b"a: !!set {b}\n", "f.yaml:1:4: tag '!!set' is not known; remove it"),
    ],
)
def test_an_error_is_reported_with_its_place(raw, expected):
    (message,) = said(raw)
    assert message.startswith(expected)
    assert "; " in message, "it says what to do"


def test_all_duplicate_keys_are_reported_together():
    assert len(said(b"a: 1\na: 2\nb: {c: 1, c: 2}\n")) == 2


def test_an_alias_bomb_stops():
    bomb = b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    )
    (message,) = said(bomb)
    assert "aliases expand to over 100000 values" in message


def test_a_value_that_contains_itself_is_refused():
    (message,) = said(b"a: &a [*a]\n")
    assert "aliases expand to" in message


def test_a_large_file_is_refused_unread():
    (message,) = said(b"#" * (MAX_BYTES + 1))
    assert message.endswith("1000001 bytes; the limit is 1000000, shorten it")


def test_deep_nesting_is_refused_and_not_a_crash():
    for opening in (b"[", b"{a: ", b"- ", b"? "):
        (message,) = said(opening * (MAX_BYTES // len(opening)))
        assert "nested deeper than 60; flatten it" in message
    assert said(b"[" * 61 + b"]" * 61)
    assert parse(b"[" * 60 + b"]" * 60, "f")


def test_too_many_values_are_refused_at_the_one_that_is_too_many():
    (message,) = said(b"- a\n" * 200_001)
    assert message.startswith("f.yaml:199999:3: more than 100000 values")


def test_line_ends_and_byte_order_marks_of_other_systems_change_nothing():
    assert parse(b"\xef\xbb\xbfa:\r\n  b: 1\r\n", "f").data == {"a": {"b": 1}}


def test_a_number_remembers_how_it_is_written():
    data = parse(b"a: 1.10\nb: 007\nc: 5\n", "f").data
    assert [as_written(value) for value in data.values()] == ["1.10", "007", "5"]
    assert data == {"a": 1.1, "b": 7, "c": 5}


def test_a_key_that_comes_by_a_merge_has_the_place_of_its_origin():
    document = parse(b"base: &b {x: 1, y: 2}\nit: {<<: *b, y: 3}\n", "f")
    assert str(document.locate(("it", "x"))) == "f:1:14"
    assert str(document.locate(("it", "y"))) == "f:2:17"


def test_more_problems_than_anybody_reads_are_counted():
    found = said(b"".join(b"a: 1\n" for _ in range(100)))
    assert len(found) == MAX_PROBLEMS + 1
    assert found[-1] == "f.yaml: more of the same; correct these first"


@given(st.binary(max_size=200))
def test_any_bytes_are_parsed_or_refused_with_a_place(raw):
    places = ["f.yaml:"]
    try:
        parse(raw, "f.yaml")
    except BadInput as error:
        places = [problem.where for problem in error.problems]
    assert all(place.startswith("f.yaml") for place in places)
