"""How Flask's own command is told its app, and how it makes a database's tables.

`python` asks. A Flask before 2.2 has no option for it, and reads a variable.
"""

from __future__ import annotations

import re

from tarmac.adopt.packages.package_age import is_before
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder

_APP = re.compile(r"-m flask --app (\S+) ")
#: The first version with the option, and its day.
_SINCE, _DAY = (2, 2), "2022-08-01"


def told(program: str, folder: Folder) -> tuple[str, dict[str, str]]:
    """Return how an app of Flask is started, and the variable that names it to an old one."""
    match = _APP.search(program)
    if match is None or not is_before(folder, "flask", _SINCE, _DAY):
        return program, {}
    return program.replace(match[0], "-m flask "), {"FLASK_APP": match[1].strip("'\"")}


def upgrade(program: str, env: dict[str, str], folder: Folder) -> str:
    """Return what makes the tables by Flask-Migrate, where its steps lie in the usual folder."""
    app = re.match(r"-m flask (--app \S+ )?run\b", program)
    steps = (re.fullmatch(r"((?:[\w-]+/)?migrations)/versions/\w+\.py", f) for f in folder.files)
    place = next((match[1] for match in steps if match), "")
    aside = f" -d {place}" if "/" in place else ""
    is_listed = re.search(r"(?i)flask[-_.]migrate", servers.libraries(folder))
    is_told = app and (app[1] or "FLASK_APP" in env)
    is_kept = app and is_told and place and is_listed
    return f"-m flask {app[1] or ''}db upgrade{aside}" if app and is_kept else ""
