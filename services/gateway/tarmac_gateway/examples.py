"""Example values out of JSON Schemas, for the API page's bodies and curl lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEPTH = 8

_STRINGS = {
    "uuid": "7b0e6d1c-4f0b-4c51-9a3e-2f6f6d3c8a10",
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "email": "ada@example.com",
    "uri": "https://example.com/",
    "password": "correct horse battery",
}


def resolve(schema: Any, document: Mapping[str, Any]) -> dict[str, Any]:
    """Follow `$ref`s within the document; an unknown one is an empty schema."""
    seen = 0
    while isinstance(schema, dict) and "$ref" in schema and seen < _DEPTH:
        node: Any = document
        for part in str(schema["$ref"]).removeprefix("#/").split("/"):
            node = node.get(part, {}) if isinstance(node, dict) else {}
        schema, seen = node, seen + 1
    return schema if isinstance(schema, dict) else {}


def example(schema: Any, document: Mapping[str, Any], depth: int = 0) -> Any:
    """Make a value that the schema allows: its own example first, else one by type."""
    found = resolve(schema, document)
    for key in ("example", "const", "default"):
        if found.get(key) is not None:
            return found[key]
    for key in ("examples", "enum"):
        if isinstance(found.get(key), list) and found[key]:
            return found[key][0]
    for key in ("anyOf", "oneOf", "allOf"):
        options = [option for option in found.get(key, ()) if not _is_null(option)]
        if options and depth < _DEPTH:
            return example(options[0], document, depth + 1)
    return _by_type(found, document, depth)


def _by_type(schema: dict[str, Any], document: Mapping[str, Any], depth: int) -> Any:
    match schema.get("type", "object" if "properties" in schema else None):
        case "object":
            if depth >= _DEPTH:
                return {}
            required = schema.get("required", ())
            return {
                name: example(value, document, depth + 1)
                for name, value in schema.get("properties", {}).items()
                if name in required or not _may_be_null(value)
            }
        case "array":
            return [] if depth >= _DEPTH else [example(schema.get("items"), document, depth + 1)]
        case "integer":
            return int(schema.get("minimum", schema.get("exclusiveMinimum", 0) + 1))
        case "number":
            return float(schema.get("minimum", 1.0))
        case "boolean":
            return True
        case "string":
            return _STRINGS.get(schema.get("format", ""), "text")
        case _:
            return None


def type_name(schema: Any, document: Mapping[str, Any]) -> str:
    """Name a schema's type for people: `string (uuid)`, `array of OrderLine`, `integer or null`."""
    if not isinstance(schema, dict):
        return "any"
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return " or ".join(dict.fromkeys(type_name(item, document) for item in schema[key]))
    if schema.get("enum"):
        return " | ".join(str(value) for value in schema["enum"])
    name = str(schema.get("type", "any"))
    if name == "array":
        return f"array of {type_name(schema.get('items'), document)}"
    return f"{name} ({schema['format']})" if "format" in schema else name


def limits(schema: Mapping[str, Any]) -> str:
    """Say a schema's limits in a few words."""
    words = {
        "minLength": "at least {} characters",
        "maxLength": "at most {} characters",
        "minimum": "from {}",
        "maximum": "to {}",
        "exclusiveMinimum": "above {}",
        "minItems": "at least {} items",
        "maxItems": "at most {} items",
    }
    said = [text.format(_plain(schema[key])) for key, text in words.items() if key in schema]
    if schema.get("default") is not None:
        said.append(f"default {schema['default']}")
    return ", ".join(said)


def _plain(number: Any) -> Any:
    return int(number) if isinstance(number, float) and number.is_integer() else number


def _is_null(schema: Any) -> bool:
    return isinstance(schema, dict) and schema.get("type") == "null"


def _may_be_null(schema: Any) -> bool:
    return isinstance(schema, dict) and any(_is_null(option) for option in schema.get("anyOf", ()))
