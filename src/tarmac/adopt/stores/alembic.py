"""Alembic's file of settings, where that alone says which database the tables are made in.

`settle` asks. The file names a host of containers, which is not there on this machine.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace

from tarmac.adopt.survey.found import MIGRATE, Folder, Service

FILE = "alembic.ini"
#: The variable that holds the address where the program itself is told no whole one.
_OWN = "ALEMBIC_DATABASE_URL"
_COMMAND = "-m alembic upgrade head"
_URL = re.compile(r"(?m)^[ \t]*sqlalchemy\.url[ \t]*=[ \t]*(?!driver:)\w[\w+]*://[^\s%$]+$")
_FOLDER = re.compile(r"(?m)^[ \t]*script_location[ \t]*=[ \t]*(?:%\(here\)s/)?(\S+)")
#: With one of these, its script takes the address from elsewhere.
_ELSEWHERE = re.compile(
    r"set_main_option|set_section_option|environ|getenv|create_async_engine|create_engine\("
)
_ADDRESS = re.compile(
    r"[a-z][a-z0-9+]*://.*\$\{stores\.([a-z0-9-]+)\.|\$\{stores\.([a-z0-9-]+)\.url\}"
)


def told(service: Service, folder: Folder, databases: Collection[str]) -> Service:
    """Tell Alembic the address that the program has in a variable, in place of its file's own.

    Where its migrations begin several times, no command runs them all: that one is left out.

    Args:
        databases: the stores that have tables; the program may be told those of others, too.
    """
    line = service.tasks.get(MIGRATE, "")
    text = folder.read(FILE)
    place = _FOLDER.search(text)
    script = folder.read(f"{place[1].rstrip('/')}/env.py") if place else ""
    begins = _beginnings(folder, place[1].rstrip("/")) if place and line.endswith(_COMMAND) else []
    if len(begins) > 1:
        tasks = {name: task for name, task in service.tasks.items() if name != MIGRATE}
        to_do = f"its migrations begin {len(begins)} times ({', '.join(begins)}): run them by hand"
        return replace(service, tasks=tasks, to_do=(*service.to_do, to_do))
    if not line.endswith(_COMMAND) or not _URL.search(text) or _ELSEWHERE.search(script):
        return service
    addresses = {name: _ADDRESS.match(value) for name, value in service.env.items()}
    names = [n for n, match in addresses.items() if match and (match[1] or match[2]) in databases]
    if len({service.env[name] for name in names}) == 1:  # one database, by several names
        names = names[:1]
    if script and not names and (address := _of_parts(service, text)):
        service = replace(service, env={**service.env, _OWN: address})
        names = [_OWN]
    if not script or len(names) != 1:
        return service
    program = (
        "import os; from alembic import command, config; "
        f"known = config.Config('{FILE}'); "
        f"url = os.environ['{names[0]}'].replace('%', '%%'); "
        "known.set_main_option('sqlalchemy.url', url); command.upgrade(known, 'head')"
    )
    start = line.removesuffix(_COMMAND)
    remark = f"{FILE} has an address of its own: migrations are told {names[0]}"
    return replace(
        service,
        tasks={**service.tasks, MIGRATE: f'{start}-c "{program}"'},
        remarks=(*service.remarks, remark),
    )


def _of_parts(service: Service, text: str) -> str:
    """Write the address that a program is told in parts, with the driver that the file has."""
    said = " ".join(service.env.values())
    known = set(re.findall(r"\$\{(stores\.[a-z0-9-]+)\.password\}", said))
    own = [root for root in known if f"${{{root}.database}}" in said]
    scheme = re.search(r"sqlalchemy\.url[ \t]*=[ \t]*(\w[\w+]*)://", text)
    if len(own) != 1 or scheme is None:
        return ""
    user, password, address, database = (
        f"${{{own[0]}.{part}}}" for part in ("user", "password", "address", "database")
    )
    return f"{scheme[1]}://{user}:{password}@{address}/{database}"


def _beginnings(folder: Folder, place: str) -> list[str]:
    """List the migrations that follow no other one and belong to no branch."""
    found = []
    for file in folder.files:
        is_one = file.startswith(f"{place}/versions/") and file.endswith(".py")
        text = folder.read(file) if is_one else ""
        revision = re.search(r"(?m)^revision\b[^=\n]*=[ \t]*['\"](\w+)['\"]", text)
        is_first = re.search(r"(?m)^down_revision\b[^=\n]*=[ \t]*None\b", text)
        branch = re.search(r"(?m)^branch_labels\b[^=\n]*=[ \t]*[^N\s]", text)
        found += [revision[1]] if revision and is_first and not branch else []
    return sorted(found)
