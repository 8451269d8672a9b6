"""Migrations of Django follow those of the apps whose models they name."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.django_order import follows_users, order
from tarmac.check.gates.views.published import published
from tarmac.check.gates.views.python_migrations import Migration, python_migrations
from tarmac.check.gates.views.scope import counted_in_files

#: Fields that name a model, with the place of it among what they are given.
_NAMING = ("ForeignKey", "OneToOneField", "ManyToManyField")


class App(NamedTuple):
    """An app, with its migrations by their names."""

    #: What others call it; its folder may have another name.
    name: str
    migrations: dict[str, Migration]


def check(files: Files) -> Iterator[Finding]:
    """Yield models of other apps that are named before they are there."""
    found = list(_apps(files))
    # Of two projects with an app of the same name, it is not known which is meant.
    often = Counter(app.name for app in found)
    apps = {app.name: app for app in found if often[app.name] == 1}
    placed = order({name: app.migrations for name, app in apps.items()})
    for app in apps.values():
        for migration in app.migrations.values():
            named = list(_named(migration))
            reached = _reached(app, migration, apps) if named else None
            for other, model in named if reached is not None else ():
                is_known = other in apps or other in published("django")["apps"]
                if is_known and other != app.name and other not in (reached or ()):
                    # By the names of the apps it is there already, until one gets another name.
                    there = [placed[other, one] for one in _names(apps, other)]
                    is_first = bool(there) and min(there) < placed[app.name, migration.name]
                    yield replace(_finding(migration, other, model), warning=is_first)


def _names(apps: dict[str, App], name: str) -> Sequence[str]:
    return tuple(apps[name].migrations) if name in apps else ()


def _finding(migration: Migration, other: str, model: str) -> Finding:
    what = f"names the model {model}, and neither it nor what it follows depends on a migration of"
    said = f"{what} {other}: a new database fails where the order of the apps puts that later"
    node = next((n for n in _body(migration) if _is_list(n, "dependencies")), migration.tree)
    return Finding(migration.at(node), f'{said}; add ("{other}", "__first__") to dependencies')


def _apps(files: Files) -> Iterator[App]:
    by_folder: dict[str, dict[str, Migration]] = {}
    for migration in python_migrations(files):
        if migration.is_django:
            by_folder.setdefault(migration.folder, {})[migration.name] = migration
    for folder, found in by_folder.items():
        said = Counter(
            app
            for one in found.values()
            for app, name in one.follows
            if name in found and name != one.name
        )
        above = folder.rpartition("/")[0].rpartition("/")[2]
        is_named = above in said or not said
        yield App(above if is_named else said.most_common(1)[0][0], found)


def _reached(app: App, begun: Migration, apps: dict[str, App]) -> set[str] | None:
    """List the apps that a migration follows, at any distance; None where that is not known."""
    known = published("django")["apps"]
    reached, todo, seen = set[str](), [(app.name, begun)], {(app.name, begun.name)}
    while todo:
        own, migration = todo.pop()
        reached.add(own)
        if follows_users(migration):
            reached |= {"auth", *known["auth"]}
        for other, name in migration.follows:
            if other in apps:
                before = apps[other].migrations.get(name)
                if before is None and name not in ("__first__", "__latest__"):
                    return None  # it is not here, and may follow any other
                whole = [before] if before else list(apps[other].migrations.values())
                for one in whole:
                    if (other, one.name) not in seen:
                        seen.add((other, one.name))
                        todo.append((other, one))
            elif other in known:
                reached |= {other, *known[other]}
            else:
                return None
    return reached


def _named(migration: Migration) -> Iterator[tuple[str, str]]:
    """Yield the models of apps that fields of new models and new fields name, each once."""
    found = dict[tuple[str, str], None]()
    for node in ast.walk(migration.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _NAMING:
            given = [k.value for k in node.keywords if k.arg in ("to", "through")] or node.args[:1]
            for one in given:
                text = getattr(one, "value", None)
                app, _, model = text.partition(".") if isinstance(text, str) else ("", "", "")
                if app and model:
                    found[app, f"{app}.{model}"] = None
    yield from found


def _body(migration: Migration) -> Sequence[ast.stmt]:
    classes = (one for one in migration.tree.body if isinstance(one, ast.ClassDef))
    return next((one.body for one in classes if one.name == "Migration"), [])


def _is_list(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name


def _judged(files: Files) -> Iterator[object]:
    yield from (one for one in python_migrations(files) if one.is_django)


GATE = Gate(
    id="SQL006",
    title="Migrations of Django follow those of the apps whose models they name",
    phase="services",
    source="https://docs.djangoproject.com/en/stable/topics/migrations/#dependencies: a foreign "
    "key needs the table of the other app, which is there where a dependency says so",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("migrations of Django", _judged),
    targets=(),
    reads="foreign keys of migrations of Django beside their dependencies, through all migrations "
    "that are here and the apps of Django itself. Where one that is followed is of another "
    "package, nothing is told. Judges files without a plan only.",
)
