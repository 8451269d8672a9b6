"""Migrations of Alembic and Django: what each follows, as it is written."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tarmac.base.artifact import Artifact
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.shapes.kept import kept


@dataclass(frozen=True)
class Migration:
    """One file of Alembic or of Django."""

    artifact: Artifact
    tree: ast.Module
    #: Its name among the others, and those that it follows: of which app, and the name.
    name: str
    follows: tuple[tuple[str, str], ...]
    #: Names of others that it stands for.
    replaces: tuple[str, ...]
    is_django: bool
    line: int

    @property
    def folder(self) -> str:
        """The folder whose migrations are of one line."""
        return self.artifact.path.rpartition("/")[0]

    @property
    def is_atomic(self) -> bool:
        """Whether all that a migration of Django does is one transaction."""
        return not any(
            isinstance(node, ast.ClassDef) and value_of(node.body, "atomic") is False
            for node in self.tree.body
        )

    def at(self, node: ast.AST) -> str:
        """Return where a part of it is."""
        return f"{self.artifact.path}:{getattr(node, 'lineno', 1)}"


def value_of(body: Sequence[ast.stmt], name: str) -> Any:
    """Read what a name is set to, where that is written as it stands; None otherwise."""
    for one in body:
        targets = one.targets if isinstance(one, ast.Assign) else ()
        targets = [one.target] if isinstance(one, ast.AnnAssign) else targets
        if any(isinstance(t, ast.Name) and t.id == name for t in targets):
            try:
                return ast.literal_eval(one.value)  # type: ignore[attr-defined]
            except ValueError:
                return None
    return None


def _pairs(body: Sequence[ast.stmt], name: str) -> Iterator[tuple[str, str]]:
    """Yield the app and the name of each migration in a list; others in it are calls."""
    for one in body:
        is_named = isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") == name
        for pair in getattr(one.value, "elts", ()) if is_named else ():  # type: ignore[attr-defined]
            texts = [getattr(part, "value", None) for part in getattr(pair, "elts", ())]
            if len(texts) == 2 and all(isinstance(text, str) for text in texts):
                yield str(texts[0]), str(texts[1])


def _list_of(tree: ast.Module, body: Sequence[ast.stmt], name: str) -> Sequence[ast.stmt] | None:
    """Return what a list of a class is written in; a name stands for that of its file."""
    written = [one for one in body if isinstance(one, ast.Assign) and _is_of(one, name)]
    if not written or not isinstance(written[0].value, ast.Name):
        return body
    other = written[0].value.id
    above = [one for one in tree.body if isinstance(one, ast.Assign) and _is_of(one, other)]
    if not above:
        return None
    return [ast.Assign([ast.Name(name)], above[0].value)]


def _is_of(assigned: ast.Assign, name: str) -> bool:
    return any(isinstance(one, ast.Name) and one.id == name for one in assigned.targets)


def python_migrations(files: Files) -> Iterator[Migration]:
    """Yield the migrations in Python."""
    for artifact in files.artifacts:
        if artifact.path.endswith(".py") and isinstance(artifact.content, str):
            yield from _read(artifact)


def by_folder(migrations: Iterable[Migration]) -> Iterable[list[Migration]]:
    """Group migrations of one line: those of a folder, of Alembic or of Django."""
    found: dict[tuple[str, bool], list[Migration]] = {}
    for one in migrations:
        found.setdefault((one.folder, one.is_django), []).append(one)
    return found.values()


@kept
def _read(artifact: Artifact) -> tuple[Migration, ...]:
    text, name = str(artifact.content), artifact.path.rpartition("/")[2].removesuffix(".py")
    if "Migration" not in text and "revision" not in text:
        return ()
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ()
    revision, down = value_of(tree.body, "revision"), value_of(tree.body, "down_revision")
    if isinstance(revision, str):
        listed = down if isinstance(down, list | tuple) else (down,) if down else ()
        follows = tuple(("", str(one)) for one in listed)
        line = next((n for n, one in enumerate(text.splitlines(), 1) if "down_rev" in one), 1)
        return (Migration(artifact, tree, revision, follows, (), False, line),)
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == "Migration":
            if (listed_in := _list_of(tree, node.body, "dependencies")) is None:
                return ()  # computed, or of another file
            follows = tuple(_pairs(listed_in, "dependencies"))
            replaced = tuple(old for _, old in _pairs(node.body, "replaces"))
            return (Migration(artifact, tree, name, follows, replaced, True, node.lineno),)
    return ()
