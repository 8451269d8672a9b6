"""Migrations in Python can be applied: one line of them, and each where its server takes it."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.python_migrations import (
    Migration,
    by_folder,
    python_migrations,
    value_of,
)
from tarmac.check.gates.views.scope import counted_in_files

_BESIDE = re.compile(r"(?i)\b(CREATE|DROP)\s+(UNIQUE\s+)?INDEX\s+CONCURRENTLY\b")
#: By these a migration leaves the transaction that it is begun in.
_LEAVES = re.compile(r"(?i)\bCOMMIT\b|isolation_level|AUTOCOMMIT|autocommit\b")
_BRANCH = re.compile(r"^branch_labels[^=]*=\s*[^N\s]", re.MULTILINE)
_DJANGO = ("AddIndexConcurrently", "RemoveIndexConcurrently")


def check(files: Files) -> Iterator[Finding]:
    """Yield lines with two ends, and statements that a transaction refuses."""
    for found in by_folder(python_migrations(files)):
        yield from _ends(found)
        for migration in found:
            judge = _django if migration.is_django else _alembic
            for node, what in judge(migration):
                yield Finding(migration.at(node), what)


def _ends(found: Sequence[Migration]) -> Iterator[Finding]:
    """Yield migrations of one folder that none follows, where there are several."""
    names = {one.name for one in found}
    gone = {name for one in found for name in one.replaces}
    # An app may have another name than its folder.
    apps = Counter(app for one in found for app, name in one.follows if name in names - {one.name})
    own = next((app for app, _ in apps.most_common(1)), "")
    followed = {name for one in found for app, name in one.follows if app == own}
    followed |= {one.name for one in found if followed & {*one.replaces}}
    ends = sorted(
        (one for one in found if one.name not in followed | gone), key=lambda one: one.artifact.path
    )
    has_branches = any(_BRANCH.search(str(one.artifact.content)) for one in found)
    # Where one that is followed is not here, this is a part of them.
    if len(ends) < 2 or has_branches or not apps or followed - names - gone:
        return
    last, others = ends[-1], ", ".join(one.name for one in ends[:-1])
    program = "Django" if last.is_django else "Alembic"
    what = f"{last.name} and {others} are both the last migration, so {program} refuses to apply"
    yield Finding(f"{last.artifact.path}:{last.line}", f"{what} them; let one follow the other")


def _alembic(migration: Migration) -> Iterator[tuple[ast.AST, str]]:
    if _LEAVES.search(re.sub(r"autocommit_block", "", str(migration.artifact.content))):
        return
    for name in ("upgrade", "downgrade"):
        for function in migration.tree.body:
            if isinstance(function, ast.FunctionDef) and function.name == name:
                for node in _inside(function.body):
                    yield from _refused(node)


def _refused(call: ast.Call) -> Iterator[tuple[ast.AST, str]]:
    method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    beside = any(
        one.arg == "postgresql_concurrently" and getattr(one.value, "value", None) is True
        for one in call.keywords
    )
    if method == "execute":
        beside = _says_beside(call)
    if beside and method in ("create_index", "drop_index", "execute"):
        what = (
            "an index is built CONCURRENTLY in the transaction of the migration, which PostgreSQL"
        )
        yield call, f"{what} refuses; write `with op.get_context().autocommit_block():` around it"


def _says_beside(call: ast.Call) -> bool:
    """Tell whether a text that a call is given builds an index beside running queries."""
    texts = (one.value for one in ast.walk(call) if isinstance(one, ast.Constant))
    return any(isinstance(one, str) and _BESIDE.search(one) is not None for one in texts)


def _inside(body: Sequence[ast.stmt]) -> Iterator[ast.Call]:
    """Yield the calls of statements, without those in a block that leaves the transaction."""
    for statement in body:
        if isinstance(statement, ast.With) and "autocommit_block" in ast.dump(statement.items[0]):
            continue
        inner = [getattr(statement, key, []) for key in ("body", "orelse", "finalbody")]
        if any(inner):
            for one in inner:
                yield from _inside(one)
        else:
            yield from (one for one in ast.walk(statement) if isinstance(one, ast.Call))


def _django(migration: Migration) -> Iterator[tuple[ast.AST, str]]:
    for node in ast.walk(migration.tree):
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            is_apart = value_of(node.body, "atomic") is False
            for call in ast.walk(node) if not is_apart else ():
                if isinstance(call, ast.Call):
                    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
                    if name in _DJANGO or (name == "RunSQL" and _says_beside(call)):
                        what = f"{name} builds CONCURRENTLY, which a transaction refuses, and the"
                        yield call, f"{what} migration is one; write atomic = False in its class"


GATE = Gate(
    id="SQL004",
    title="Migrations in Python can be applied",
    phase="services",
    source="https://alembic.sqlalchemy.org/en/latest/branches.html: `upgrade head` refuses two "
    "heads; https://docs.djangoproject.com/en/stable/ref/contrib/postgres/operations: what is done "
    "concurrently is done outside of a transaction",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("migrations in Python", python_migrations),
    targets=(),
    reads="revisions of Alembic and migrations of Django in folders of migrations, by their names "
    "and what each follows, and indexes that are built CONCURRENTLY. What a database holds is not "
    "known. Judges files without a plan only.",
)
