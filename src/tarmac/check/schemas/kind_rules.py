"""Judges an object by the rules in CEL that the definition of its kind has, as an API server does.

A rule that cannot be decided here, since it calls what this evaluator lacks, is passed over: the
API server may take the object. One that fails on the object, as it asks for a field that is not
there, does not hold.

Terms: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions
"""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from tarmac.check.schemas.convert import DEFAULT, RULES

if TYPE_CHECKING:
    from cel_expr_python import cel

MISSING = "the package `cel-expr-python` is missing; pip install 'tarmac[rules]'"
WORDS = (
    "true false null in as break const continue else for function if import let loop package "
    "namespace return var void while"
)
#: Names of fields that are words of CEL, and characters that no name has there: both are escaped.
RESERVED = frozenset(WORDS.split())
ESCAPES = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
#: What the evaluator says where a type decides which it does not know: a text that is a date.
UNTYPED = "No matching overloads"
QUANTIFIER = re.compile(r"[*+?{]")
_ESCAPED = re.compile("__|[./-]")
Path = list[str | int]


def is_there() -> bool:
    """Tell whether rules can be evaluated: whether the extra `rules` is installed."""
    return importlib.util.find_spec("cel_expr_python") is not None


def refusals(schema: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    """Yield where a rule of its kind does not hold of an object, and what it says.

    Args:
        schema: as `convert.custom` makes it.
    """
    found: list[tuple[Path, str]] = []
    _seen(schema, data, [], found)
    yield from found


def _seen(node: Mapping[str, Any], value: Any, path: Path, found: list[tuple[Path, str]]) -> Any:
    """Return a value as rules see it, with its defaults; note the rules that do not hold of it."""
    if isinstance(value, Mapping):
        seen: Any = dict(_fields(node, value, path, found))
    elif isinstance(value, list):
        below = node.get("items", {})
        seen = [_seen(below, one, [*path, at], found) for at, one in enumerate(value)]
    elif node.get("type") == "number" and type(value) is int:
        seen = float(value)
    else:
        seen = value if isinstance(value, str | int | float | None) else str(value)
    for rule, message in node.get(RULES, ()):
        if _holds(rule, seen) is False:
            found.append((path, message or f"the rule `{rule}` does not hold"))
    return seen


def _fields(
    node: Mapping[str, Any], value: Mapping[str, Any], path: Path, found: list[tuple[Path, str]]
) -> Iterator[tuple[str, Any]]:
    fields = node.get("properties", {})
    for name, below in fields.items():
        given = value.get(name)
        if given is None and (given := below.get(DEFAULT)) is None:
            continue
        yield _escaped(name), _seen(below, given, [*path, name], found)
    others = node.get("additionalProperties", {})
    if others is False:
        return  # what it does not know, it drops
    below = others if isinstance(others, Mapping) else {}
    for name, given in value.items():
        if name not in fields and given is not None:
            yield str(name), _seen(below, given, [*path, name], found)


def _escaped(name: str) -> str:
    if name in RESERVED:
        return f"__{name}__"
    return _ESCAPED.sub(lambda found: ESCAPES[found[0]], name)


def _holds(rule: str, seen: Any) -> Any:
    expression = _compiled(rule)
    if expression is None:
        return None
    try:
        value = expression.eval(data={"self": seen})
    except RuntimeError:  # it took too many steps
        return None
    if value.type().name() == "ERROR":
        return None if UNTYPED in value.value() else False
    return value.plain_value()


@cache
def _compiled(rule: str) -> cel.Expression | None:
    """Compile a rule; None: it calls what is not there."""
    try:
        return _environment().compile(rule)
    except RuntimeError:
        return None


@cache
def _environment() -> cel.Env:
    """Make what rules are compiled in: Kubernetes' functions, as far as definitions call them.

    Not CEL's own functions on text: a few `replace` of a hostile definition fill the memory.
    """
    from cel_expr_python import cel  # noqa: PLC0415 - 9 ms, and only where a kind has rules
    from cel_expr_python.ext import ext_optional  # noqa: PLC0415 - as above

    text = cel.Type.STRING
    functions = [
        _function(cel, "find", text, [text, text], _find, is_member=True),
        _function(cel, "isIP", cel.Type.BOOL, [text], _is_address),
    ]
    return cel.NewEnv(
        variables={"self": cel.Type.DYN},
        extensions=[ext_optional.ExtOptional(), cel.CelExtension("kubernetes", functions)],
    )


def _function(
    cel: Any, name: str, gives: Any, takes: list[Any], does: Any, *, is_member: bool = False
) -> Any:
    overload = cel.Overload(f"{name}_text", gives, takes, is_member=is_member, impl=does)
    return cel.FunctionDecl(name, [overload])


def _find(text: str, pattern: str) -> str:
    if len(QUANTIFIER.findall(pattern)) > 1:  # a hostile one could take for ever
        raise ValueError(UNTYPED)
    found = re.search(pattern, text)
    return found[0] if found else ""


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
