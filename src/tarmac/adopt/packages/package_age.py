"""Whether the version of a package that a program gets is before one: as it is pinned, or its day.

`python` and `python_flask` ask, where an old version is started in another way than those of today.
"""

from __future__ import annotations

import re

from tarmac.adopt.packages.package_day import day_of
from tarmac.adopt.stores import servers
from tarmac.adopt.survey.found import Folder


def is_before(folder: Folder, package: str, version: tuple[int, int], day: str) -> bool:
    """Tell whether a version of a package is installed that is older than one.

    Args:
        day: of that version, for a list that says none.
    """
    pinned = rf"(?im)^[ \t]*[\"']?{package}[ \t]*==[ \t]*(\d+)\.(\d+)"
    locked = rf"(?ims)^name = \"{package}\"$[^\[]*?^version = \"(\d+)\.(\d+)"
    lock = folder.read(folder.upwards("poetry.lock"))
    match = re.search(pinned, servers.libraries(folder)) or re.search(locked, lock)
    if match is not None:
        return (int(match[1]), int(match[2])) < version
    usual = folder.upwards("requirements.txt")
    of_list = day_of((usual,), folder) if usual and not lock else ""
    return bool(of_list) and of_list < day
