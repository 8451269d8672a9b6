"""SQLite files that a program's variables name: each is put on a volume, which outlives it.

`settle` asks. In a container the program's own folder is read-only, and new with every pod.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import replace

from tarmac.adopt.survey.found import Folder, Service

#: `sqlite:///data/app.db` of SQLAlchemy and Django, `file:./dev.db?mode=rwc` of Prisma,
#: `sqlite://app.db` of sqlx, `jdbc:sqlite:app.db`. A path from / is none of the program's folder.
_URL = re.compile(
    r"(?P<scheme>(?:jdbc:)?sqlite3?(?:\+\w+)?:(?:///|//)?|file:)"
    r"(?P<path>[\w.-][\w./-]*)(?P<rest>\?.*)?"
)
_FILE = re.compile(r"[\w./-]+\.(?:db|db3|sqlite|sqlite3)")
_NAMES = re.compile(r"(^|_)(DB|DATABASE|SQLITE)(_|$)")
#: The volume of a file that is in the program's folder itself.
DATA = "data"


def path_of(value: str) -> tuple[str, str]:
    """Split a URL of SQLite into scheme and path from /; another value is all path."""
    found = re.fullmatch(r"((?:jdbc:)?sqlite3?(?:\+\w+)?:(?:///)?|file:(?://)?)(/[^/].*)", value)
    return (found[1], found[2]) if found else ("", value)


def on_volumes(service: Service, folder: Folder) -> Service:
    """Refer to a volume where a variable names a SQLite file of the program's folder."""
    env, volumes, remarks = dict(service.env), dict(service.volumes), list(service.remarks)
    for name, value in service.env.items():
        found = _URL.fullmatch(value)
        scheme, path, rest = found.group("scheme", "path", "rest") if found else ("", value, "")
        path = posixpath.normpath(path)
        is_file = _FILE.fullmatch(path) and (scheme or _NAMES.search(name))
        if not is_file or path.startswith(("..", "/", "django.db.backends.")):
            continue
        place = posixpath.dirname(path) or DATA
        if place in service.volumes.values():  # others have it there, too
            continue
        volume = re.sub(r"[^a-z0-9]+", "-", place.lower()).strip("-") or DATA
        volumes[volume] = place
        env[name] = f"{scheme}${{volumes.{volume}.path}}/{posixpath.basename(path)}{rest or ''}"
        empty = f"; {path} is not carried over" if path in folder.files else ""
        remarks.append(f"{name}: its SQLite file is on a volume, and empty at first{empty}")
    return replace(service, env=env, volumes=volumes, remarks=tuple(remarks))
