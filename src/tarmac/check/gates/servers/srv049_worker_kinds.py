"""gunicorn runs an application by a worker that speaks its protocol."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from posixpath import join, normpath
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.images.started import started
from tarmac.check.gates.views.on_disk import on_disk, text_on_disk
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_listeners import tree_of

_GUNICORN = re.compile(r"(?:^|[\s/])gunicorn\s(.*)", re.DOTALL)
_APPLICATION = re.compile(r"(?:^|\s)([A-Za-z_][\w.]*):([A-Za-z_]\w*)(?=$|\s|\()")
#: Another worker, and a file or a variable that may name one.
_SAID = re.compile(r"(?:^|\s)(-k|--worker-class|-c|--config)\b|GUNICORN_CMD_ARGS|\$")
_ASGI = frozenset({"FastAPI", "Starlette", "Litestar", "Quart", "BlackSheep"})
_WORKER = "uvicorn.workers.UvicornWorker"
_MOST = 500_000


class StartedApplication(NamedTuple):
    """An application of ASGI that gunicorn starts."""

    where: str
    title: str
    name: str
    maker: str
    line: str


def check(files: Files) -> Iterator[Finding]:
    """Yield applications of ASGI behind workers of WSGI: each request is a 500."""
    for one in _started(files):
        if not _SAID.search(one.line):
            what = f"{one.title} starts gunicorn with its own workers, which speak WSGI, and"
            why = (
                f"{one.name} is a {one.maker}, which speaks ASGI: each request ends with 500; write"
            )
            yield Finding(one.where, f"{what} {why} --worker-class {_WORKER}")


@once
def _started(files: Files) -> Iterator[StartedApplication]:
    for program in started(files):
        found = _GUNICORN.search(program.line)
        named = _APPLICATION.search(found[1]) if found else None
        if found is None or named is None:
            continue
        for below in ("", "src", "app", "backend"):
            path = normpath(join(program.folder, below, f"{named[1].replace('.', '/')}.py"))
            if (text := text_on_disk(files, path, _MOST)) is not None:
                maker = _maker(text, named[2])
                name = f"{named[1]}:{named[2]}"
                # A file of its own name beside it is read without an option.
                own = on_disk(files, normpath(join(program.folder, "gunicorn.conf.py")))
                if maker and not (own is not None and own.is_file()):
                    yield StartedApplication(program.where, program.title, name, maker, found[1])
                break


def _maker(text: str, name: str) -> str:
    """Name what makes an application of ASGI; "" where it is made of something else."""
    makers = [
        ast.unparse(node.value.func).rpartition(".")[2]
        for node in tree_of(text).body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Call)
        and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
    ]
    return makers[0] if len(makers) == 1 and makers[0] in _ASGI else ""


GATE = Gate(
    id="SRV049",
    title="gunicorn runs an application by a worker that speaks its protocol",
    phase="services",
    source="https://docs.gunicorn.org/en/stable/settings.html#worker-class: sync by default, which "
    "calls an application as WSGI has it",
    check=check,
    of_files=check,
    of_objects=False,
    scope=counted_in_files("applications of ASGI that gunicorn starts", _started),
    targets=("compose", "cluster"),
    reads="gunicorn in commands of images, services and pods without a worker class or a file of "
    "settings, beside the module that makes the application.",
)
