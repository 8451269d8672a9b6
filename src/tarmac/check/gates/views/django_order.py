"""In which order Django migrates a new database: app by app by their names, each after its own."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

from tarmac.check.gates.views.python_migrations import Migration

Apps = Mapping[str, Mapping[str, Migration]]
#: A field of each model of users, whatever its name.
_OF_USERS = "'last_login'"
_ANY = ("__first__", "__latest__")


def order(apps: Apps) -> dict[tuple[str, str], int]:
    """Number the migrations that are here, as a new database gets them."""
    placed: dict[tuple[str, str], int] = {}
    users = next((app for app, found in apps.items() if _makes_users(found)), None)
    for app in sorted(apps):
        for name in sorted(apps[app]):
            _place(apps, (app, name), users, placed)
    return placed


def _place(
    apps: Apps, asked: tuple[str, str], users: str | None, placed: dict[tuple[str, str], int]
) -> None:
    """Place a migration behind all that it follows; what follows itself is placed once."""
    todo, entered = [(asked, False)], set[tuple[str, str]]()
    while todo:
        one, is_left = todo.pop()
        if is_left:
            placed.setdefault(one, len(placed))
        elif one not in placed and one not in entered:
            entered.add(one)
            todo.append((one, True))
            todo += [(before, False) for before in _before(apps, one, users)]


def _before(apps: Apps, one: tuple[str, str], users: str | None) -> Iterator[tuple[str, str]]:
    migration = apps[one[0]][one[1]]
    followed = list(migration.follows)
    if users is not None and follows_users(migration):
        followed.append((users, "__first__"))
    for app, name in followed:
        names = sorted(apps.get(app, ()))
        if name in names:
            yield app, name
        elif names and name in _ANY:
            yield app, names[0 if name == "__first__" else -1]


def follows_users(migration: Migration) -> bool:
    """Tell whether it follows the app of users, whichever that is."""
    return any(
        "swappable_dependency" in ast.dump(one)
        for node in migration.tree.body
        if isinstance(node, ast.ClassDef) and node.name == "Migration"
        for one in node.body
        if isinstance(one, ast.Assign) and getattr(one.targets[0], "id", "") == "dependencies"
    )


def _makes_users(migrations: Mapping[str, Migration]) -> bool:
    return any(_OF_USERS in ast.dump(one.tree) for one in migrations.values())
