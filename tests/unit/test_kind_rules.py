"""Rules in CEL of a definition: what they see of an object, and which of them cannot be decided."""

from __future__ import annotations

import pytest

from tarmac.check.schemas import kind_rules


def refused(rule, value, **node):
    schema = {"properties": {"spec": {**node, "rules": [[rule, ""]]}}}
    return bool(list(kind_rules.refusals(schema, {"spec": value})))


@pytest.mark.parametrize(
    ("rule", "value", "node", "said"),
    [
        ("self == 'a'", "b", {}, True),
        ("self.a < 2", {"a": 1}, {"properties": {"a": {}}}, False),
        ("self.a < 2", {}, {"properties": {"a": {"default": 3}}}, True),
        ("self.a < 2", {}, {"properties": {"a": {}}}, True),
        ("has(self.b)", {"b": 1}, {"properties": {}, "additionalProperties": False}, True),
        ("self.__namespace__ == 'a'", {"namespace": "b"}, {"properties": {"namespace": {}}}, True),
        ("self.a__dash__b == 1", {"a-b": 1}, {"properties": {"a-b": {}}}, False),
        ("self['a-b'] == 1", {"a-b": 1}, {}, False),
        ("self < 1.5", 1, {"type": "number"}, False),
        ("duration(self) > duration('1s')", "never", {}, True),
        ("self.find('^[^@]+') == 'al2'", "al2@latest", {}, False),
        ("isIP(self)", "::1", {}, False),
        # Not decided: a type that is not known here, a function that is not there, a pattern that
        # could take for ever.
        ("self > timestamp('2020-01-01T00:00:00Z')", "2019-01-01T00:00:00Z", {}, False),
        ("isURL(self)", "no address", {}, False),
        ("self.find('(a+)+b') == 'b'", "a", {}, False),
    ],
)
def test_a_rule_is_asked_as_an_api_server_asks_it(rule, value, node, said):
    assert refused(rule, value, **node) is said


def test_a_refusal_has_the_place_and_the_words_of_its_rule():
    node = {"items": {"rules": [["self > 1", "is too small"], ["self != 0", ""]]}}
    found = kind_rules.refusals({"properties": {"numbers": node}}, {"numbers": [2, 0]})
    assert list(found) == [
        (["numbers", 1], "is too small"),
        (["numbers", 1], "the rule `self != 0` does not hold"),
    ]
