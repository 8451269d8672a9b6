"""Settings of servers in Python, by the names that these go by: parsed, and never run."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files

_OPERATORS: Mapping[type, Any] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
}
#: No setting is larger, and numbers that are cost time.
_LARGEST = 10**12
_MOST_DEEP = 20


class FromEnvironment(NamedTuple):
    """A value that a variable gives when the server starts."""

    name: str
    default: Any


class UnknownValue:
    """A value that only running the file would tell."""


UNKNOWN = UnknownValue()


class PythonSettings(NamedTuple):
    """The settings of one file."""

    artifact: Artifact
    values: Mapping[str, Any]
    lines: Mapping[str, int]

    def given(self, *names: str) -> tuple[str, Any]:
        """Find the first of these names that is set, and its value; "" and None without one."""
        return next(
            ((name, self.values[name]) for name in names if name in self.values), ("", None)
        )

    def number(self, *names: str) -> float | None:
        """Read a number; None where it is not written as one."""
        _, value = self.given(*names)
        return value if isinstance(value, int | float) and not isinstance(value, bool) else None

    def at(self, name: str) -> str:
        """Return where a setting is."""
        return f"{self.artifact.path}:{self.lines.get(name, 1)}"


def python_settings(files: Files, named: re.Pattern[str]) -> Iterator[PythonSettings]:
    """Yield the settings in files whose names match."""
    for artifact in files.artifacts:
        name = artifact.path.rpartition("/")[2]
        if named.fullmatch(name) and isinstance(artifact.content, str):
            try:
                tree = ast.parse(artifact.content)
            except (SyntaxError, ValueError, RecursionError):
                continue
            yield _of_tree(artifact, tree)


def value_of(node: ast.expr, known: Mapping[str, Any]) -> Any:
    """Compute an expression of constants and of settings that are known; UNKNOWN for others."""
    return _value(node, known, 0)


def _of_tree(artifact: Artifact, tree: ast.Module) -> PythonSettings:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for one in tree.body:
        targets = one.targets if isinstance(one, ast.Assign) else ()
        targets = [one.target] if isinstance(one, ast.AnnAssign) and one.value else targets
        for target in targets:
            if isinstance(target, ast.Name):
                values[target.id] = _value(one.value, values, 0)  # type: ignore[attr-defined]
                lines[target.id] = one.lineno
        if not targets and not isinstance(one, ast.Import | ast.ImportFrom | ast.Expr):
            # A branch or a function may set any that it names.
            names = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
            values.update(dict.fromkeys(names & values.keys(), UNKNOWN))
    return PythonSettings(artifact, values, lines)


def _value(node: ast.expr | None, known: Mapping[str, Any], depth: int) -> Any:
    """Compute what is written of constants; UNKNOWN for the rest."""
    match node:
        case _ if depth > _MOST_DEEP:
            return UNKNOWN
        case ast.Constant():
            return node.value
        case ast.Name():
            return known.get(node.id, UNKNOWN)
        case ast.BinOp():
            sides = [_value(side, known, depth + 1) for side in (node.left, node.right)]
            operator = _OPERATORS.get(type(node.op))
            is_plain = all(isinstance(one, int | float) and abs(one) < _LARGEST for one in sides)
            return operator(*sides) if operator and is_plain else UNKNOWN
        case ast.Dict():
            keys = [_value(key, known, depth + 1) for key in node.keys]
            found = {k: _value(v, known, depth + 1) for k, v in zip(keys, node.values, strict=True)}
            return found if all(isinstance(key, str) for key in keys) else UNKNOWN
        case ast.List() | ast.Tuple():
            return [_value(one, known, depth + 1) for one in node.elts]
        case ast.Call() | ast.Subscript():
            return _of_environment(node, known, depth)
    return UNKNOWN


def _of_environment(node: ast.Call | ast.Subscript, known: Mapping[str, Any], depth: int) -> Any:
    """Read `os.environ["A"]`, `os.environ.get("A", b)` and `os.getenv("A", b)`."""
    of = ast.unparse(node.func if isinstance(node, ast.Call) else node.value)
    is_read = of in ("os.getenv", "getenv", "os.environ.get", "environ.get")
    if isinstance(node, ast.Call) and is_read and node.args:
        name = _value(node.args[0], known, depth + 1)
        default = _value(node.args[1], known, depth + 1) if node.args[1:] else None
        return FromEnvironment(name, default) if isinstance(name, str) else UNKNOWN
    if isinstance(node, ast.Subscript) and of in ("os.environ", "environ"):
        key = _value(node.slice, known, depth + 1)
        return FromEnvironment(key, None) if isinstance(key, str) else UNKNOWN
    return UNKNOWN
