"""How Flask's own command is told its app, and how it makes a database's tables.

`python` asks. A Flask before 2.2 has no option for it, and reads a variable.
"""

from __future__ import annotations

import re

from tarmac.adopt.packages.package_day import day_of
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder

_APP = re.compile(r"-m flask --app (\S+) ")
#: The first version with the option, and its day.
_SINCE, _DAY = (2, 2), "2022-08-01"
_VERSION = r"(?im)^[ \t]*[\"']?flask[ \t]*==[ \t]*(\d+)\.(\d+)"
_LOCKED = r"(?ms)^name = \"[Ff]lask\"$[^\[]*?^version = \"(\d+)\.(\d+)"


def told(program: str, folder: Folder) -> tuple[str, dict[str, str]]:
    """Return how an app of Flask is started, and the variable that names it to an old one."""
    match = _APP.search(program)
    if match is None or not _is_old(folder):
        return program, {}
    return program.replace(match[0], "-m flask "), {"FLASK_APP": match[1].strip("'\"")}


def _is_old(folder: Folder) -> bool:
    """Tell whether the Flask that is installed does not know the option yet."""
    lock = folder.read(folder.upwards("poetry.lock"))
    match = re.search(_VERSION, servers.libraries(folder)) or re.search(_LOCKED, lock)
    if match is not None:
        return (int(match[1]), int(match[2])) < _SINCE
    usual = folder.upwards("requirements.txt")
    day = day_of((usual,), folder) if usual and not lock else ""
    return bool(day) and day < _DAY


def upgrade(program: str, env: dict[str, str], folder: Folder) -> str:
    """Return what makes the tables by Flask-Migrate, where its steps lie in the usual folder."""
    app = re.match(r"-m flask (--app \S+ )?run\b", program)
    has_steps = any(re.fullmatch(r"migrations/versions/\w+\.py", file) for file in folder.files)
    is_listed = re.search(r"(?i)flask[-_.]migrate", servers.libraries(folder))
    is_told = app and (app[1] or "FLASK_APP" in env)
    return (
        f"-m flask {app[1] or ''}db upgrade" if app and is_told and has_steps and is_listed else ""
    )
