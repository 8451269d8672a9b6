"""A migration's downgrade removes the types that its upgrade makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.migration_calls import argument, method, newest, text_at
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.python_migrations import Migration, python_migrations
from tarmac.check.gates.views.scope import counted_in_files

_KINDS = ("Enum", "ENUM")
#: Arguments by which a column makes no type, or it is made elsewhere.
_OFF = ("create_type", "native_enum")
#: What says that a migration is one of PostgreSQL, which alone has such types.
_POSTGRES = re.compile(r"postgresql|psycopg|asyncpg|pg_", re.IGNORECASE)
_OTHERS = re.compile(r"mysql|sqlite|mssql|oracle|mariadb", re.IGNORECASE)
_REMOVES = re.compile(r"\b(TYPE|SCHEMA|OWNED)\b", re.IGNORECASE)


def check(files: Files) -> Iterator[Finding]:
    """Yield downgrades that drop a table and leave the types of its columns."""
    for migration in newest(_judged(files)):
        yield from _left(migration)


def _left(migration: Migration) -> Iterator[Finding]:
    text = str(migration.artifact.content)
    body = {one.name: one for one in migration.tree.body if isinstance(one, ast.FunctionDef)}
    if "upgrade" not in body or "downgrade" not in body or _OTHERS.search(text):
        return
    back = [node for node in ast.walk(body["downgrade"]) if isinstance(node, ast.Call)]
    dropped = {text_at(call, 0): call for call in back if method(call) == "drop_table"}
    if not dropped or any(map(_may_remove, back)):
        return
    said = {
        str(node.value)
        for node in ast.walk(body["downgrade"])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    for table, name, is_postgres in _made(body["upgrade"]):
        if table in dropped and not any(name in one for one in said - {table}):
            what = f"the upgrade makes the type {name} with the table {table}, and the downgrade"
            advice = f'already exists; write sa.Enum(name="{name}").drop(op.get_bind())'
            yield Finding(
                migration.at(dropped[table]),
                f"{what} leaves it: on PostgreSQL the next upgrade stops, as it {advice}",
                warning=not (is_postgres or _POSTGRES.search(text)),
            )
            del dropped[table]


def _made(upgrade: ast.FunctionDef) -> Iterator[tuple[str, str, bool]]:
    """Yield the types that columns of new tables make: the table, the name, and whose they are."""
    for call in ast.walk(upgrade):
        if not isinstance(call, ast.Call) or method(call) != "create_table":
            continue
        for node in ast.walk(call):
            if not isinstance(node, ast.Call) or method(node) not in _KINDS:
                continue
            is_off = any(
                getattr(argument(node, key, len(node.args)), "value", True) is False for key in _OFF
            )
            name = getattr(argument(node, "name", len(node.args)), "value", None)
            if isinstance(name, str) and not is_off:
                yield text_at(call, 0), name, method(node) == "ENUM"


def _may_remove(call: ast.Call) -> bool:
    """Tell whether a call drops a type, or is one of a function that is not known."""
    if method(call) == "execute":
        texts = (one.value for one in ast.walk(call) if isinstance(one, ast.Constant))
        names = any(isinstance(one, ast.Name) and one.id != "op" for one in ast.walk(call))
        return names or any(isinstance(one, str) and _REMOVES.search(one) for one in texts)
    target = call.func.value if isinstance(call.func, ast.Attribute) else None
    is_variable = isinstance(target, ast.Name) and target.id not in ("op", "sa", "batch_op")
    is_own = isinstance(call.func, ast.Name) and call.func.id not in ("print", "range", "list")
    return is_own or (is_variable and method(call) == "drop")


@once
def _judged(files: Files) -> Iterator[Migration]:
    yield from (one for one in python_migrations(files) if not one.is_django)


GATE = Gate(
    id="SQL008",
    title="A downgrade removes the types that its upgrade makes",
    phase="services",
    source="https://github.com/sqlalchemy/alembic/issues/1347: a table makes the types of its "
    "columns, and drop_table leaves them",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("revisions of Alembic", _judged),
    targets=(),
    reads="the last revisions of Alembic: Enum and ENUM with a name in create_table, beside the "
    "downgrade that drops the table. Where that calls a function of its own, nothing is told. "
    "Judges files without a plan only.",
)
