"""Settings of Celery: of a module of settings, and those that an app is given where it is made."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.servers.python_settings import (
    PythonSettings,
    python_settings,
    value_of,
)

_MODULE = re.compile(r"celery_?config\.py")
_APP = re.compile(r"(celery\w*|tasks|app|main)\.py")


def celery_settings(files: Files) -> Iterator[PythonSettings]:
    """Yield the settings of modules, and those of `app.conf` with the broker of `Celery(...)`."""
    yield from python_settings(files, _MODULE)
    for own in python_settings(files, _APP):
        if _MODULE.fullmatch(own.artifact.path.rpartition("/")[2]):
            continue
        text = str(own.artifact.content)
        if ".conf." in text and "elery" in text:
            yield _of_app(own, ast.parse(text))


def _of_app(own: PythonSettings, tree: ast.Module) -> PythonSettings:
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for one in tree.body:
        for name, node in (*_updated(one), *_set(one), *_made(one)):
            values[name] = value_of(node, own.values)
            lines[name] = node.lineno
    return PythonSettings(own.artifact, values, lines)


def _updated(one: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield what `app.conf.update(...)` sets."""
    call = one.value if isinstance(one, ast.Expr) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func).endswith(".conf.update"):
        yield from ((key.arg, key.value) for key in call.keywords if key.arg)
        for given in call.args:
            if isinstance(given, ast.Dict):
                for key, value in zip(given.keys, given.values, strict=True):
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        yield key.value, value


def _set(one: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield what `app.conf.NAME = ...` sets."""
    for target in one.targets if isinstance(one, ast.Assign) else ():
        if isinstance(target, ast.Attribute) and ast.unparse(target.value).endswith(".conf"):
            yield target.attr, one.value  # type: ignore[attr-defined]


def _made(one: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Yield the broker that an app is made with."""
    call = one.value if isinstance(one, ast.Assign) else None
    if isinstance(call, ast.Call) and ast.unparse(call.func).rpartition(".")[2] == "Celery":
        yield from (("broker_url", key.value) for key in call.keywords if key.arg == "broker")
