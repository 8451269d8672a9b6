"""Tables that the product and its tests read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TABLES = sorted([*ROOT.glob("src/tarmac/assets/*.yaml"), *ROOT.glob("tests/*/*.yaml")])


def repeated(node):
    """Yield the keys that stand again in the same mapping, of which YAML takes the last one."""
    if isinstance(node, yaml.MappingNode):
        keys = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        yield from (key for key, count in keys.items() if count > 1)
        for _, value in node.value:
            yield from repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from repeated(value)


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.name)
def test_a_key_of_a_table_stands_once(table):
    with table.open(encoding="utf-8") as text:
        nodes = list(yaml.compose_all(text, yaml.CSafeLoader))
    assert [key for node in nodes for key in repeated(node)] == []
