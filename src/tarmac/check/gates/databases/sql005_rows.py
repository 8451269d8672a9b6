"""Migrations in Python can be applied to tables that have rows."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.migration_calls import (
    argument,
    constant,
    latest,
    method,
    operations,
    text_at,
)
from tarmac.check.gates.views.python_migrations import Migration, by_folder, python_migrations
from tarmac.check.gates.views.scope import counted_in_files

Fault = tuple[ast.AST, str]
#: Fields of Django that hold no text, so that an empty one is none.
_NO_TEXT = re.compile(
    r".*(Integer|Float|Decimal|Boolean|Date|Time|Duration|UUID|JSON|IPAddress|Binary|Foreign|OneTo|"
    r"Point|Geometry|Polygon|Money|Range|Array)\w*"
)
#: Fields of Django that add no column, or fill themselves.
_WITHOUT = ("ManyToManyField", "AutoField", "BigAutoField", "SmallAutoField")
#: What fills rows, in Alembic and in Django.
_UPDATES = ("execute", "bulk_insert", "update", "executemany", "commit")
_FILLS = ("RunPython", "RunSQL")


def check(files: Files) -> Iterator[Finding]:
    """Yield columns that rows have no value for, and what a transaction or an old model refuses."""
    for found in by_folder(python_migrations(files)):
        # Those before have been applied, and cannot be changed any more.
        new = latest(found)
        nullable: set[tuple[str, str]] = set()
        for migration in sorted(found, key=lambda one: one.name):
            judged = _django(migration, nullable) if migration.is_django else _alembic(migration)
            for node, what in judged if migration.name in new or migration.is_django else ():
                if migration.name in new:
                    yield Finding(migration.at(node), what, warning=True)


def _alembic(migration: Migration) -> Iterator[Fault]:
    """Yield columns that must have a value, and get none in rows that are there."""
    for function in migration.tree.body:
        if not isinstance(function, ast.FunctionDef) or function.name != "upgrade":
            continue
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        new = {text_at(call, 0) for call in calls if method(call) == "create_table"}
        filled = min((call.lineno for call in calls if method(call) in _UPDATES), default=0)
        for call in calls:
            given = [one for one in call.args if isinstance(one, ast.Call)]
            # In a batch, the table is named before.
            is_batch = "batch" in getattr(getattr(call.func, "value", None), "id", "")
            table = "a table" if is_batch else text_at(call, 0)
            if method(call) == "add_column" and given and table not in new:
                name, is_full = text_at(given[0], 0), _has(given[0], "server_default")
                if _is(given[0], "nullable", wanted=False) and not is_full:
                    what = f"adds {name} to {table} as NOT NULL without a server_default, which"
                    yield call, f"{what} fails where the table has rows; add it in steps"
            is_set = method(call) == "alter_column" and _is(call, "nullable", wanted=False)
            was_set = _is(call, "existing_nullable", wanted=False)
            if is_set and not was_set and table not in new and not 0 < filled <= call.lineno:
                what = f"makes {text_at(call, int(not is_batch))} of {table} NOT NULL, and fills no"
                yield call, f"{what} row before it: it fails where one has none; update them first"


def _django(migration: Migration, nullable: set[tuple[str, str]]) -> Iterator[Fault]:
    """Yield what an app's next migration does; `nullable` are its fields that may have no value."""
    filled, new = False, set[str]()
    for operation in operations(migration):
        name, model = method(operation), constant(operation, "model_name", 0).lower()
        field, given = constant(operation, "name", 1), argument(operation, "field", 2)
        if name in _FILLS:
            filled = True
            yield from _models(migration, operation)
        elif name == "CreateModel":
            model = constant(operation, "name", 0).lower()
            new.add(model)
            fields = argument(operation, "fields", 1)
            for pair in getattr(fields, "elts", ()):
                parts = list(getattr(pair, "elts", ()))
                if len(parts) == 2 and _is(parts[1], "null", wanted=True):
                    nullable.add((model, getattr(parts[0], "value", "")))
        elif name in ("AddField", "AlterField") and isinstance(given, ast.Call):
            if _is(given, "null", wanted=True):
                nullable.add((model, field))
                continue
            is_filled = filled or _has(given, "default") or _has(given, "db_default")
            if name == "AlterField" and (model, field) in nullable and not is_filled:
                what = f"makes {field} of {model} NOT NULL, and fills no row before it: it fails"
                yield operation, f"{what} where one has none; update the rows in a RunPython first"
            is_none = model in new or _may_be_empty(given)
            if name == "AddField" and not is_filled and not is_none:
                what = f"adds {field} to {model} as NOT NULL without a default, which fails where"
                yield operation, f"{what} the table has rows; give a default, or add it in steps"
            nullable.discard((model, field))


def _models(migration: Migration, operation: ast.Call) -> Iterator[Fault]:
    """Yield models as they are today, for rows as they were at this migration."""
    function = getattr(operation.args[0], "id", "") if operation.args else ""
    for node in migration.tree.body:
        if isinstance(node, ast.ImportFrom) and f".{node.module or ''}".endswith(".models"):
            for alias in node.names if node.module != "django.db.models" else ():
                used = alias.asname or alias.name
                bodies = [f for f in migration.tree.body if getattr(f, "name", "") == function]
                if any(getattr(n, "id", "") == used for body in bodies for n in ast.walk(body)):
                    what = f"asks for rows by the model {used} as it is today, with columns that"
                    advice = f'a new database has not yet; write apps.get_model("app", "{used}")'
                    yield node, f"{what} {advice}"


def _may_be_empty(field: ast.Call) -> bool:
    """Tell whether Django fills a new column by itself: of texts that may be blank, or none."""
    kind = method(field)
    fills_itself = any(
        _is(field, key, wanted=True) for key in ("auto_now", "auto_now_add", "primary_key")
    )
    is_blank = _is(field, "blank", wanted=True) and not _NO_TEXT.match(kind)
    return kind in _WITHOUT or fills_itself or is_blank


def _is(call: ast.AST, name: str, *, wanted: bool) -> bool:
    return any(
        k.arg == name and getattr(k.value, "value", None) is wanted
        for k in getattr(call, "keywords", ())
    )


def _has(call: ast.AST, name: str) -> bool:
    return any(k.arg in (name, None) for k in getattr(call, "keywords", ()))


GATE = Gate(
    id="SQL005",
    title="Migrations in Python can be applied to tables with rows",
    phase="services",
    source="https://www.postgresql.org/docs/current/sql-altertable.html: a column without a "
    "default is null in rows that are there; "
    "https://docs.djangoproject.com/en/stable/topics/migrations: models of an earlier state are "
    "had by apps.get_model",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("migrations in Python", python_migrations),
    targets=(),
    reads="columns that the last revisions of Alembic and migrations of Django add or change, and "
    "models that RunPython asks. Which rows there are is not known, so all are warnings. Judges "
    "files without a plan only.",
)
