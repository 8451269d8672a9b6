"""Alembic's file of settings, where that alone says which database the tables are made in.

`_settle.py` asks. The file names a host of containers, which is not there on this machine.
"""

from __future__ import annotations

import re
from dataclasses import replace

from tarmac.adopt._found import MIGRATE, Folder, Service

FILE = "alembic.ini"
_COMMAND = "-m alembic upgrade head"
_URL = re.compile(r"(?m)^[ \t]*sqlalchemy\.url[ \t]*=[ \t]*(?!driver:)\w[\w+]*://[^\s%$]+$")
_FOLDER = re.compile(r"(?m)^[ \t]*script_location[ \t]*=[ \t]*(?:%\(here\)s/)?(\S+)")
#: With one of these, its script takes the address from elsewhere.
_ELSEWHERE = re.compile(
    r"set_main_option|set_section_option|environ|getenv|create_async_engine|create_engine\("
)
_ADDRESS = re.compile(r"[a-z][a-z0-9+]*://.*\$\{stores\.[a-z0-9-]+\.|\$\{stores\.[a-z0-9-]+\.url\}")


def told(service: Service, folder: Folder) -> Service:
    """Tell Alembic the address that the program has in a variable, in place of its file's own."""
    line = service.tasks.get(MIGRATE, "")
    text = folder.read(FILE)
    place = _FOLDER.search(text)
    script = folder.read(f"{place[1].rstrip('/')}/env.py") if place else ""
    if not line.endswith(_COMMAND) or not _URL.search(text) or _ELSEWHERE.search(script):
        return service
    names = [name for name, value in service.env.items() if _ADDRESS.match(value)]
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
