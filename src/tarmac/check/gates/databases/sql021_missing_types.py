"""A column of a type that a table would make has the type made before it is added."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from posixpath import basename
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.migration_calls import argument, method, newest
from tarmac.check.gates.views.python_migrations import Migration, python_migrations
from tarmac.check.gates.views.scope import counted_in_files

_KINDS = ("Enum", "ENUM")
_POSTGRES = re.compile(r"postgres|psycopg|asyncpg|pg8000", re.IGNORECASE)
_OTHERS = re.compile(r"mysql|sqlite|mssql|oracle|mariadb|sqlmodel\.sqlite", re.IGNORECASE)
_LISTS = re.compile(r"requirements[\w.-]*\.(txt|in)|pyproject\.toml|Pipfile|setup\.cfg")
#: What makes a type, or may.
_MAKES = re.compile(r"\bCREATE\s+TYPE\b|create_type\s*=\s*True", re.IGNORECASE)


class AddedColumn(NamedTuple):
    """A column that is added to a table, whose type has a name of its own."""

    migration: Migration
    call: ast.Call
    type_name: str


def check(files: Files) -> Iterator[Finding]:
    """Yield columns whose type is not there."""
    for one in _added(files):
        text = str(one.migration.artifact.content)
        if _makes(one, text) or _is_known(files, one) or not _is_postgres(files, text):
            continue
        what = f"gives a column the type {one.type_name}, which only create_table makes by itself:"
        said = f"{what} PostgreSQL says that it does not exist; write"
        advice = f'sa.Enum(..., name="{one.type_name}").create(op.get_bind(), checkfirst=True)'
        yield Finding(one.migration.at(one.call), f"{said} {advice} before", warning=True)


def _added(files: Files) -> Iterator[AddedColumn]:
    for migration in newest(one for one in python_migrations(files) if not one.is_django):
        named = dict(_named(migration.tree))
        for function in migration.tree.body:
            if not isinstance(function, ast.FunctionDef) or function.name != "upgrade":
                continue
            for call in ast.walk(function):
                if isinstance(call, ast.Call) and method(call) in ("add_column", "alter_column"):
                    for name in _types(call, named):
                        yield AddedColumn(migration, call, name)


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Yield what names of the migration are set to."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))


def _types(call: ast.Call, named: dict[str, ast.expr]) -> Iterator[str]:
    """Yield the names of the types that a column is to have."""
    for column in (one for one in ast.walk(call) if isinstance(one, ast.Call)):
        if method(column) != "Column" and column is not call:
            continue
        first = column.args[1:2] if column is not call else ()
        for given in (*first, *(k.value for k in column.keywords if k.arg == "type_")):
            made = named.get(given.id) if isinstance(given, ast.Name) else given
            if isinstance(made, ast.Call) and method(made) in _KINDS:
                name = getattr(argument(made, "name", len(made.args)), "value", None)
                is_off = any(k.arg in ("create_type", "native_enum") for k in made.keywords)
                if isinstance(name, str) and not is_off:
                    yield name


def _makes(one: AddedColumn, text: str) -> bool:
    """Tell whether the migration may make the type itself."""
    made = (node for node in ast.walk(one.migration.tree) if isinstance(node, ast.Call))
    creates = any(method(node) in ("create", "create_table") for node in made)
    return creates or _MAKES.search(text) is not None


def _is_known(files: Files, one: AddedColumn) -> bool:
    """Tell whether another migration names the type."""
    others = (m for m in python_migrations(files) if m.folder == one.migration.folder)
    pattern = re.compile(rf"(?<!\w){re.escape(one.type_name)}(?!\w)")
    return any(
        pattern.search(str(other.artifact.content))
        for other in others
        if other.name != one.migration.name
    )


def _is_postgres(files: Files, text: str) -> bool:
    lists = [
        str(one.content)
        for one in files.artifacts
        if _LISTS.fullmatch(basename(one.path)) and isinstance(one.content, str)
    ]
    images = [service.image or "" for service in compose_services(files)]
    told = "\n".join([text, *lists, *(image for image in images if "postgres" in image)])
    return _POSTGRES.search(told) is not None and _OTHERS.search(text) is None


GATE = Gate(
    id="SQL021",
    title="A column of a type of its own has that type made before it is added",
    phase="services",
    source="https://github.com/sqlalchemy/alembic/issues/1347: on PostgreSQL a type is made with "
    "the table that has it, and add_column makes none",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("columns of a type that is added", _added),
    targets=(),
    reads="the last revisions of Alembic: Enum with a name in add_column and alter_column, beside "
    "what this and the other revisions of the folder make, where the project's packages have a "
    "driver of PostgreSQL. Judges files without a plan only.",
)
