"""What migrations do: the calls in them, as they are written."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence

from tarmac.check.gates.views.python_migrations import Migration, by_folder

#: So many of the last migrations are judged.
_LATEST = 3


def latest(found: Sequence[Migration]) -> set[str]:
    """Name the last migrations of a folder: the ends, and those before them."""
    by_name = {one.name: one for one in found}
    followed = {name for one in found for _, name in one.follows if name != one.name}
    level = [one for one in found if one.name not in followed]
    last = set[str]()
    for _ in range(_LATEST):
        last |= {one.name for one in level}
        before = {name for one in level for _, name in one.follows}
        level = [by_name[name] for name in before & by_name.keys() - last]
    return last


def newest(migrations: Iterable[Migration]) -> Iterator[Migration]:
    """Yield the last migrations of each folder: those before cannot be changed any more."""
    for found in by_folder(migrations):
        names = latest(found)
        yield from (one for one in found if one.name in names)


def operations(migration: Migration) -> Iterator[ast.Call]:
    """Yield what a migration of Django does, in its order."""
    for node in migration.tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            for one in node.body:
                target = one.targets[0] if isinstance(one, ast.Assign) else one
                if getattr(target, "id", "") == "operations":
                    value = one.value if isinstance(one, ast.Assign) else None
                    listed = getattr(value, "elts", ())
                    yield from (call for call in listed if isinstance(call, ast.Call))


def method(call: ast.Call) -> str:
    """Return the name by which a call is made."""
    return str(getattr(call.func, "attr", getattr(call.func, "id", "")))


def argument(call: ast.AST, name: str, number: int) -> ast.expr | None:
    """Find an argument by its name, or else by its place."""
    by_name = (k.value for k in getattr(call, "keywords", ()) if k.arg == name)
    args = getattr(call, "args", ())
    return next(by_name, args[number] if number < len(args) else None)


def constant(call: ast.Call, name: str, number: int) -> str:
    """Read an argument that is a constant; "" without one."""
    return str(getattr(argument(call, name, number), "value", ""))


def text_at(call: ast.AST, number: int) -> str:
    """Read an argument that is a text by its place; "" without one."""
    value = getattr(next(iter(getattr(call, "args", ())[number:]), None), "value", "")
    return value if isinstance(value, str) else ""
