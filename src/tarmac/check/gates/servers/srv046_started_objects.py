"""A server in Python that starts itself several times is told where its application is."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.artifact import Artifact
from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_listeners import parsed

#: What makes an application.
_MAKERS = frozenset({
    "FastAPI", "Starlette", "Litestar", "Quart", "Sanic", "BlackSheep", "Robyn", "Falcon",
    "create_app", "make_app", "get_app", "build_app", "get_asgi_application",
})  # fmt: skip


class StartedObject(NamedTuple):
    """A call of `uvicorn.run` with an application itself."""

    artifact: Artifact
    line: int
    #: As the file has it.
    application: str
    call: ast.Call


def check(files: Files) -> Iterator[Finding]:
    """Yield calls that end at once, as further processes could not find the application."""
    for one in _started(files):
        given = {named.arg: named.value for named in one.call.keywords}
        for key, is_meant in (("workers", _is_several), ("reload", _is_true)):
            if key in given and is_meant(given[key]):
                what = f"uvicorn.run is given {one.application} itself and"
                said = f"{key}={ast.unparse(given[key])}, for which it takes a text only: it ends"
                module = one.artifact.path.rpartition("/")[2].removesuffix(".py")
                name = one.application if one.application.isidentifier() else "app"
                where = f"{one.artifact.path}:{one.line}"
                yield Finding(where, f'{what} {said} with status 1; write "{module}:{name}"')
                break
            if key in given and not isinstance(given[key], ast.Constant):
                what = f"uvicorn.run is given {one.application} itself, and as soon as {key} is"
                said = "more than one it ends with status 1, as it takes a text only for that"
                module = one.artifact.path.rpartition("/")[2].removesuffix(".py")
                where = f"{one.artifact.path}:{one.line}"
                yield Finding(where, f'{what} {said}; write "{module}:{one.application}"')
                break


def _is_several(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and type(value.value) is int and value.value > 1


def _is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


@once
def _started(files: Files) -> Iterator[StartedObject]:
    for artifact in files.artifacts:
        text = artifact.content if artifact.path.endswith(".py") else ""
        if not isinstance(text, str) or "uvicorn.run(" not in text:
            continue
        tree = parsed(artifact)
        made = {
            target.id
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and _is_application(node.value)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "uvicorn.run" and node.args:
                first = node.args[0]
                is_name = isinstance(first, ast.Name) and first.id in made
                if is_name or _is_application(first):
                    yield StartedObject(artifact, node.lineno, ast.unparse(first), node)


def _is_application(value: ast.expr) -> bool:
    """Tell whether a value is an application that is made here."""
    return isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in _MAKERS


GATE = Gate(
    id="SRV046",
    title="A server that starts itself several times is told where its application is",
    phase="containers",
    source="https://uvicorn.dev/deployment/#running-programmatically: with `workers` or `reload` "
    "the application has to be an import string",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("calls of uvicorn.run with an application", _started),
    targets=("local", "cluster"),
    reads="calls of uvicorn.run in files of Python, whose application the same file makes, with "
    "workers or reload as they are written there.",
)
