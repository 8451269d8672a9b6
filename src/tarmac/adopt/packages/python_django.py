"""How Django makes the tables of a project whose steps for that git does not keep.

`python` asks. Some ignore their folders `migrations`, and write the steps where they need them.
"""

from __future__ import annotations

import posixpath
import re

from tarmac.adopt.survey.found import Folder

_IGNORED = re.compile(r"(?m)^[ \t]*/?(?:\*{1,2}/?){0,3}migrations(?:/|/\*{1,2}|/.*\.py)?[ \t]*$")
_STEP = re.compile(r"migrations/\d\w*\.py")
#: A table of the app's own.
_TABLE = re.compile(r"(?m)^class \w+\([^)]*(?:\bModel\b|\bAbstract(?:Base)?User\b)")


def unkept(folder: Folder) -> tuple[str, ...]:
    """Name the apps whose steps git ignores, so that a new clone has none of them."""
    if not _IGNORED.search(folder.read(folder.upwards(".gitignore"))):
        return ()
    places = (posixpath.dirname(f) for f in folder.files if posixpath.basename(f) == "models.py")
    return tuple(
        posixpath.basename(place)
        for place in places
        if place
        and _TABLE.search(folder.read(f"{place}/models.py"))
        and not any(map(_STEP.fullmatch, folder.below(place).files))
    )
