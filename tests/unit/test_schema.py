"""The published schema knows short and long forms, and every key has one meaning."""

from __future__ import annotations

from tarmac.model.schema import part_schema, system_schema


def test_short_forms_are_in_the_schema():
    schema = system_schema()
    (store,) = schema["properties"]["stores"]["patternProperties"].values()
    assert {"type": "string"} in store["anyOf"]
    assert {"required": ["services"]} in schema["anyOf"]  # or an include
    assert schema["additionalProperties"] is False


def test_both_schemas_name_their_dialect():
    for schema in (system_schema(), part_schema()):
        assert schema["$schema"].startswith("https://json-schema.org/")
        assert schema["title"].endswith(".yaml")
