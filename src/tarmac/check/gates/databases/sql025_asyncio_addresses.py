"""The address of a database is one that SQLAlchemy's engine takes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from tarmac.base.report import Finding
from tarmac.check.gates.gate import Gate
from tarmac.check.gates.subject import Files
from tarmac.check.gates.views.compose.services import compose_services
from tarmac.check.gates.views.objects.metadata import title
from tarmac.check.gates.views.once import once
from tarmac.check.gates.views.pods.pods import pods
from tarmac.check.gates.views.scope import counted_in_files
from tarmac.check.gates.views.servers.python_listeners import parsed

#: Drivers that only an asynchronous engine uses.
_ASYNC = re.compile(r"\w+\+(asyncpg|aiosqlite|aiomysql|asyncmy|psycopg_async)://")
_OLD = re.compile(r"postgres://")
#: What changes an address before it is used.
_CHANGES = re.compile(r"replace\(|re\.sub\(|set\(drivername|make_url|\.startswith\(|removeprefix")


class Connection(NamedTuple):
    """An engine of the address that a variable has."""

    where: str
    variable: str


class GivenAddress(NamedTuple):
    """A variable with an address."""

    where: str
    title: str
    value: str


def check(files: Files) -> Iterator[Finding]:
    """Yield addresses that an engine refuses."""
    connections = list(_connections(files))
    given = _given(files, {one.variable for one in connections}) if connections else {}
    for one in connections:
        for own in given.get(one.variable, ()):
            if _OLD.match(own.value):
                what = f"{own.title} gives {one.variable} as postgres://, which SQLAlchemy does not"
                said = f"{what} know since 1.4 ({one.where}): it ends at once; write postgresql://"
                yield Finding(own.where, said)
            elif found := _ASYNC.match(own.value):
                what = f"create_engine of {one.variable}, which {own.title} gives with the driver"
                why = f"{found[1]}: that is for create_async_engine, and each statement fails with"
                yield Finding(one.where, f"{what} {why} MissingGreenlet; take another driver here")
            else:
                continue
            break


@once
def _connections(files: Files) -> Iterator[Connection]:
    """Yield the synchronous engines of code here, by the variable of their address."""
    for artifact in files.artifacts:
        text = artifact.content if artifact.path.endswith(".py") else ""
        if not isinstance(text, str) or "create_engine(" not in text or _CHANGES.search(text):
            continue
        for node in ast.walk(parsed(artifact)):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            is_made = ast.unparse(node.func).rpartition(".")[2] == "create_engine"
            if is_made and (name := _variable(node.args[0])):
                yield Connection(f"{artifact.path}:{node.lineno}", name)


def _variable(node: ast.expr) -> str:
    """Name the variable that an expression reads: `os.environ["A"]`, `os.getenv("A")`."""
    of = node.slice if isinstance(node, ast.Subscript) else None
    if isinstance(node, ast.Call) and node.args:
        of = node.args[0]
    name = ast.unparse(node.func if isinstance(node, ast.Call) else getattr(node, "value", node))
    is_read = name in ("os.environ", "environ", "os.environ.get", "os.getenv", "getenv")
    return str(of.value) if is_read and isinstance(of, ast.Constant) else ""


def _given(files: Files, names: set[str]) -> dict[str, list[GivenAddress]]:
    found: dict[str, list[GivenAddress]] = {}
    for service in compose_services(files):
        for name, value in service.environment.items():
            if name in names:
                one = GivenAddress(
                    service.at("environment", name), f"service {service.name}", value
                )
                found.setdefault(name, []).append(one)
    for own in pods(files):
        for container in own.main_containers:
            for number, variable in enumerate(container.variables):
                if variable.name in names and variable.has_value:
                    where = container.at("env", number, "value")
                    one = GivenAddress(where, title(own.artifact), str(variable.value))
                    found.setdefault(str(variable.name), []).append(one)
    return found


GATE = Gate(
    id="SQL025",
    title="The address of a database is one that SQLAlchemy's engine takes",
    phase="services",
    source="https://docs.sqlalchemy.org/en/20/core/engines.html#postgresql; "
    "https://docs.sqlalchemy.org/en/20/orm/extensions/asyncio.html: asynchronous drivers are for "
    "create_async_engine",
    check=check,
    of_files=check,
    scope=counted_in_files("engines of an address in a variable", _connections),
    targets=("compose", "cluster"),
    reads="create_engine of an environment variable in files of Python that change no address, "
    "beside that variable of services and pods.",
)
