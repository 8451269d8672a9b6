"""Servers in Python that listen for their own machine where they are told nothing of a host."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from tarmac.base.artifact import Artifact

#: What listens at 127.0.0.1 where a call says no host.
_CALLS = ("uvicorn.run", "app.run", "socketio.run")
_STARTS = re.compile(r"\bpython[\d.]*\s+(?:-[a-ln-zA-Z]\S*\s+)*([\w./-]+\.py\b|-m\s+[\w.]+)")
#: The same of commands, and what says the host.
_COMMAND = re.compile(
    r"(?:^|[\s/])(uvicorn|flask\s+(?:--\S+\s+\S+\s+)*run|fastapi\s+dev|hypercorn|daphne)\s"
)
_TOLD = re.compile(r"--host\b|-h[ =]|--uds\b|--fd\b|-b[ =]|--bind\b|--unix-socket\b|-u[ =]")
#: Variables that say it.
HOSTS = ("UVICORN_HOST", "FLASK_RUN_HOST", "HOST")


class OwnListener(NamedTuple):
    """A server that listens for itself alone."""

    #: The line of its call; "" where a command starts it.
    where: str
    #: What starts it: `uvicorn`, `app.run()`.
    by: str


def own_listeners(line: str, folder: str, python: Mapping[str, Artifact]) -> Iterator[OwnListener]:
    """Yield what a command starts that listens at 127.0.0.1.

    Args:
        folder: where the files are that the command runs.
    """
    found = _COMMAND.search(f" {line} ")
    if found and "$" not in line and not _TOLD.search(line):
        yield OwnListener("", found[1])
    for file in map(_path, _STARTS.findall(line)):
        artifact = python.get(posixpath.normpath(posixpath.join(folder, file)))
        for node in ast.walk(parsed(artifact)) if artifact else ():
            is_call = isinstance(node, ast.Call) and ast.unparse(node.func) in _CALLS
            if artifact and isinstance(node, ast.Call) and is_call and _is_silent(node):
                yield OwnListener(f"{artifact.path}:{node.lineno}", f"{ast.unparse(node.func)}()")


def _path(started: str) -> str:
    """Return the file of a script, or of a module: `-m app.main`."""
    module = started.removeprefix("-m").strip()
    return started if module == started else f"{module.replace('.', '/')}.py"


def _is_silent(call: ast.Call) -> bool:
    """Tell whether a call says nothing of where to listen, or its own host."""
    named = {one.arg: one.value for one in call.keywords}
    host = named.get("host")
    if isinstance(host, ast.Constant) and host.value in ("127.0.0.1", "localhost"):
        return True
    most = 0 if ast.unparse(call.func) == "app.run" else 1
    return not {"host", "uds", "fd", None} & named.keys() and len(call.args) <= most


def parsed(artifact: Artifact) -> ast.Module:
    """Parse a file of Python; one that is none has nothing in it."""
    return tree_of(str(artifact.content))


def tree_of(text: str) -> ast.Module:
    """Parse a text of Python; one that is none has nothing in it."""
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return ast.Module([], [])
