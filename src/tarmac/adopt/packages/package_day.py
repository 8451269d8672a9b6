"""The day of a list of packages: what it leaves open is installed as it was then.

`python_packages` asks. A list of another year that names few versions gets packages of today, which
no longer fit each other or its code.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from datetime import date, timedelta

from tarmac.adopt.survey.found import Folder

#: Lists that are younger go with the packages of today.
_OLD = timedelta(days=365)
#: One that names a version of each is of its day sooner: what those bring along is left open.
_OLD_AND_PINNED = timedelta(days=90)
#: A line that a program wrote, which has worked out what goes together.
_IS_COMPLETE = re.compile(r"#[ \t]+via\b|--hash=")
_INCLUDES = re.compile(r"(?m)^[ \t]*(?:-r|--requirement)[= \t]*(\S+)").findall
_PACKAGE = re.compile(r"(?m)^[ \t]*[A-Za-z][\w.-]*[^\n]*")


def day_of(lists: Iterable[str], folder: Folder) -> str:
    """Return the day that packages are to be of, as uv is told it; "" for those of today.

    Args:
        lists: the files that list them, from the folder.
    """
    texts = {name: folder.read(name) for name in with_included(lists, folder)}
    if not texts or any(map(_IS_COMPLETE.search, texts.values())):
        return ""
    packages = [line for text in texts.values() for line in _PACKAGE.findall(text)]
    if not packages:
        return ""
    old = _OLD_AND_PINNED if all("==" in line for line in packages) else _OLD
    days = [folder.changed(name) for name in texts]
    found = max(days) if all(days) else ""
    is_old = bool(found) and date.fromisoformat(found) < _today() - old
    return str(date.fromisoformat(found) + timedelta(days=1)) if is_old else ""


def day_of_code(files: Iterable[str], folder: Folder) -> str:
    """Return the day of code that no list says the packages of; "" for those of today."""
    days = [folder.changed(name) for name in files]
    found = max(days) if days and all(days) else ""
    is_old = bool(found) and date.fromisoformat(found) < _today() - _OLD
    return str(date.fromisoformat(found) + timedelta(days=1)) if is_old else ""


#: The first Python 3.x that is still about, and the year in whose October it came; one each year.
_FIRST = (8, 2019)
_MONTH = 10
#: So long it takes until most packages are made for a new one.
_UNTIL_MADE_FOR = timedelta(days=150)


def python_of(day: str) -> int:
    """Return the minor version of the Python 3 that packages of a day are made for; 0 for none."""
    if not day:
        return 0
    then = date.fromisoformat(day) - _UNTIL_MADE_FOR
    years = then.year - _FIRST[1] - (then.month < _MONTH)
    return max(_FIRST[0] + years, _FIRST[0])


#: Packages with C code, the first versions that are made for a Python 3.x, and that x.
_MADE_FOR: dict[str, tuple[tuple[tuple[int, ...], int], ...]] = {
    "asyncpg": (((0, 27), 11), ((0, 29), 12), ((0, 30), 13)),
    "greenlet": (((1, 1), 10), ((2, 0), 11), ((3, 0), 12), ((3, 1), 13)),
    "numpy": (((1, 21), 10), ((1, 23), 11), ((1, 26), 12), ((2, 1), 13)),
    "psycopg2-binary": (
        ((2, 8, 6), 9),
        ((2, 9), 10),
        ((2, 9, 5), 11),
        ((2, 9, 8), 12),
        ((2, 9, 10), 13),
    ),
    "pydantic-core": (((2, 0), 11), ((2, 10), 12), ((2, 20), 13)),
}
_PIN = re.compile(r"(?m)^[ \t]*([A-Za-z][\w.-]*)(?:\[[^\]\n]*\])?[ \t]*==[ \t]*(\d+(?:\.\d+)*)")
#: The newest one that is about.
_NEWEST = 13


def newest_python(listed: str) -> int:
    """Return the newest minor version of Python 3 that pinned packages are made for; 0 for any."""
    found = _NEWEST
    for name, version in _PIN.findall(listed):
        steps = _MADE_FOR.get(re.sub(r"[-_.]+", "-", name).lower(), ())
        own = tuple(map(int, version.split(".")))
        made = [minor for first, minor in steps if own >= first]
        if steps:
            found = min(found, made[-1] if made else steps[0][1] - 1)
    return found if found < _NEWEST else 0


def with_included(lists: Iterable[str], folder: Folder) -> list[str]:
    """List the files with those that they include: `-r base.txt`."""
    found = list(lists)
    for name in found:
        beside = posixpath.dirname(name)
        more = (posixpath.normpath(posixpath.join(beside, n)) for n in _INCLUDES(folder.read(name)))
        found += [path for path in more if path not in found]
    return found


def _today() -> date:
    return date.today()  # noqa: DTZ011 - the day of this machine is near enough
