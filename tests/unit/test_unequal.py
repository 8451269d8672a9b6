"""Two pieces of data differ in the parts that are named, and in no others."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tarmac.check.gates.views.unequal import unequal

LEAF = st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"])
DATA = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)


def at(data, path):
    for step in path:
        data = data[step]
    return data


@given(DATA)
def test_data_does_not_differ_from_itself(data):
    assert list(unequal(data, data)) == []


@given(st.dictionaries(st.sampled_from("abc"), LEAF), DATA)
def test_each_part_that_is_named_is_what_it_says(wanted, found):
    for path, said, instead in unequal(wanted, found):
        assert said != instead
        if instead is not None:
            assert at(found, path) == instead


def test_items_with_names_are_compared_by_them_and_others_in_their_order():
    ports = [{"name": "http", "port": 80}, {"name": "https", "port": 443}]
    turned = [{"name": "https", "port": 444}, {"name": "http", "port": 80}]
    assert list(unequal({"ports": ports}, {"ports": turned})) == [(("ports", 0, "port"), 443, 444)]
    assert list(unequal(ports, ports[1:])) == [(("http",), ports[0], None)]
    assert list(unequal([1, 2], [1, 3, 4])) == [((1,), 2, 3), ((2,), None, 4)]
    twice = [{"name": "a", "of": 1}, {"name": "a", "of": 2}]
    assert list(unequal(twice, twice[:1])) == [((1,), twice[1], None)]


def test_what_is_ignored_is_no_difference_at_any_depth():
    assert list(unequal({"a": {}}, {"a": {"by": 1}}, ignored=frozenset(["by"]))) == []
    assert list(unequal({}, {"a": {"by": 1}}, ignored=frozenset(["by"]))) == []
    assert list(unequal({}, {"a": {"by": 1}})) == [(("a",), None, {"by": 1})]
