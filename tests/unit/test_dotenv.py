"""`.env` files are written for many tools; each form that these take is read alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tarmac.base.dotenv import parse, replaced, write


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("A=b", "b"),
        ("A = b ", "b"),
        ("export A=b", "b"),
        ("A=", ""),
        ("A=x=y", "x=y"),
        ("A=b # why", "b"),
        ("A=b#c", "b#c"),
        ("A=# nothing", ""),
        ('A="b # c" # why', "b # c"),
        ("A='b # \"c\"'", 'b # "c"'),
        ("A=it's", "it's"),
        (r'A="two\nlines"', "two\nlines"),
        (r"A='as\nis'", r"as\nis"),
        (r'A="say \"x\" \\ $y"', 'say "x" \\ $y'),
        ('A="-----BEGIN\nKEY\n-----END" # pem', "-----BEGIN\nKEY\n-----END"),
        ("A=b\r\n", "b"),
    ],
)
def test_a_value_is_read_as_it_is_meant(line, value):
    assert parse(f"# first\n\n{line}\nZ=z\n") == ({"A": value, "Z": "z"}, ())


def test_lines_of_another_form_are_named_and_the_others_read():
    text = 'A=1\nwhat is this\nB: 2\n1C=3\nD="a" b\nE=5'
    assert parse(text) == ({"A": "1", "E": "5"}, (2, 3, 4, 5))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_what_is_written_is_read_back(value):
    written = write({"A": value, "B": "b"})
    assert parse(written) == ({"A": value, "B": "b"}, ())
    assert written.count("\n") == 2


def test_the_last_of_two_values_counts():
    assert parse("A=1\nA=2") == ({"A": "2"}, ())


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_a_value_is_replaced_and_all_else_stays(value):
    text = "# A=x\nexport A='one\ntwo' # why\nnot a line\nB=b\n"
    written = replaced(text, "A", value)
    assert parse(written) == ({"A": value, "B": "b"}, (3,))
    assert written.startswith("# A=x\nexport A=")
    assert written.endswith("not a line\nB=b\n")
    assert parse(replaced("B=b", "A", value))[0] == {"A": value, "B": "b"}


def test_of_two_values_the_one_that_counts_is_replaced():
    assert replaced("A=1\nA=2\n", "A", "3") == "A=1\nA=3\n"
