"""Types of Terraform's variables, as they are written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.check.gates.views.terraform.tree import COMMENT, children, inner, words

_PLAIN = ("string", "number", "bool", "any")
#: What may stand alone, since before there were types of elements.
_OLD = ("list", "map")


class Constraint(NamedTuple):
    """A type."""

    #: `list`, `object`; "": it is none.
    kind: str
    #: Of each element.
    of: tuple[Constraint, ...] = ()
    #: Of each attribute of an object, and which of them may be left out.
    parts: Mapping[str, Constraint] = {}
    optional: frozenset[str] = frozenset()
    #: What is wrong with it.
    fault: str = ""


ANY = Constraint("any")


def constraint(node: Any) -> Constraint:
    """Read the type of a variable."""
    own = inner(node)
    kind, said = str(own.data), words(own)
    if kind == "string":
        return Constraint("", fault=f"{said} is in quotes, which Terraform refuses since 0.15")
    if kind == "identifier":
        return constraint_of(said)
    if kind == "function_call":
        return _made(words(next(children(own))), _arguments(own))
    return Constraint("", fault=f"{said} is not a type")


def constraint_of(name: str) -> Constraint:
    """Find the type that one word says."""
    if name in (*_PLAIN, *_OLD):
        return Constraint(name, (ANY,) if name in _OLD else ())
    if name in ("set", "tuple", "object", "optional"):
        return Constraint("", fault=f"{name} says nothing of what is in it")
    return Constraint("", fault=f"{name} is not a type")


def _made(name: str, given: list[Any]) -> Constraint:
    if name in ("list", "set", "map") and len(given) == 1:
        below = constraint(given[0])
        return below if below.fault else Constraint(name, (below,))
    if name == "tuple" and len(given) == 1 and given[0].data == "tuple":
        found = tuple(constraint(one) for one in children(given[0]) if one.data == "expr_term")
        return next((one for one in found if one.fault), Constraint(name, found))
    if name != "object" or len(given) != 1 or given[0].data != "object":
        return Constraint("", fault=f"{name}(...) is not a type of what is in it")
    parts, optional = dict[str, Constraint](), set[str]()
    for key, value in elements(given[0]):
        own = inner(value)
        is_optional = own.data == "function_call" and words(next(children(own))) == "optional"
        if is_optional:
            optional.add(key)
            own = next(iter(_arguments(own)), own)
        parts[key] = constraint(own)
        if parts[key].fault:
            return parts[key]
    return Constraint(name, parts=parts, optional=frozenset(optional))


def _arguments(call: Any) -> list[Any]:
    given = (one for part in children(call) if part.data == "arguments" for one in children(part))
    return [inner(one) for one in given if one.data != COMMENT]


def elements(node: Any) -> Iterator[tuple[str, Any]]:
    """Yield the keys of an object, with what is written for them."""
    for one in children(node):
        if one.data == "object_elem":
            yield words(one.children[0]), one.children[-1]
