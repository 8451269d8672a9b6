"""What the keys of `tarmac.yaml` and `service.yaml` mean, read from their JSON Schemas; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]
_PART = re.compile(r"#/\$defs/(\w+)")


@dataclass(frozen=True)
class Key:
    """One key of a mapping."""

    name: str
    #: As the schema has it.
    spec: Schema
    required: bool
    about: str


def keys(schema: Schema, parts: Mapping[str, Schema]) -> Iterator[Key]:
    """Yield the keys of a mapping.

    Args:
        schema: the mapping's.
        parts: the definitions that it refers to, by their names.
    """
    required = schema.get("required", [])
    for name, spec in schema.get("properties", {}).items():
        about = spec.get("description") or _inherited(spec, parts)
        yield Key(name, spec, name in required, about)


def _inherited(spec: Schema, parts: Mapping[str, Schema]) -> str:
    """Find what a key means by the part that it holds, where it says nothing itself."""
    named = _PART.findall(str(spec))
    return str(parts[named[-1]].get("description", "")) if named else ""


def held(spec: Schema, parts: Mapping[str, Schema]) -> Iterator[Schema]:
    """Yield the mappings that a key holds: itself, one for each name, or one for each item."""
    for name in dict.fromkeys(_PART.findall(str(spec))):
        if "properties" in parts[name]:
            yield parts[name]


def default_of(value: Any) -> str:
    """Write a default as it would stand in the file; nothing where the key may be left out."""
    if value is None or value in ([], {}, ""):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(str, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {one}' for key, one in value.items())}}}"
    return str(value)


def type_of(spec: Schema, named: str = "{name}", constant: str = "{value}") -> str:
    """Say what a key holds.

    Args:
        named: how a part's name is written, with `{name}` and `{anchor}`.
        constant: how a value is written that has to be as it is, with `{value}`.
    """

    def typed(one: Schema) -> str:
        return type_of(one, named, constant)

    if "$ref" in spec:
        name = spec["$ref"].rpartition("/")[2]
        return named.format(name=name, anchor=name.lower())
    for several in ("anyOf", "oneOf", "allOf"):
        if several in spec:
            kinds = [typed(kind) for kind in spec[several] if kind.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
    if "const" in spec:
        return constant.format(value=spec["const"])
    if "enum" in spec:
        return " or ".join(constant.format(value=value) for value in spec["enum"])
    if spec.get("type") == "array":
        return f"list of {typed(spec.get('items', {}))}"
    if spec.get("type") == "object":
        inside = [*spec.get("patternProperties", {}).values(), spec.get("additionalProperties")]
        inner = next((typed(kind) for kind in inside if isinstance(kind, dict)), "anything")
        return f"map of names to {inner}"
    return str(spec.get("type", "anything"))
