"""Rows of a table are not written in the transaction that changes it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.migration_calls import (
    argument,
    constant,
    method,
    newest,
    operations,
    text_at,
)
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.python_migrations import Migration, python_migrations
from tarmac.check.gates.views.scope import counted_in_files

#: What locks a table in PostgreSQL until its transaction ends. What AlterField changes in a field
#: may be of no matter to its column.
_LOCKS = ("AddField", "RemoveField", "RenameField")
#: A field without a column of its own.
_APART = "ManyToManyField"
_WRITES = ("update", "save", "bulk_update", "delete", "update_or_create")


def check(files: Files) -> Iterator[Finding]:
    """Yield functions that write rows while their transaction holds the lock of the table."""
    for migration in newest(_judged(files)):
        if migration.is_atomic:
            yield from _held(migration)


def _held(migration: Migration) -> Iterator[Finding]:
    locked, made = dict[str, str](), set[str]()
    for operation in operations(migration):
        name, model = method(operation), constant(operation, "model_name", 0).lower()
        field = argument(operation, "field", 2)
        if name == "CreateModel":
            made.add(constant(operation, "name", 0).lower())
        elif name in _LOCKS and not (isinstance(field, ast.Call) and method(field) == _APART):
            own = constant(operation, "name", 1) or constant(operation, "old_name", 1)
            locked.setdefault(model, own)
        elif name == "RunPython":
            for written in sorted(_written(migration, operation) & locked.keys() - made):
                what = f"writes rows of {written} in the transaction that changes its"
                said = f"{what} {locked[written]}, so PostgreSQL locks the table for as long"
                advice = "write them in a migration of their own"
                yield Finding(migration.at(operation), f"{said}; {advice}", warning=True)


def _written(migration: Migration, operation: ast.Call) -> set[str]:
    """List the models of which a function writes rows."""
    function = getattr(argument(operation, "code", 0), "id", "")
    body = next((f for f in migration.tree.body if getattr(f, "name", "") == function), ast.Pass())
    calls = [node for node in ast.walk(body) if isinstance(node, ast.Call)]
    if not any(method(call) in _WRITES for call in calls):
        return set()
    return {text_at(call, 1).lower() for call in calls if method(call) == "get_model"}


@once
def _judged(files: Files) -> Iterator[Migration]:
    yield from (one for one in python_migrations(files) if one.is_django)


GATE = Gate(
    id="SQL007",
    title="Rows of a table are not written in the transaction that changes it",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/ref/migration-operations/#runpython: on "
    "PostgreSQL, changes of a table and RunPython are not to be in one migration; "
    "https://www.postgresql.org/docs/current/explicit-locking.html",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("migrations of Django", _judged),
    targets=(),
    reads="the last migrations of Django of each folder: fields that are added, removed or renamed "
    "before a RunPython that writes rows of the same model. How many rows there are is not known, "
    "so all are warnings. Judges files without a plan only.",
)
