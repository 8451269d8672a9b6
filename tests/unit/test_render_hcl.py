"""Values are written as Terraform reads them; tests/infrastructure has Terraform format them."""

from __future__ import annotations

import pytest

from tarmac.render.infrastructure.parts import hcl


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (0, "0"),
        ("plain", '"plain"'),
        ('a "b"\nc\\d', '"a \\"b\\"\\nc\\\\d"'),
        ("${var.x} %{if} $5 100%", '"$${var.x} %%{if} $5 100%"'),
        ("größe", '"größe"'),
        ([], "[]"),
        (["a", 1, False], '["a", 1, false]'),
        ({}, "{}"),
    ],
)
def test_a_value_is_a_literal(value, text):
    assert hcl.literal(value) == text


def test_a_mapping_is_no_literal_of_one_line():
    with pytest.raises(TypeError, match="several lines"):
        hcl.literal({"a": 1})


def test_neighbours_are_aligned_and_what_needs_lines_stands_apart():
    content = {
        "a": 1,
        "long_name": "x",
        "group": {"m5.large": 2, "b": {"c": 1}},
        "z": ["q" * 99, "r"],
    }
    assert hcl.values(content) == (
        "a         = 1\n"
        'long_name = "x"\n'
        "\n"
        "group = {\n"
        '  "m5.large" = 2\n'
        "\n"
        "  b = {\n"
        "    c = 1\n"
        "  }\n"
        "}\n"
        "\n"
        "z = [\n"
        f'  "{"q" * 99}",\n'
        '  "r",\n'
        "]\n"
    )
