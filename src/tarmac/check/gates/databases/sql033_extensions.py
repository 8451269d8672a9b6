"""What an extension of PostgreSQL brings is used after the migration that makes the extension."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.migration_calls import method, operations
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.python_migrations import Migration, by_folder, python_migrations
from tarmac.check.gates.views.scope import counted_in_files

_MADE = re.compile(
    r"\bCREATE\s+EXTENSION\s+(?:IF\s+NOT\s+EXISTS\s+)?[\"'`]?([a-z][\w-]*)", re.IGNORECASE
)
#: Comments of SQL, and bodies of functions, which are read when they are called.
_APART = re.compile(r"--[^\n]*|/\*.*?(?:\*/|\Z)|(\$\w*\$).*?(?:\1|\Z)", re.DOTALL)


class Touch(NamedTuple):
    """A place of a migration that makes an extension, or uses what one brings."""

    migration: Migration
    node: ast.AST
    extension: str
    #: What is used; empty where the extension is made.
    used: str

    @property
    def line(self) -> int:
        """The line of its file."""
        return getattr(self.node, "lineno", 1)


def check(files: Files) -> Iterator[Finding]:
    """Yield uses of an extension that a later migration makes."""
    folders = [(found, _touched(found)) for found in by_folder(python_migrations(files))]
    making: dict[str, int] = {}
    elsewhere: dict[str, bool] = {}
    for _, touches in folders:
        for name in {one.extension for one in touches if not one.used}:
            making[name] = making.get(name, 0) + 1
    for found, touches in folders:
        told = set[tuple[str, str]]()
        for use, maker in _early(found, touches):
            key = (use.migration.name, use.extension)
            # Where another folder makes it as well, that one may be first.
            if key in told or making[use.extension] > 1:
                continue
            if use.extension not in elsewhere:
                elsewhere[use.extension] = _is_elsewhere(files, use.extension)
            if elsewhere[use.extension]:
                continue
            told.add(key)
            place = f"{maker.migration.artifact.path.rpartition('/')[2]}:{maker.line}"
            what = f"uses {use.used}, which the extension {use.extension} brings, and that is made"
            said = f"{what} after it ({place}): a new database ends here with an error"
            yield Finding(use.migration.at(use.node), f"{said}; make the extension before it")


def _early(found: Sequence[Migration], touches: list[Touch]) -> Iterator[tuple[Touch, Touch]]:
    """Yield uses that all makers of their extension follow, with the first of those."""
    makers: dict[str, list[Touch]] = {}
    for one in touches:
        if not one.used:
            makers.setdefault(one.extension, []).append(one)
    by_name = {one.name: one for one in found}
    followed = {
        one.migration.name: _followed(by_name, one.migration)
        for own in makers.values()
        for one in own
    }
    for use in touches:
        own = makers.get(use.extension, [])
        if use.used and own and all(_is_after(one, use, followed) for one in own):
            yield use, own[0]


def _is_after(maker: Touch, use: Touch, followed: Mapping[str, set[str]]) -> bool:
    if maker.migration.name == use.migration.name:
        return maker.line > use.line
    return use.migration.name in followed[maker.migration.name]


def _followed(by_name: Mapping[str, Migration], begun: Migration) -> set[str]:
    """Name the migrations of the folder that one follows, at any distance."""
    followed, todo = set[str](), [begun]
    while todo:
        for _, name in todo.pop().follows:
            if name in by_name and name not in followed:
                followed.add(name)
                todo.append(by_name[name])
    return followed


def _touched(found: Sequence[Migration]) -> list[Touch]:
    return [
        Touch(migration, node, extension, used)
        for migration in found
        for step in _steps(migration)
        for node in ast.walk(step)
        for extension, used in _of(node)
    ]


def _steps(migration: Migration) -> Iterator[ast.AST]:
    """Yield what a migration does to the database, in its order."""
    if migration.is_django:
        yield from operations(migration)
    for node in migration.tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == "upgrade":
            yield from node.body


def _of(node: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield extensions that a node makes or uses, with what of it."""
    if isinstance(node, ast.Call):
        name = method(node)
        if name in _makers():
            yield _makers()[name], ""
        for given in (*node.args[:1], *(k.value for k in node.keywords if k.arg == "name")):
            text = getattr(given, "value", None)
            if name == "CreateExtension" and isinstance(text, str):
                yield text, ""
        if name in _fields():
            yield _fields()[name], name
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        text = _APART.sub(" ", node.value)
        yield from ((found[1].lower(), "") for found in _MADE.finditer(text))
        for extension, pattern in _words():
            if found := pattern.search(_MADE.sub(" ", text)):
                yield extension, found[0].strip()


@cache
def _makers() -> Mapping[str, str]:
    return {str(made): str(name) for name, of in _known().items() for made in of.get("made", ())}


@cache
def _fields() -> Mapping[str, str]:
    return {str(one): str(name) for name, of in _known().items() for one in of.get("fields", ())}


@cache
def _words() -> Sequence[tuple[str, re.Pattern[str]]]:
    known = _known().items()
    return [(name, re.compile(str(of["words"]))) for name, of in known if "words" in of]


@cache
def _known() -> Mapping[str, Mapping[str, Any]]:
    known: Mapping[str, Mapping[str, Any]] = published("postgres_extensions")["extensions"]
    return known


def _is_elsewhere(files: Files, extension: str) -> bool:
    """Tell whether what is not a migration in Python speaks of the extension."""
    pattern = re.compile(rf"(?<![\w-]){re.escape(extension)}(?![\w-])")
    texts = ((one.path, str(one.content)) for one in files.artifacts)
    return any(
        pattern.search(text) and "extension" in text.lower()
        for path, text in texts
        if not path.endswith((".py", ".md", ".rst", ".txt"))
    )


def _judged(files: Files) -> Iterator[object]:
    for found in by_folder(python_migrations(files)):
        yield from _touched(found)


GATE = Gate(
    id="SQL033",
    title="What an extension of PostgreSQL brings is used after it is made",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/ref/contrib/postgres/operations: an extension "
    "is made before what it brings is used; https://www.postgresql.org/docs/current/pgtrgm.html",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("extensions in migrations", _judged),
    targets=(),
    reads="operations of Django and `upgrade` of Alembic, by `postgres_extensions` of "
    "assets/published.yaml. An extension that anything else here makes, or another app, is not "
    "judged. Judges files without a plan only.",
)
