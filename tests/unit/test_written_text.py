"""Text that readers in Go would take for a number or a truth value is written in quotes."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tarmac.base.artifact import dump

NUMBERS = "09402152219246e0 1e3 12E5 -1e-3 +.5e1 1.e2 1_0e3 0o17 0x1f 0b1 12 1.5 1:30 .inf"
OTHERS = "y N yes off null ~ 2026-11-25 ="


@pytest.mark.parametrize("text", f"{NUMBERS} {OTHERS}".split())
def test_text_that_looks_like_something_else_is_quoted_as_key_and_value(text):
    assert dump({text: text}) == f"'{text}': '{text}'\n"


@pytest.mark.parametrize(
    "text", ["orders", "3.1.9", "sha-12e3", "10s", "1e", "e10", "100m", "yy", "v1", "a:b", "1-2"]
)
def test_other_text_is_left_as_it_is(text):
    assert dump({"value": text}) == f"value: {text}\n"


@given(st.text())
def test_text_is_read_again_as_it_was(text):
    assert yaml.safe_load(dump({"value": [text, {text: text}]})) == {"value": [text, {text: text}]}


def test_values_that_are_equal_and_not_the_same_are_written_each_in_its_own_way():
    values = [1, True, 1.0, "1", "true", None, "", {}, [], (2,), "a\nb\n"]
    text = dump({"values": values, "again": values})
    assert yaml.safe_load(text) == {"values": [*values[:-2], [2], values[-1]]} | {
        "again": [*values[:-2], [2], values[-1]]
    }
    for line in ("1", "true", "1.0", "'1'", "'true'", "null", "''", "{}", "[]", "|"):
        assert f"\n- {line}\n" in text
