"""Values as Terraform's language writes them, formatted as `terraform fmt` does.

Values alone: strings, numbers, booleans, lists of them, and mappings. What computes something is
written by people, in the modules.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

Value = str | int | float | bool | None | Sequence["Value"] | Mapping[str, "Value"]
INDENT = "  "
#: A list that is longer has a line for each of its items.
WIDTH = 100


def values(content: Mapping[str, Value]) -> str:
    """Write a tfvars file, or what a block holds: one `name = value` after the other."""
    return "".join(f"{line}\n" for line in _pairs(content, ""))


def literal(value: Value) -> str:
    """Write a value that needs one line. Raises TypeError for a mapping that is not empty."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, str):
        # JSON's escapes are HCL's; a brace after $ or % would begin a template.
        return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")
    if isinstance(value, Mapping):
        if value:
            raise TypeError(f"a mapping needs several lines: {value}")
        return "{}"
    return f"[{', '.join(literal(item) for item in value)}]"


def _pairs(content: Mapping[str, Value], before: str) -> Iterator[str]:
    """Write pairs; neighbours on one line have their signs below each other."""
    group: list[tuple[str, str]] = []
    first = True
    for key, value in content.items():
        name = _key(key)
        if lines := list(_lines(value, before)):
            yield from _aligned(group, before)
            if not first:
                yield ""
            yield f"{before}{name} = {lines[0]}"
            yield from lines[1:]
            group = []
        else:
            if not first and not group:
                yield ""
            group.append((name, literal(value)))
        first = False
    yield from _aligned(group, before)


def _lines(value: Value, before: str) -> Iterator[str]:
    """Write a value that needs several lines; nothing for one that does not."""
    if isinstance(value, Mapping) and value:
        yield "{"
        yield from _pairs(value, before + INDENT)
        yield f"{before}}}"
    elif isinstance(value, Sequence) and not isinstance(value, str):
        items = [literal(item) for item in value]
        if sum(map(len, items)) > WIDTH:
            yield "["
            yield from (f"{before}{INDENT}{item}," for item in items)
            yield f"{before}]"


def _aligned(group: Sequence[tuple[str, str]], before: str) -> Iterator[str]:
    width = max((len(name) for name, _ in group), default=0)
    for name, text in group:
        yield f"{before}{name:{width}} = {text}"


def _key(name: str) -> str:
    """Write a key: a name as it is, else in quotes. A hyphen is allowed in a name."""
    plain = name.replace("_", "").replace("-", "").isalnum() and not name[0].isdigit()
    return name if plain and name[0] != "-" else literal(name)
